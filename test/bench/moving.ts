import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMount } from '../../src/adapters/replay/kitti-drive.ts';
import { openSource } from '../../src/adapters/replay/open.ts';
import { poseAt, readReference } from '../../src/commands/reference.ts';
import { HeightRaster } from '../../src/evaluation/plots/height-raster.ts';
import { openMap } from '../../src/map-service/source-tiles.ts';
import { compose, transformPoint } from '../../src/math/se3.ts';
import { quatRotate } from '../../src/math/so3.ts';
import { loadCore } from '../../src/native.ts';
import type { Pose, Vec3 } from '../../src/types.ts';
import { dataPath } from './data.ts';
import { type Box, isInside, readBoxes } from './kitti-boxes.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { unpack } from './street.ts';

/** Nearer boxes hold points, if the labels are of this drive: it has 64 rings. */
const NEAR_M = 30;
const MIN_POINTS = 20;
/** An object whose box goes further than this over its track moves, m. */
const MOVES_M = 2;
/** Ground under an object is no part of it, m. */
const ABOVE_GROUND_M = 0.3;
/** Boxes are drawn by hand, tightly, m. */
const GROW_M = 0.1;
/** Boxes are found by squares of the ground of this side, m. */
const CELL_M = 2;
/** Scans of the drive that we have. */
const FRAMES = 120;

/**
 * What `map.build.removeMoving` takes away and leaves on KITTI 0005, by its object labels: `DILLY_LABELS` (label_02 of
 * the tracking benchmark, sequence 0000), else those of the data. `--out` gets pictures of both maps from above.
 */
export async function run({ out }: { readonly out?: string | undefined }): Promise<Row[]> {
  const packed = dataPath('lidar-kitti-0005');
  if (!packed) {
    note('skipped: needs the KITTI drive; set DILLY_DATA');
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'dilly-bench-'));
  try {
    const drive = unpack(packed, folder);
    const labels = process.env.DILLY_LABELS ?? join(packed, 'labels-tracking.txt');
    const boxes = await readBoxes(labels, drive);
    const fit = await shareHeld(drive, boxes);
    const fits: Row = { id: 'moving.labels.fit', value: 100 * fit, unit: '% of near boxes hold points' };
    if (fit < 0.9) {
      note(
        `${labels}: expected the boxes of this drive, found ${(100 * fit).toFixed(0)} % of the near ones with ${MIN_POINTS} points or more in them: they are of another drive; set DILLY_LABELS`,
      );
      return [fits];
    }
    const placed = await inMap(drive, boxes);
    const moving = movingTracks(placed);
    note(`tracks that move: ${[...moving.values()].join(', ')}`);
    const maps: Vec3[][] = [];
    for (const removeMoving of [false, true]) {
      const dir = join(folder, `map-${removeMoving}`);
      build(drive, dir, removeMoving);
      maps.push(await pointsOf(dir));
      if (out)
        await writeFile(join(out, `moving-${removeMoving ? 'removed' : 'kept'}.png`), drawn(maps.at(-1)!));
    }
    return [fits, ...judged(placed, moving, maps[0]!, maps[1]!)];
  } finally {
    await rm(folder, { recursive: true });
  }
}

function judged(
  placed: readonly Box[],
  moving: ReadonlyMap<number, string>,
  before: Vec3[],
  after: Vec3[],
): Row[] {
  const [kept, cleaned] = [before, after].map((points) => counts(points, placed, moving)) as [Counts, Counts];
  const removed = (from: number, to: number) => (from > 0 ? 100 * (1 - to / from) : 0);
  const rows: Row[] = [];
  for (const type of new Set(moving.values())) {
    const of = (all: Counts) =>
      [...all.byTrack].reduce((sum, [track, n]) => sum + (moving.get(track) === type ? n : 0), 0);
    rows.push({
      id: `moving.${type.split(' ')[0]!.toLowerCase()}.removed`,
      value: removed(of(kept), of(cleaned)),
      unit: `% of ${of(kept)} points`,
    });
  }
  rows.push(
    {
      id: 'moving.all.removed',
      value: removed(kept.moving, cleaned.moving),
      unit: `% of ${kept.moving} points`,
    },
    {
      id: 'moving.parked.lost',
      value: removed(kept.parked, cleaned.parked),
      unit: `% of ${kept.parked} points`,
    },
    { id: 'moving.still.lost', value: removed(kept.still, cleaned.still), unit: `% of ${kept.still} points` },
  );
  return rows;
}

/** By the command itself, from the scans that the README's map is made of. */
function build(drive: string, dir: string, removeMoving: boolean): void {
  const args = ['map', 'build', '--scans', drive, '--poses', 'oxts', '--frames', '0::2', '--out', dir];
  execFileSync(
    process.execPath,
    ['--import', 'tsx', 'src/main.ts', ...args, '--set', `map.build.removeMoving=${removeMoving}`],
    { cwd: join(import.meta.dirname, '../..'), stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

/** How many of the near boxes hold points of the scan of their own frame. */
async function shareHeld(drive: string, boxes: readonly Box[]): Promise<number> {
  const near = boxes.filter(({ depth, frame }) => depth < NEAR_M && frame % 6 === 0 && frame < FRAMES);
  let held = 0;
  const clouds = new Map<number, Float32Array>();
  for (const box of near) {
    const path = join(drive, `velodyne_points/data/${String(box.frame).padStart(10, '0')}.bin`);
    if (!clouds.has(box.frame)) {
      const { buffer, byteOffset, length } = await readFile(path);
      clouds.set(box.frame, new Float32Array(buffer.slice(byteOffset, byteOffset + length)));
    }
    const points = clouds.get(box.frame)!;
    let inside = 0;
    for (let p = 0; p < points.length; p += 4)
      if (isInside(box, [points[p]!, points[p + 1]!, points[p + 2]!], 0, ABOVE_GROUND_M)) inside++;
    if (inside >= MIN_POINTS) held++;
  }
  return held / near.length;
}

/** The boxes in the map frame, where each was when its scan was taken. */
async function inMap(drive: string, boxes: readonly Box[]): Promise<Box[]> {
  const { poses } = await readReference('oxts', drive);
  const T_base_sensor = await readMount(drive);
  const T_map_sensor: Pose[] = [];
  const source = await openSource(drive, {});
  for await (const message of source.messages())
    if (message.kind === 'points')
      T_map_sensor.push(compose(poseAt(poses, message.value.stamp)!, T_base_sensor));
  await source.close();
  return boxes
    .filter(({ frame }) => frame < T_map_sensor.length)
    .map((box) => {
      const pose = T_map_sensor[box.frame]!;
      const along = box.along.map((axis) => quatRotate(pose.orientation, axis));
      return { ...box, bottom: transformPoint(pose, box.bottom), along: along as unknown as Box['along'] };
    });
}

/** Track → type of those whose box goes places. */
function movingTracks(placed: readonly Box[]): Map<number, string> {
  const first = new Map<number, Vec3>();
  const moving = new Map<number, string>();
  for (const { track, type, bottom } of placed) {
    const [x, y] = first.get(track) ?? bottom;
    if (!first.has(track)) first.set(track, bottom);
    if (Math.hypot(bottom[0] - x, bottom[1] - y) > MOVES_M) moving.set(track, type);
  }
  return moving;
}

interface Counts {
  /** points by the first moving track whose boxes hold them */
  readonly byTrack: Map<number, number>;
  moving: number;
  /** in boxes of objects that stand */
  parked: number;
  still: number;
}

function counts(
  points: readonly Vec3[],
  placed: readonly Box[],
  moving: ReadonlyMap<number, string>,
): Counts {
  const found: Counts = { byTrack: new Map(), moving: 0, parked: 0, still: 0 };
  const cells = new Map<string, Box[]>();
  const cell = (v: number) => Math.floor(v / CELL_M);
  // What moves is asked first.
  const inOrder = [...placed].sort((a, b) => Number(moving.has(b.track)) - Number(moving.has(a.track)));
  for (const box of inOrder) {
    const reach = Math.hypot(box.size[0], box.size[1]) / 2 + GROW_M;
    for (let i = cell(box.bottom[0] - reach); i <= cell(box.bottom[0] + reach); i++)
      for (let j = cell(box.bottom[1] - reach); j <= cell(box.bottom[1] + reach); j++) {
        const list = cells.get(`${i}_${j}`);
        if (list) list.push(box);
        else cells.set(`${i}_${j}`, [box]);
      }
  }
  for (const point of points) {
    const near = cells.get(`${cell(point[0])}_${cell(point[1])}`);
    const box = near?.find((one) => isInside(one, point, GROW_M, ABOVE_GROUND_M));
    if (!box) found.still++;
    else if (!moving.has(box.track)) found.parked++;
    else {
      found.moving++;
      found.byTrack.set(box.track, (found.byTrack.get(box.track) ?? 0) + 1);
    }
  }
  return found;
}

async function pointsOf(dir: string): Promise<Vec3[]> {
  const points: Vec3[] = [];
  for await (const { corner, arrays } of (await openMap(loadCore(), dir)).tiles(0))
    for (let p = 0; p < arrays.positions.length; p += 3)
      points.push([0, 1, 2].map((k) => arrays.positions[p + k]! + corner[k]!) as unknown as Vec3);
  return points;
}

function drawn(points: readonly Vec3[]): Uint8Array {
  const raster = new HeightRaster({ west: -40, east: 60, south: -50, north: 50 }, 1400);
  raster.add(Float32Array.from(points.flat()), [0, 0, 0]);
  return raster.png();
}
