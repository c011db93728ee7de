import { createRequire } from 'node:module';
import proj4 from 'proj4';
import type { Geodetic } from '../math/geodesy.ts';
import { Refusal, type Vec3 } from '../types.ts';

/** Between a coordinate reference system and WGS 84. Heights pass through: both are taken above the ellipsoid, metres. */
export interface Projection {
  readonly epsg: number;
  readonly name: string;
  /** Easting, northing, height (float64: the step of float32 near Seoul is 0.25 m) to degrees. */
  toGeodetic(p: Vec3): Geodetic;
  fromGeodetic(place: Geodetic): Vec3;
}

const require = createRequire(import.meta.url);

/**
 * The system of an EPSG code; 4326 takes and gives longitude, latitude, height. Definitions are those of the package
 * epsg-index. Throws a Refusal `unknown-epsg`.
 */
export function projectionOf(epsg: number): Projection {
  const entry = definitionOf(epsg);
  const converter = proj4('EPSG:4326', entry.proj4);
  return {
    epsg,
    name: entry.name,
    toGeodetic: ([x, y, ellipsoidalHeight]) => {
      const [lon, lat] = finite(converter.inverse([x, y]), epsg, [x, y]);
      return { lat, lon, ellipsoidalHeight };
    },
    fromGeodetic: ({ lat, lon, ellipsoidalHeight }) => {
      const [x, y] = finite(converter.forward([lon, lat]), epsg, [lon, lat]);
      return [x, y, ellipsoidalHeight];
    },
  };
}

function definitionOf(epsg: number): { name: string; proj4: string } {
  const unknown = new Refusal(
    'unknown-epsg',
    `expected the EPSG code of a projected or geographic system, as 5186, 5179 or 4326, found ${epsg}`,
  );
  if (!Number.isInteger(epsg) || epsg < 0) throw unknown;
  try {
    const entry = require(`epsg-index/s/${epsg}.json`);
    if (typeof entry.proj4 === 'string' && /^CRS-(PROJCRS|GEOGCRS)$/.test(entry.kind)) return entry;
  } catch {}
  throw unknown;
}

function finite(found: number[], epsg: number, from: number[]): [number, number] {
  const [a, b] = found;
  if (Number.isFinite(a) && Number.isFinite(b)) return [a!, b!];
  throw new Refusal(
    'projection-failed',
    `EPSG:${epsg}: expected a place on its map, found ${from.join(', ')}`,
  );
}
