import { consistency } from './fusion/consistency.ts';
import { cost } from './fusion/cost.ts';
import { faults } from './fusion/faults.ts';
import { husky } from './fusion/husky.ts';
import { kitti } from './fusion/kitti.ts';
import type { Row } from './row.ts';

/** The filter and its integrity: faults of sensors, consistency, the protection level, cost. */
export async function run(): Promise<Row[]> {
  return [...(await cost()), ...faults(), ...consistency(), ...(await husky()), ...(await kitti())];
}
