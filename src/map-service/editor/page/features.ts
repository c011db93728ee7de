import { type EnuFrame, enuFrame } from '../../../math/geodesy.ts';

/** Loosely what graph.geojson holds: the service checks it whole when it is saved. */
export interface Feature {
  type: 'Feature';
  geometry:
    | { type: 'Point'; coordinates: number[] }
    | { type: 'LineString'; coordinates: number[][] }
    | { type: 'Polygon'; coordinates: number[][][] };
  properties: { kind: string; id: string; [name: string]: unknown };
}
export interface Problem {
  reason: string;
  id: string;
  detail: string;
  lon: number;
  lat: number;
}
export interface MapAnswer {
  mapId: string;
  version: number;
  tileSize: number;
  origin: { lat: number; lon: number; ellipsoidalHeight: number };
  tiles: { id: string; sha256: string }[];
  features: Feature[];
  problems: Problem[];
}
/** Metres east and north of the map's origin. */
export type Place = readonly [x: number, y: number];

/** Between places on the map and degrees, at the height of the origin. */
export class Plane {
  readonly #frame: EnuFrame;

  constructor(origin: MapAnswer['origin']) {
    this.#frame = enuFrame(origin);
  }

  toPlace([lon, lat]: readonly number[]): Place {
    const [x, y] = this.#frame.toEnu(lat!, lon!, this.#frame.origin.ellipsoidalHeight);
    return [x, y];
  }

  /** Degrees to nine decimals, 0.1 mm. */
  toLonLat([x, y]: Place): number[] {
    const { lon, lat } = this.#frame.toGeodetic([x, y, 0]);
    return [Number(lon.toFixed(9)), Number(lat.toFixed(9))];
  }
}

/** The corners of a feature, to be read and written in place. A ring's last corner is its first and is left out. */
export function cornersOf({ geometry }: Feature): number[][] {
  if (geometry.type === 'Point') return [geometry.coordinates];
  return geometry.type === 'Polygon' ? geometry.coordinates[0]!.slice(0, -1) : geometry.coordinates;
}

/** An id of a kind that no feature has. */
export function freeId(features: readonly Feature[], kind: string): string {
  const used = new Set(features.map(({ properties }) => properties.id));
  let n = 1;
  while (used.has(`${kind}-${n}`)) n++;
  return `${kind}-${n}`;
}
