import { Random } from '../../src/math/random.ts';
import type { LinkFeature, NodeFeature, WallFeature } from '../../src/route/features.ts';
import type { Profile } from '../../src/route/profile.ts';

/** Gangnam station, where the demo map is. */
export const ORIGIN = { lon: 127.02762, lat: 37.49794 };
/** Degrees of about 50 m. */
export const BLOCK = 0.00045;

export const WALKER: Profile = {
  name: 'walker',
  maxWidth: 0.9,
  maxKerb: 0.05,
  maxIncline: 0.08,
  surfaces: { asphalt: 1, sett: 2 },
  stairs: false,
  flies: false,
  speed: 2,
  slowSpeed: 1,
  signalWait: 30,
  doorWait: 10,
  liftWait: 60,
  maxSnap: 100,
};

export function node(id: string, lon: number, lat: number): NodeFeature {
  return { geometry: { type: 'Point', coordinates: [lon, lat] }, properties: { kind: 'node', id } };
}

export function link(
  id: string,
  from: NodeFeature,
  to: NodeFeature,
  more: Partial<LinkFeature['properties']> = {},
): LinkFeature {
  return {
    geometry: { type: 'LineString', coordinates: [from.geometry.coordinates, to.geometry.coordinates] },
    properties: {
      kind: 'link',
      id,
      from: from.properties.id,
      to: to.properties.id,
      width: 2,
      incline: 0,
      surface: 'asphalt',
      kerbHeight: 0,
      speedLimit: 3,
      ...more,
    },
  };
}

export function wall(
  id: string,
  type: 'no_go' | 'one_way' | 'slow',
  coordinates: number[][],
  more: Partial<WallFeature['properties']> = {},
): WallFeature {
  return {
    geometry: { type: 'LineString', coordinates },
    properties: { kind: 'virtual_wall', id, type, ...more },
  };
}

/** A seeded city: side × side corners 50 m apart, jittered, with links between neighbours; some are one-way or rough. */
export class City {
  readonly side: number;
  readonly #seed: number;

  constructor(side: number, seed: number) {
    this.side = side;
    this.#seed = seed;
  }

  *nodes(): Generator<NodeFeature> {
    for (let k = 0; k < this.side ** 2; k++) yield this.corner(k);
  }

  *links(): Generator<LinkFeature> {
    const random = new Random(this.#seed);
    for (let k = 0; k < this.side ** 2; k++) {
      const right = (k + 1) % this.side !== 0;
      const up = k + this.side < this.side ** 2;
      for (const next of [...(right ? [k + 1] : []), ...(up ? [k + this.side] : [])]) {
        const draw = random.uniform();
        yield link(`l${k}-${next}`, this.corner(k), this.corner(next), {
          surface: draw < 0.2 ? 'sett' : 'asphalt',
          ...(draw > 0.9 ? { oneWay: true } : {}),
          ...(draw > 0.7 && draw < 0.8 ? { crossing: 's' } : {}),
          kerbHeight: draw > 0.4 && draw < 0.45 ? 0.1 : 0,
        });
      }
    }
  }

  corner(k: number): NodeFeature {
    const random = new Random(this.#seed + 1000 + k);
    const jitter = () => random.uniform(-0.2, 0.2);
    const [i, j] = [k % this.side, Math.floor(k / this.side)];
    return node(`n${k}`, ORIGIN.lon + (i + jitter()) * BLOCK, ORIGIN.lat + (j + jitter()) * BLOCK);
  }
}
