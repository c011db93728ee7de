import type { Core, VoxelBlock } from '../core.ts';
import { tileId } from '../map/tile-grid.ts';
import { type ChangeOptions, changedCubes, votesOf } from './evidence.ts';
import { type ChangedObject, type Cube, cubeOf, grown, objectsOf } from './objects.ts';
import type { Proposed } from './proposal.ts';
import { scansNear, type UsedScans, usedScans } from './rays.ts';
import type { SilverDrive } from './silver.ts';

/** Points of the map in the map frame and their normals, x y z each, of one tile. */
export interface MapTile {
  readonly id: string;
  readonly positions: Float64Array;
  readonly normals: Float32Array;
}

/** What the drives say of one tile: for the record, and for people. */
export interface TileEvidence {
  readonly tile: string;
  readonly scans: number;
  readonly cubes: number;
  /** cubes that enough days saw full, and free */
  readonly full: number;
  readonly free: number;
  readonly appeared: number;
  readonly gone: number;
}

type Voted = Map<string, { cube: Cube; agree: number; disagree: number }>;
interface Cubes {
  readonly appeared: Voted;
  readonly gone: Voted;
  /** that belong to what is gone only where it touches them */
  readonly perhaps: Voted;
}

/** Evidence of change, tile by tile, and the objects that follow from it. The order of the drives does not matter. */
export async function findChanges(
  core: Core,
  drives: readonly SilverDrive[],
  tiles: AsyncIterable<MapTile>,
  tileSize: number,
  options: ChangeOptions,
): Promise<{ evidence: TileEvidence[]; objects: Proposed[] }> {
  const cubes: Cubes = { appeared: new Map(), gone: new Map(), perhaps: new Map() };
  const evidence: TileEvidence[] = [];
  const used = drives.map((drive) => usedScans(drive, options));
  for await (const tile of tiles) {
    const found = await tileEvidence(core, used, tile, tileSize, options, cubes);
    if (found) evidence.push(found);
  }
  const { voxel, minVoxels } = options;
  const cubesOf = (voted: Voted) => new Map([...voted].map(([key, { cube }]) => [key, cube]));
  const perhaps = cubesOf(cubes.perhaps);
  const objects = (['appeared', 'gone'] as const).flatMap((kind) =>
    objectsOf([...cubesOf(cubes[kind]).values()], voxel, minVoxels)
      .map((object) => (kind === 'gone' ? grown(object, perhaps, voxel) : object))
      .map((object) => proposed(kind, object, cubes, tileSize, voxel)),
  );
  for (const object of objects)
    if (object.kind === 'appeared') object.points.push(...(await pointsOf(core, used, object, voxel)));
  return { evidence, objects: objects.map((object, n) => ({ ...object, id: `${object.kind}-${n + 1}` })) };
}

async function tileEvidence(
  core: Core,
  drives: readonly UsedScans[],
  tile: MapTile,
  tileSize: number,
  options: ChangeOptions,
  cubes: Cubes,
): Promise<TileEvidence | undefined> {
  const { voxel, minHeight, maxHeight } = options;
  const [i, j] = tile.id.split('_').map(Number);
  const snap = (value: number) => Math.floor(value / voxel);
  const low = [snap(i! * tileSize), snap(j! * tileSize), snap(minHeight)];
  const high = [snap((i! + 1) * tileSize - 1e-9), snap((j! + 1) * tileSize - 1e-9), snap(maxHeight)];
  const counts = high.map((top, a) => top - low[a]! + 1) as [number, number, number];
  const block: VoxelBlock = {
    origin: [low[0]! * voxel, low[1]! * voxel, low[2]! * voxel],
    size: voxel,
    counts,
  };
  const centre = [(i! + 0.5) * tileSize, (j! + 0.5) * tileSize];
  const views = [];
  let scans = 0;
  for (const drive of drives) {
    const reach = options.maxRange + tileSize * Math.SQRT1_2;
    const near = scansNear(drive.near, centre, reach);
    scans += near.lengths.length;
    if (near.lengths.length === 0) continue;
    const evidence = await core.traceVoxels(block, near, options.gap);
    // What was hit beyond the range is left out, not that all before it was free: else nothing over a road ever is.
    const { passes } = await core.traceVoxels(block, scansNear(drive.far, centre, reach), options.gap);
    for (let v = 0; v < passes.length; v++) evidence.passes[v] = Math.max(evidence.passes[v]!, passes[v]!);
    views.push({ day: drive.day, evidence });
  }
  if (views.length === 0) return undefined;
  const mapped = new Uint8Array(counts[0] * counts[1] * counts[2]);
  for (let p = 0; p < tile.positions.length; p += 3) {
    const cell = [0, 1, 2].map((a) => snap(tile.positions[p + a]!) - low[a]!);
    if (cell.every((c, a) => c >= 0 && c < counts[a]!))
      mapped[(cell[2]! * counts[1] + cell[1]!) * counts[0] + cell[0]!] = 1 + facing(tile.normals, p);
  }
  const votes = votesOf(views, options);
  const changed = changedCubes(block, votes, mapped, options);
  const keep = (kind: keyof Cubes, index: number) => {
    const cube = cubeOf(block, index);
    const [full, free] = [votes.full[index]!, votes.free[index]!];
    const [agree, disagree] = kind === 'appeared' ? [full, free] : [free, full];
    cubes[kind].set(cube.join(' '), { cube, agree, disagree });
  };
  for (const index of changed.appeared) keep('appeared', index);
  for (const index of changed.gone) keep('gone', index);
  for (const index of changed.perhaps) keep('perhaps', index);
  const enough = (counted: Uint8Array) =>
    counted.reduce((sum, n) => sum + (n >= options.minDrives ? 1 : 0), 0);
  return {
    tile: tile.id,
    scans,
    cubes: mapped.length,
    full: enough(votes.full),
    free: enough(votes.free),
    appeared: changed.appeared.length,
    gone: changed.gone.length,
  };
}

/** The axis that a normal lies nearest to: 0, 1 or 2. */
function facing(normals: Float32Array, at: number): number {
  const [x, y, z] = [Math.abs(normals[at]!), Math.abs(normals[at + 1]!), Math.abs(normals[at + 2]!)];
  if (z >= x && z >= y) return 2;
  return x >= y ? 0 : 1;
}

function proposed(
  kind: 'appeared' | 'gone',
  object: ChangedObject,
  all: Cubes,
  tileSize: number,
  voxel: number,
): Proposed {
  const votes = object.cubes.map((cube) => {
    const key = cube.join(' ');
    return all[kind].get(key) ?? all.perhaps.get(key)!;
  });
  const mean = (key: 'agree' | 'disagree') =>
    Math.round((100 * votes.reduce((sum, vote) => sum + vote[key], 0)) / votes.length) / 100;
  const tiles = object.cubes.map(([x, y]) =>
    tileId(Math.floor(((x + 0.5) * voxel) / tileSize), Math.floor(((y + 0.5) * voxel) / tileSize)),
  );
  return {
    id: '',
    kind,
    low: [...object.low],
    high: [...object.high],
    tiles: [...new Set(tiles)].sort(),
    cubes: object.cubes.map((cube) => [...cube]),
    votes: votes.map(({ agree, disagree }) => [agree, disagree]),
    agree: mean('agree'),
    disagree: mean('disagree'),
    points: [],
  };
}

/** One point and normal per half cube of what was seen in the object's cubes. */
async function pointsOf(
  core: Core,
  drives: readonly UsedScans[],
  { cubes, low, high }: Proposed,
  voxel: number,
) {
  const wanted = new Set(cubes.map((cube) => cube.join(' ')));
  const keyOf = (at: readonly number[]) => at.map((value) => Math.floor(value / voxel)).join(' ');
  const positions: number[] = [];
  const seenFrom = new Map<string, number[]>();
  for (const {
    near: { origins, lengths, first, points },
  } of drives)
    for (let s = 0; s < lengths.length; s++) {
      const from = [origins[3 * s]!, origins[3 * s + 1]!, origins[3 * s + 2]!];
      for (let p = 3 * first[s]!; p < 3 * (first[s]! + lengths[s]!); p += 3) {
        const x = from[0]! + points[p]!;
        if (x < low[0] || x > high[0]) continue;
        const at = [x, from[1]! + points[p + 1]!, from[2]! + points[p + 2]!];
        if (at[1]! < low[1] || at[1]! > high[1] || at[2]! < low[2] || at[2]! > high[2]) continue;
        const key = keyOf(at);
        if (!wanted.has(key)) continue;
        positions.push(at[0]! - low[0], at[1]! - low[1], at[2]! - low[2]);
        seenFrom.set(key, from);
      }
    }
  const cloud = core.cloud({ positions: Float32Array.from(positions) });
  const thin = await core.downsample(cloud, voxel / 2);
  const { positions: thinned, normals } = (await core.estimateNormals(thin, 12)).arrays();
  return Array.from({ length: thinned.length / 3 }, (_, k) => {
    const at = [0, 1, 2].map((a) => thinned[3 * k + a]! + low[a]!);
    const from = seenFrom.get(keyOf(at)) ?? [low[0], low[1], 100];
    const n = [0, 1, 2].map((a) => normals![3 * k + a]!);
    const facing = n.reduce((sum, value, a) => sum + value * (from[a]! - at[a]!), 0);
    const round = (value: number) => Math.round(1e6 * value) / 1e6;
    return [...at.map(round), ...n.map((value) => round(facing < 0 ? -value : value))];
  });
}
