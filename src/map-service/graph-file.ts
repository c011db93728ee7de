import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Manifest, parseManifest } from '../map/manifest.ts';
import { Refusal } from '../types.ts';
import type { Feature } from './graph-schema.ts';
import { sha256 } from './map-package.ts';
import { writeWhole } from './whole-file.ts';

/** The manifest of a map package in a folder. Rejects with a Refusal `no-such-file` or `bad-manifest`. */
export async function readManifest(dir: string): Promise<Manifest> {
  return parseManifest(new TextEncoder().encode(await readText(join(dir, 'manifest.json'))));
}

/** Rejects with a Refusal `no-such-file`. */
export async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error) => {
    throw new Refusal('no-such-file', `expected a file at ${path}, found ${error.code}`);
  });
}

/** Gives a map another graph and its next version, unless the graph is the same. Returns the version. */
export async function writeGraph(
  dir: string,
  manifest: Manifest,
  features: readonly Feature[],
): Promise<number> {
  const graph = new TextEncoder().encode(`${JSON.stringify({ type: 'FeatureCollection', features })}\n`);
  const entry = { sha256: sha256(graph), bytes: graph.length };
  if (entry.sha256 === manifest.graph.sha256) return manifest.version;
  const next = { ...manifest, version: manifest.version + 1, graph: entry };
  await writeWhole(join(dir, 'graph.geojson'), graph);
  await writeWhole(
    join(dir, 'manifest.json'),
    new TextEncoder().encode(`${JSON.stringify(next, null, 2)}\n`),
  );
  return next.version;
}
