import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Refusal } from '../types.ts';
import { type Layer, openLayer } from './layer.ts';

const numbers = z.array(z.number());
/** One registered scan: where the sensor was, how good the registration is, and which points are its. */
export const silverScanSchema = z.strictObject({
  /** ns, as text */
  stamp: z.string(),
  /** of the sensor in the map frame, m: the points are relative to it, along the map's axes */
  origin: numbers.length(3),
  /** T_map_base: x y z qx qy qz qw */
  pose: numbers.length(7),
  /** 6 × 6 row-major, as FrameResult */
  covariance: numbers.length(36),
  inliers: z.number(),
  inlierRatio: z.number(),
  /** m */
  residual: z.number(),
  probability: z.number(),
  overlap: z.number(),
  moved: z.number(),
  points: z.int(),
});
export type SilverScan = z.infer<typeof silverScanSchema>;

/** A part of the drive that is not used, and why. ns as text. */
export interface CutInterval {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export interface SilverDrive {
  readonly layer: Layer;
  readonly scans: readonly SilverScan[];
  /** x y z of all scans, one after the other */
  readonly points: Float32Array;
  /** UTC day of the first scan, since the Unix epoch */
  readonly day: number;
}

const DAY_NS = 86_400_000_000_000n;

/** Rejects with a Refusal. */
export async function openSilver(folder: string): Promise<SilverDrive> {
  const layer = await openLayer(folder, 'silver');
  const lines = (await readFile(join(folder, 'scans.jsonl'), 'utf8'))
    .split('\n')
    .filter((line) => line !== '');
  const scans = lines.map((line) => silverScanSchema.parse(JSON.parse(line)));
  const bytes = await readFile(join(folder, 'points.f32'));
  const points = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const expected = 3 * scans.reduce((sum, scan) => sum + scan.points, 0);
  if (points.length !== expected)
    throw new Refusal(
      'bad-layer',
      `${folder}/points.f32: expected ${expected} numbers, found ${points.length}; derive it again`,
    );
  return { layer, scans, points, day: scans[0] ? Number(BigInt(scans[0].stamp) / DAY_NS) : 0 };
}
