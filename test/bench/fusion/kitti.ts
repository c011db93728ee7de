import { existsSync } from 'node:fs';
import { replay } from '../../../src/commands/replay.ts';
import { note } from '../measure.ts';
import type { Row } from '../row.ts';

/** What becomes of the fixes, as `replay.degrade.gnss`; the drive lasts 16 s. */
const FIXES: Readonly<Record<string, string>> = {
  canyon: 'canyon',
  drift: '{rate: 5, white: 1, bias: {magnitude: 60, driftRate: 0.5}}',
  jumps: '{rate: 5, white: 1, jumps: [{at: 3, for: 2, size: 100}, {at: 8, for: 3, size: 100}]}',
  frozen: '{rate: 5, white: 1, freeze: [{at: 3, for: 12}]}',
  lying: '{rate: 5, white: 3, bias: {magnitude: 8}, covariance: dishonest, claimed: 0.1}',
};

/** The KITTI drive with its odd scans, the fixes spoiled: how far the position gets worse than without any fix. */
export async function kitti(): Promise<Row[]> {
  const { DILLY_KITTI: drive, DILLY_KITTI_MAP: map } = process.env;
  if (!drive || !map || !existsSync(drive) || !existsSync(map)) {
    note(
      'fusion: without KITTI; DILLY_KITTI is the unpacked drive, DILLY_KITTI_MAP the map of its even scans',
    );
    return [];
  }
  const run = async (gnss: string) => {
    const set = [`replay.degrade.gnss=${gnss}`, 'replay.start.seed=1', 'replay.degrade.seed=1'];
    const { summary } = await replay(drive, { set, threads: '2', map, frames: '1::2', reference: 'oxts' });
    return summary.ape!;
  };
  const none = await run('{outages: [{at: 0, for: 1000}]}');
  note(
    `fusion.kitti: without fixes median ${(100 * none.median).toFixed(1)} cm, max ${(100 * none.max).toFixed(1)} cm`,
  );
  const rows: Row[] = [];
  for (const [name, gnss] of Object.entries(FIXES)) {
    const ape = await run(gnss);
    note(
      `fusion.kitti.${name}: median ${(100 * ape.median).toFixed(1)} cm, max ${(100 * ape.max).toFixed(1)} cm`,
    );
    rows.push({
      id: `fusion.kitti.${name}`,
      value: 100 * (ape.max - none.max),
      unit: 'cm more than without fixes, of 60 scans the worst (p99)',
      bar: { of: 'value', at: 'most', limit: 1 },
    });
  }
  return rows;
}
