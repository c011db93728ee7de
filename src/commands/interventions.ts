import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { interventionsGeoJson, readInterventions } from '../adapters/operator/interventions.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

interface ExportOptions extends CommonOptions {
  readonly out: string;
}

export function addInterventions(program: Command): void {
  const interventions = program.command('interventions').description('what operators did to a robot');
  withCommonOptions(interventions.command('export'))
    .description('write all interventions of a folder as GeoJSON, for the map team')
    .argument('<folder>', 'the folder of operator.interventions')
    .requiredOption('--out <file>', 'GeoJSON')
    .action(async (folder: string, options: ExportOptions) => {
      const { log } = await openSession(options);
      const { records, damaged } = await readInterventions(folder);
      for (const problem of damaged) log.warn(`${folder}: ${problem}; it was left out`);
      await writeFile(options.out, `${JSON.stringify(interventionsGeoJson(records), null, 2)}\n`);
      const result = { interventions: records.length, damaged: damaged.length, path: options.out };
      answer(options, result, `${records.length} interventions in ${options.out}`);
    });
}
