import { nativeBench } from './native-bench.ts';
import type { Row } from './row.ts';

/** Thinning one scan. */
export async function run(): Promise<Row[]> {
  return nativeBench('voxel');
}
