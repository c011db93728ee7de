import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { parseManifest } from '../map/manifest.ts';
import { checkGraph } from '../map-service/graph-check.ts';
import { type Feature, mergeGraphs, parseGraph } from '../map-service/graph-schema.ts';
import { sha256 } from '../map-service/map-package.ts';
import { importOpenSidewalks, importOsm } from '../map-service/osm-import.ts';
import { writeWhole } from '../map-service/whole-file.ts';
import { Refusal } from '../types.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

export interface AnnotateOptions extends CommonOptions {
  readonly graph?: readonly string[];
  readonly osm?: readonly string[];
  readonly osw?: readonly string[];
  readonly replace?: boolean;
  readonly strict?: boolean;
  readonly dryRun?: boolean;
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
    .action(async (dir: string, options: AnnotateOptions) => {
      await annotate(dir, options);
    });
}

/** `map annotate`: problems are listed with their places; the map gets the merged graph and the next version. */
export async function annotate(dir: string, options: AnnotateOptions) {
  await openSession(options);
  const read = (path: string) =>
    readFile(path, 'utf8').catch((error) => {
      throw new Refusal('no-such-file', `expected a file at ${path}, found ${error.code}`);
    });
  const manifest = parseManifest(new TextEncoder().encode(await read(join(dir, 'manifest.json'))));
  const path = join(dir, 'graph.geojson');
  const graphs: (readonly Feature[])[] = options.replace ? [] : [parseGraph(await read(path), path)];
  const assumed: Record<string, number> = {};
  const take = (found: ReturnType<typeof importOsm>) => {
    graphs.push(found.features);
    for (const [name, links] of Object.entries(found.assumed)) assumed[name] = (assumed[name] ?? 0) + links;
  };
  for (const file of options.osm ?? []) take(importOsm(await read(file), file));
  if (options.osw)
    take(importOpenSidewalks(await Promise.all(options.osw.map(read)), options.osw.join(', ')));
  for (const file of options.graph ?? []) graphs.push(parseGraph(await read(file), file));
  const features = mergeGraphs(graphs);
  const problems = checkGraph(features, manifest.frame.origin);
  const failed = options.strict === true && problems.length > 0;
  let version = manifest.version;
  if (!failed && !options.dryRun) {
    const graph = new TextEncoder().encode(`${JSON.stringify({ type: 'FeatureCollection', features })}\n`);
    const entry = { sha256: sha256(graph), bytes: graph.length };
    if (entry.sha256 !== manifest.graph.sha256) {
      version++;
      await writeWhole(path, graph);
      const next = { ...manifest, version, graph: entry };
      await writeWhole(
        join(dir, 'manifest.json'),
        new TextEncoder().encode(`${JSON.stringify(next, null, 2)}\n`),
      );
    }
  }
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
