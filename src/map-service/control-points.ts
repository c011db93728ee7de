import { z } from 'zod';
import type { Geodetic } from '../math/geodesy.ts';
import { Refusal, type Vec3 } from '../types.ts';
import type { Projection } from './projection.ts';

/** A place known in the local map and on the Earth. */
export interface ControlPoint {
  readonly name: string;
  readonly local: Vec3;
  readonly global: Geodetic;
}

const number = z.coerce.number().refine(Number.isFinite, 'expected a finite number');
const local = { name: z.string().optional(), x: number, y: number, z: number };
const geodetic = z.object({ ...local, lat: number, lon: number, height: number });
const projected = z.object({ ...local, east: number, north: number, height: number });

/**
 * Control points of a file: JSON (an array) or CSV with a header, columns `x,y,z` (map, m), `height` (ellipsoidal, m),
 * and either `lat,lon` (degrees) or `east,north` (metres of `projection`); `name` where there is one. Others are
 * ignored. Throws a Refusal `bad-control-points` that names the row.
 */
export function parseControlPoints(
  text: string,
  file: string,
  projection: Projection | undefined,
): ControlPoint[] {
  const rows = /^\s*\[/.test(text) ? parseJson(text, file) : parseCsv(text, file);
  return rows.map((row, n) => {
    const where = `${file}, point ${n + 1}`;
    if (row && typeof row === 'object' && 'lat' in row) {
      const { name, x, y, z: up, lat, lon, height } = checked(geodetic, row, where);
      const global = { lat, lon, ellipsoidalHeight: height };
      return { name: name ?? `${n + 1}`, local: [x, y, up], global };
    }
    const { name, x, y, z: up, east, north, height } = checked(projected, row, where);
    if (!projection)
      throw new Refusal('bad-control-points', `${where}: found east and north; say of which system: --epsg`);
    return {
      name: name ?? `${n + 1}`,
      local: [x, y, up],
      global: projection.toGeodetic([east, north, height]),
    };
  });
}

function checked<T>(schema: z.ZodType<T>, row: unknown, where: string): T {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Refusal('bad-control-points', `${where}: ${issue?.path.join('.') || '(row)'}: ${issue?.message}`);
}

function parseJson(text: string, file: string): unknown[] {
  try {
    return z.array(z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    throw new Refusal(
      'bad-control-points',
      `${file}: expected a JSON array, found ${(error as Error).message}`,
    );
  }
}

function parseCsv(text: string, file: string): Record<string, string>[] {
  const [header, ...lines] = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const names = header?.split(',').map((name) => name.trim().toLowerCase()) ?? [];
  if (!names.includes('x'))
    throw new Refusal(
      'bad-control-points',
      `${file}: expected a header with x,y,z,lat,lon,height or x,y,z,east,north,height, found ${header ?? 'nothing'}`,
    );
  return lines.map((line) => {
    const values = line.split(',');
    // An empty cell is missing, not zero.
    return Object.fromEntries(
      names.flatMap((name, k) => (values[k]?.trim() ? [[name, values[k]!.trim()]] : [])),
    );
  });
}
