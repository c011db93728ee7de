import { join } from 'node:path';
import type { Command } from 'commander';
import { checkGraph } from '../map-service/graph-check.ts';
import { readManifest, readText, writeGraph } from '../map-service/graph-file.ts';
import { type Feature, mergeGraphs, parseGraph } from '../map-service/graph-schema.ts';
import { importOpenSidewalks, importOsm } from '../map-service/osm-import.ts';
import { editMap } from './map-edit.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

export interface AnnotateOptions extends CommonOptions {
  readonly graph?: readonly string[];
  readonly osm?: readonly string[];
  readonly osw?: readonly string[];
  readonly replace?: boolean;
  readonly strict?: boolean;
  readonly dryRun?: boolean;
  readonly edit?: boolean;
  readonly port?: string;
}

export function addMapAnnotate(map: Command): void {
  withCommonOptions(map.command('annotate'))
    .description('check and merge the route graph of a map; import footways')
    .argument('<dir>', 'folder of the map')
    .option('--graph <files...>', 'GeoJSON of our own features, merged by kind and id: the last one stays')
    .option('--osm <files...>', 'Overpass JSON or .osm XML')
    .option('--osw <files...>', 'OpenSidewalks GeoJSON: edges and nodes')
    .option('--replace', 'begin from an empty graph, not from that of the map')
    .option('--strict', 'write nothing and fail where there are problems')
    .option('--dry-run', 'only check')
    .option('--edit', 'serve a page on this machine to see and edit the features on the tiles, until Ctrl-C')
    .option('--port <number>', 'of that page; 0: any free one', '8091')
    .action(async (dir: string, options: AnnotateOptions) => {
      if (options.edit) await editMap(dir, options);
      else await annotate(dir, options);
    });
}

/** `map annotate`: problems are listed with their places; the map gets the merged graph and the next version. */
export async function annotate(dir: string, options: AnnotateOptions) {
  await openSession(options);
  const manifest = await readManifest(dir);
  const path = join(dir, 'graph.geojson');
  const graphs: (readonly Feature[])[] = options.replace ? [] : [parseGraph(await readText(path), path)];
  const assumed: Record<string, number> = {};
  const take = (found: ReturnType<typeof importOsm>) => {
    graphs.push(found.features);
    for (const [name, links] of Object.entries(found.assumed)) assumed[name] = (assumed[name] ?? 0) + links;
  };
  for (const file of options.osm ?? []) take(importOsm(await readText(file), file));
  if (options.osw)
    take(importOpenSidewalks(await Promise.all(options.osw.map(readText)), options.osw.join(', ')));
  for (const file of options.graph ?? []) graphs.push(parseGraph(await readText(file), file));
  const features = mergeGraphs(graphs);
  const problems = checkGraph(features, manifest.frame.origin);
  const failed = options.strict === true && problems.length > 0;
  const isKept = failed || options.dryRun === true;
  const version = isKept ? manifest.version : await writeGraph(dir, manifest, features);
  const result = { version, features: features.length, problems, assumed };
  const lines = problems.map(({ reason, id, detail, lat, lon }) => {
    return `${reason} ${id} at ${lat.toFixed(7)}, ${lon.toFixed(7)}: ${detail}`;
  });
  const guessed = Object.entries(assumed).map(([name, links]) => `${name} assumed for ${links} links`);
  const summary = `${features.length} features, ${problems.length} problems; map version ${version}`;
  answer(options, result, [...lines, ...guessed, summary].join('\n'));
  if (failed) process.exitCode = 1;
  return result;
}
