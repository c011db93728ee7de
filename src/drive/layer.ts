import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { Refusal } from '../types.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const fileSchema = z.strictObject({ path: z.string(), sha256, bytes: z.int().min(0) });

/** manifest.json of a layer's folder: what it holds, what it was made of, and how. The same inputs give the same id. */
export const layerSchema = z.strictObject({
  specVersion: z.literal(1),
  layer: z.enum(['bronze', 'silver', 'gold']),
  /** of the content: SHA-256 over files and inputs */
  id: sha256,
  /** ids of the layers below */
  from: z.array(sha256),
  map: z.strictObject({ mapId: z.string(), version: z.int(), manifestSha256: sha256 }).optional(),
  /** what else decides the result */
  options: z.record(z.string(), z.unknown()),
  files: z.array(fileSchema),
  /** for people and tools */
  facts: z.record(z.string(), z.unknown()),
});
export type Layer = z.infer<typeof layerSchema>;
export type LayerDraft = Pick<Layer, 'layer' | 'from' | 'map' | 'options' | 'facts'>;

/** Writes the manifest of a folder whose files are there: last, so that a half-made folder is no layer. */
export async function sealLayer(folder: string, draft: LayerDraft, paths: readonly string[]): Promise<Layer> {
  const files: Layer['files'] = [];
  for (const path of [...paths].sort()) {
    const full = join(folder, path);
    files.push({ path, sha256: await hashFile(full), bytes: (await stat(full)).size });
  }
  const { layer, from, map, options } = draft;
  const id = createHash('sha256')
    .update(JSON.stringify([layer, from, map ?? null, options, files]))
    .digest('hex');
  const manifest: Layer = { specVersion: 1, ...draft, id, files };
  await writeWhole(join(folder, 'manifest.json'), Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`));
  return manifest;
}

/** Reads and checks a layer with all its files. Rejects with a Refusal `not-a-layer`, `bad-layer`. */
export async function openLayer(folder: string, wanted: Layer['layer']): Promise<Layer> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => {
    throw new Refusal('not-a-layer', `expected manifest.json of a ${wanted} layer in ${folder}, found none`);
  });
  let parsed: Layer;
  try {
    parsed = layerSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Refusal('bad-layer', `${folder}/manifest.json: ${(error as Error).message}`);
  }
  if (parsed.layer !== wanted)
    throw new Refusal('not-a-layer', `${folder}: expected a ${wanted} layer, found ${parsed.layer}`);
  for (const { path, sha256: hash } of parsed.files) {
    if (path.split('/').includes('..') || path.startsWith('/'))
      throw new Refusal('bad-layer', `${folder}: expected files within it, found ${path}`);
    const found = await hashFile(join(folder, path)).catch(() => 'nothing');
    if (found !== hash)
      throw new Refusal(
        'bad-layer',
        `${folder}/${path}: expected sha256 ${hash}, found ${found}; derive it again`,
      );
  }
  return parsed;
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Temp, fsync, rename. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const file = await open(`${path}.tmp`, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
}
