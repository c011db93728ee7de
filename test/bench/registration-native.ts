import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cloud } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import type { Pose } from '../../src/types.ts';
import { nativeBench, withBars } from './native-bench.ts';
import type { Row } from './row.ts';
import { beside } from './starts.ts';
import type { Street } from './street.ts';

/** The align step alone beside its peers in `native/bench`, on a street's map, from ±0.5 m and 3° beside each pose. */
export async function besidePeers(
  { points }: Street,
  tasks: readonly { readonly scan: Cloud; readonly T_map_base: Pose }[],
): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-bench-'));
  const random = new Random(5);
  try {
    await writeFile(join(folder, 'map.f32'), Buffer.concat(points.map((rows) => Buffer.from(rows.buffer))));
    const lines: string[] = [];
    for (const [k, { scan, T_map_base }] of tasks.entries()) {
      await writeFile(join(folder, `scan-${k}.f32`), Buffer.from(scan.arrays().positions.buffer));
      const numbers = [T_map_base, beside(random, T_map_base, 0.5, 3)].flatMap((pose) => [
        ...pose.position,
        ...pose.orientation,
      ]);
      lines.push(numbers.join(' '));
    }
    await writeFile(join(folder, 'poses.txt'), `${lines.join('\n')}\n`);
    return withBars(nativeBench('registration', [folder]), {
      'registration.align.1t': { of: 'value', at: 'most', limit: 2.5 },
      'registration.align.nanoflann': { of: 'ratio', at: 'least', limit: 30 },
      'registration.align.pclGicp': { of: 'ratio', at: 'least', limit: 40 },
      'registration.align.pclNdt': { of: 'ratio', at: 'least', limit: 40 },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
