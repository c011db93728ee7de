import { copyFile, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { CloudArrays } from '../core.ts';
import { hashFile, writeWhole } from '../drive/layer.ts';
import { openProposal, type Proposal, type Proposed } from '../drive/proposal.ts';
import { signManifest } from '../map/dsse.ts';
import { type Manifest, manifestSchema, tilePath } from '../map/manifest.ts';
import { tileAt, tileId, tileOrigin } from '../map/tile-grid.ts';
import { sha256 } from '../map-service/map-package.ts';
import { openMap as openTiles } from '../map-service/source-tiles.ts';
import { encodePcd } from '../pointcloud/pcd.ts';
import { Refusal } from '../types.ts';
import { mapOf } from './drive.ts';
import { readKey } from './map-sign.ts';
import { answer, type CommonOptions, openCore, openSession, withCommonOptions } from './shared.ts';

export interface ApplyOptions extends CommonOptions {
  readonly out: string;
  readonly key?: string;
  readonly only?: string;
}

export interface Applied {
  readonly mapId: string;
  readonly version: number;
  readonly tiles: readonly string[];
  readonly removed: number;
  readonly added: number;
  readonly manifestSha256: string;
}

export function addMapApply(map: Command): void {
  withCommonOptions(map.command('apply'))
    .description('make the next version of a map from a proposal (drive gold), signed')
    .argument('<map>', 'folder of the map')
    .argument('<proposal>', 'folder of the gold layer')
    .option('--only <ids>', 'of the objects, separated by commas; default all')
    .option('--key <file>', 'private Ed25519 key, PEM; without it the new version is not signed')
    .requiredOption('--out <dir>', 'folder of the new version')
    .action(async (from: string, proposal: string, options: ApplyOptions) => {
      const applied = await applyProposal(from, proposal, options);
      answer(
        options,
        applied,
        `map ${applied.mapId} version ${applied.version} in ${options.out}: ${applied.tiles.length} tiles changed, ${applied.removed} points removed, ${applied.added} added${options.key ? ', signed' : ', NOT signed'}`,
      );
    });
}

/** `map apply`. Rejects with a Refusal `other-map`, `unknown-object`, `output-exists` … */
export async function applyProposal(from: string, gold: string, options: ApplyOptions): Promise<Applied> {
  const { out, only } = options;
  const session = await openSession(options);
  const core = openCore(session);
  const { proposal } = await openProposal(gold);
  const { manifest, manifestSha256 } = await mapOf(from);
  if (manifestSha256 !== proposal.manifestSha256)
    throw new Refusal(
      'other-map',
      `expected the map that the proposal changes (${proposal.mapId} version ${proposal.version}), found ${manifest.mapId} version ${manifest.version}`,
    );
  if (resolve(from) === resolve(out) || (await stat(join(out, 'manifest.json')).catch(() => undefined)))
    throw new Refusal('output-exists', `--out: expected an empty folder, found a map in ${out}`);
  const key = options.key ? await readKey(options.key, 'private') : undefined;
  const objects = chosen(proposal, only);
  const touched = new Set(objects.flatMap(({ tiles }) => tiles));
  await mkdir(join(out, 'tiles', 'sha256'), { recursive: true });
  const tiles: Manifest['tiles'] = {};
  let [removed, added] = [0, 0];
  const map = await openTiles(core, from);
  const seen = new Set<string>();
  for await (const { name: id, arrays, rgb } of map.tiles(0)) {
    seen.add(id);
    const entry = manifest.tiles[id]!;
    if (!touched.has(id)) {
      await copyFile(join(from, tilePath(entry)), join(out, tilePath(entry)));
      tiles[id] = entry;
      continue;
    }
    const changed = changedTile(id, arrays, objects, proposal.voxel, manifest.tileSize, rgb);
    removed += changed.removed;
    added += changed.added;
    // A tile of which nothing is left is no tile of the new version.
    if (changed.arrays.positions.length > 0) tiles[id] = await writeTile(out, id, changed, manifest, entry);
  }
  for (const id of [...touched].filter((one) => !seen.has(one))) {
    const changed = changedTile(id, EMPTY, objects, proposal.voxel, manifest.tileSize);
    added += changed.added;
    const like = Object.values(manifest.tiles)[0]!;
    if (changed.added > 0) tiles[id] = await writeTile(out, id, changed, manifest, like);
  }
  await copyFile(join(from, 'graph.geojson'), join(out, 'graph.geojson'));
  const next = manifestSchema.parse({
    ...manifest,
    version: manifest.version + 1,
    tiles: Object.fromEntries(Object.entries(tiles).sort(([a], [b]) => (a < b ? -1 : 1))),
  });
  const bytes = Buffer.from(`${JSON.stringify(next, null, 2)}\n`);
  if (key) await writeWhole(join(out, 'manifest.json.dsse'), Buffer.from(signManifest(bytes, key)));
  await writeWhole(join(out, 'manifest.json'), bytes);
  return {
    mapId: next.mapId,
    version: next.version,
    tiles: [...touched].sort(),
    removed,
    added,
    manifestSha256: await hashFile(join(out, 'manifest.json')),
  };
}

/** 0x00808080 as the field `rgb` keeps it. */
const GREY = new Float32Array(Uint32Array.of(0x808080).buffer)[0]!;
const EMPTY: CloudArrays = {
  positions: new Float32Array(),
  intensity: new Float32Array(),
  normals: new Float32Array(),
  curvature: new Float32Array(),
};

function chosen(proposal: Proposal, only: string | undefined): Proposed[] {
  if (only === undefined) return [...proposal.objects];
  return only.split(',').map((id) => {
    const found = proposal.objects.find((object) => object.id === id);
    if (found) return found;
    const known = proposal.objects.map((object) => object.id).join(', ');
    throw new Refusal('unknown-object', `--only: expected some of ${known}, found ${id}`);
  });
}

/** A tile without the points of what is gone, and with those of what appeared. */
export function changedTile(
  id: string,
  arrays: CloudArrays,
  objects: readonly Proposed[],
  voxel: number,
  tileSize: number,
  rgb?: Float32Array,
): { arrays: CloudArrays; rgb: Float32Array; removed: number; added: number } {
  const corner = tileOrigin(id, tileSize);
  const cubes = (kind: Proposed['kind']) =>
    new Set(
      objects.filter((one) => one.kind === kind).flatMap((one) => one.cubes.map((cube) => cube.join(' '))),
    );
  const gone = cubes('gone');
  const { positions, intensity, normals, curvature } = arrays;
  const keep: number[] = [];
  for (let p = 0; p < positions.length / 3; p++) {
    const cube = [0, 1, 2].map((a) => Math.floor((positions[3 * p + a]! + corner[a]!) / voxel));
    if (!gone.has(cube.join(' '))) keep.push(p);
  }
  const fresh = objects
    .filter((one) => one.kind === 'appeared')
    .flatMap(({ points }) => points)
    .filter(([x, y]) => {
      const { i, j } = tileAt(x!, y!, tileSize);
      return tileId(i, j) === id;
    });
  const pick = (values: Float32Array | undefined, width: number) =>
    keep.flatMap((p) => Array.from({ length: width }, (_, a) => values?.[width * p + a] ?? 0));
  const relative = fresh.flatMap(([x, y, z]) => [x! - corner[0], y! - corner[1], z! - corner[2]]);
  const unit = fresh.flatMap(([, , , ...n]) => n.map((value) => value / Math.hypot(...n)));
  const zeros = fresh.map(() => 0);
  return {
    arrays: {
      positions: Float32Array.from([...pick(positions, 3), ...relative]),
      intensity: Float32Array.from([...pick(intensity, 1), ...zeros]),
      normals: Float32Array.from([...pick(normals, 3), ...unit]),
      curvature: Float32Array.from([...pick(curvature, 1), ...zeros]),
    },
    // What no camera has seen is grey.
    rgb: Float32Array.from([...(rgb ? pick(rgb, 1) : keep.map(() => GREY)), ...fresh.map(() => GREY)]),
    removed: positions.length / 3 - keep.length,
    added: fresh.length,
  };
}

async function writeTile(
  out: string,
  id: string,
  { arrays, rgb }: Pick<ReturnType<typeof changedTile>, 'arrays' | 'rgb'>,
  { tileSize }: Manifest,
  like: Manifest['tiles'][string],
): Promise<Manifest['tiles'][string]> {
  const bytes = encodePcd(arrays, like.fields.includes('rgb') ? rgb : undefined);
  const [x, y] = tileOrigin(id, tileSize);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = 2; at < arrays.positions.length; at += 3) {
    low = Math.min(low, arrays.positions[at]!);
    high = Math.max(high, arrays.positions[at]!);
  }
  const entry: Manifest['tiles'][string] = {
    ...like,
    sha256: sha256(bytes),
    bytes: bytes.length,
    points: arrays.positions.length / 3,
    bbox: [x, y, low, x + tileSize, y + tileSize, high],
  };
  await writeWhole(join(out, tilePath(entry)), bytes);
  return entry;
}
