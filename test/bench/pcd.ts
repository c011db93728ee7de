import { setTimeout as pause } from 'node:timers/promises';
import { parse } from '@loaders.gl/core';
import { PCDLoader } from '@loaders.gl/pcd';
import type { Core } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { median } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import { encodePcd } from '../../src/pointcloud/pcd.ts';
import { race } from './measure.ts';
import type { Row } from './row.ts';

const POINTS = 1_000_000;
/** The first decodings of a process write to memory that it never had: the kernel's pages cost more than the work. */
const COLD_ROUNDS = 4;
const SETTLING_ROUNDS = 10;
const ROUNDS = 21;
/** Long enough that the clouds of the round before can be collected and their memory be had again. */
const PAUSE_MS = 20;

/** Decoding a file of 1,000,000 points × 8 float32 fields. */
export async function run(): Promise<Row[]> {
  const bytes = encodePcd(points());
  const core = loadCore('native');
  const cold = await rounds(COLD_ROUNDS, core, bytes, () => Uint8Array.prototype.slice.call(bytes));
  const target = new Uint8Array(bytes.length).fill(1);
  const copy = () => target.set(bytes);
  await rounds(SETTLING_ROUNDS, core, bytes, copy);
  const warm = await rounds(ROUNDS, core, bytes, copy);
  // It keeps x y z and normals only; it reads the same bytes.
  const { peer } = await race(2, { peer: () => parse(bytes.buffer, PCDLoader, { worker: false }) });
  const against = (id: string, ours: number, name: string, theirs: number, bar?: number): Row => ({
    id,
    value: ours,
    unit: 'ms',
    peer: name,
    peerValue: theirs,
    ratio: theirs / ours,
    ...(bar && { bar: { of: 'ratio', at: 'least', limit: bar } }),
  });
  return [
    against('pcd.binary.1m', warm.ours, '@loaders.gl/pcd', peer, 30),
    against('pcd.binary.1m.copy', warm.ours, 'memory copy', warm.copy, 0.33),
    against('pcd.binary.1m.cold', cold.ours, 'copy to fresh memory', cold.copy, 0.33),
    { id: 'pcd.binary.1m.bandwidth', value: bytes.length / 1e6 / warm.ours, unit: 'GB/s' },
  ];
}

/** Median milliseconds of decoding and of a copy, in turns. */
async function rounds(
  count: number,
  core: Core,
  bytes: Uint8Array,
  copy: () => void,
): Promise<{ ours: number; copy: number }> {
  const taken: { ours: number[]; copy: number[] } = { ours: [], copy: [] };
  for (let round = 0; round < count; round++) {
    const start = performance.now();
    await core.decodePcd(bytes);
    const between = performance.now();
    copy();
    taken.ours.push(between - start);
    taken.copy.push(performance.now() - between);
    await pause(PAUSE_MS);
  }
  return { ours: median(taken.ours), copy: median(taken.copy) };
}

function points() {
  const random = new Random(1);
  const draw = (perPoint: number) =>
    Float32Array.from({ length: perPoint * POINTS }, () => random.uniform(-40, 40));
  return { positions: draw(3), intensity: draw(1), normals: draw(3), curvature: draw(1) };
}
