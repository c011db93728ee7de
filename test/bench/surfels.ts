import { nativeBench, withBars } from './native-bench.ts';
import type { Row } from './row.ts';

/** Surfels of a map: how long they take to make, and how large one is with its share of the table. */
export async function run(): Promise<Row[]> {
  return withBars(nativeBench('surfel'), {
    'tile.surfels': { of: 'value', at: 'most', limit: 100 },
    'tile.surfels.bytes': { of: 'value', at: 'most', limit: 40 },
  });
}
