import { nativeBench, withBars } from './native-bench.ts';
import type { Row } from './row.ts';

/** Thinning one scan: against PCL where it is installed, and against reading it once. */
export async function run(): Promise<Row[]> {
  return withBars(nativeBench('voxel'), { 'voxel.120k': { of: 'ratio', at: 'least', limit: 2 } });
}
