import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const folder = process.env.DILLY_DATA ?? resolve(import.meta.dirname, '../../../shared/data');

/** A path in the folder of real data (`DILLY_DATA`), or undefined where it is not there. */
export function dataPath(...parts: readonly string[]): string | undefined {
  const path = join(folder, ...parts);
  return existsSync(path) ? path : undefined;
}

export { folder as dataFolder };

/**
 * x y z of a binary little-endian PLY whose properties are all float32 and begin with x y z: as it is, with the points
 * at the sensor itself by which some drivers say that nothing came back.
 */
export async function readPly(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  const end = bytes.indexOf('end_header\n') + 'end_header\n'.length;
  const header = bytes.toString('latin1', 0, end);
  const points = Number(/element vertex (\d+)/.exec(header)?.[1]);
  const properties = [...header.matchAll(/property float /g)].length;
  if (!header.includes('binary_little_endian') || !(points * properties * 4 === bytes.length - end))
    throw new Error(`${path}: expected a binary little-endian PLY of float32 properties`);
  const positions: number[] = [];
  for (let i = 0; i < points; i++) {
    const at = end + 4 * properties * i;
    positions.push(bytes.readFloatLE(at), bytes.readFloatLE(at + 4), bytes.readFloatLE(at + 8));
  }
  return Float32Array.from(positions);
}

/** A matrix of numbers in text, row by row. */
export async function readMatrix(path: string): Promise<number[]> {
  return (await readFile(path, 'utf8')).trim().split(/\s+/).map(Number);
}
