import type { AlignOptions, Place, PlaceArea, Places } from '../core.ts';
import { expSo3, quatMultiply, quatNormalize } from '../math/so3.ts';
import { type Pose, Refusal } from '../types.ts';
import { throwIfCancelled } from './cancel.ts';
import type { PortableCloud } from './cloud.ts';
import { notAligned } from './icp.ts';
import { linearise } from './linearise.ts';
import {
  mapGround,
  PLACE_CELL,
  PLACE_RANGE,
  type PlaceScan,
  placePyramid,
  placeScan,
  tilesNear,
} from './place-grid.ts';
import { PlaceSearcher } from './place-search.ts';
import { alignToSurfels, SURFEL_SCAN_POINTS, surfelScore } from './surfel-steps.ts';
import { SURFEL_SIZES } from './surfels.ts';
import type { TileSet } from './tile-set.ts';
import { wayBetween } from './wide.ts';

/** These are those of native/include/dilly/places.hpp, where the reasons are. */
const LEVELS = 6;
const KERNEL = 1.5;
const KERNEL_END = 0.3;
const JUDGE = 1500;
const SAME = 1;
const MOST = { reach: 150, turn: 3.2, rise: 1000 } as const;
const OPTIONS: AlignOptions = {
  kernelStart: KERNEL,
  kernelEnd: KERNEL_END,
  maxIterations: 40,
  translationEpsilon: 0.01,
  rotationEpsilon: 0.001,
};

/** The places within reach of a prior, best first. Throws a Refusal `bad-argument` or `cancelled`. */
export async function findPlaces(
  map: TileSet,
  cloud: PortableCloud,
  prior: Pose,
  area: PlaceArea,
  signal: AbortSignal | undefined,
): Promise<Places> {
  requireArea(area);
  throwIfCancelled(signal, 'looking for places');
  const scan = placeScan(cloud, quatNormalize(prior.orientation));
  if (scan.places.length === 0 || map.tiles.size === 0) return { found: [], nodes: 0, complete: true };
  const { position } = prior;
  const half = area.reach + PLACE_RANGE + 2 * PLACE_CELL;
  const z = position[2] + scan.ground;
  const tiles = tilesNear(map, position[0], position[1], half);
  const ground = mapGround(tiles, position, half, z - area.rise, z + area.rise);
  const pyramid = placePyramid(tiles, ground, position, half, LEVELS);
  const search = await new PlaceSearcher(pyramid, scan, position, area).run(signal);
  const found: Place[] = [];
  for (const { x, y, turn, score } of search.places) {
    const height = ground.at(x, y);
    const start: Pose = {
      position: [x, y, Number.isFinite(height) ? height - scan.ground : position[2]],
      orientation: quatNormalize(quatMultiply(expSo3([0, 0, turn]), prior.orientation)),
    };
    found.push(await settled(map, cloud, scan, start, score, signal));
  }
  return { found: ranked(found), nodes: search.nodes, complete: search.complete };
}

async function settled(
  map: TileSet,
  cloud: PortableCloud,
  scan: PlaceScan,
  start: Pose,
  coarse: number,
  signal: AbortSignal | undefined,
): Promise<Place> {
  const problem = { map, cloud, options: OPTIONS, signal };
  const { T_map_base } = await alignToSurfels(problem, notAligned(start), KERNEL, SURFEL_SCAN_POINTS);
  const surfaces = surfelScore(problem, T_map_base, KERNEL_END, SURFEL_SIZES.length - 1, JUDGE).score;
  const near = linearise(map, scan.standing, T_map_base, KERNEL_END, 'point', JUDGE);
  return { T_map_base, coarse, score: near.square / near.points, surfaces };
}

/** Best first, and of those that ended in one place the best alone. */
function ranked(places: readonly Place[]): Place[] {
  const kept: Place[] = [];
  for (const place of [...places].sort((a, b) => b.score - a.score))
    if (kept.every((other) => wayBetween(place.T_map_base, other.T_map_base) >= SAME)) kept.push(place);
  return kept;
}

function requireArea(area: PlaceArea): void {
  if (typeof area !== 'object' || area === null) throw new Refusal('bad-argument', 'expected place options');
  for (const [name, most] of Object.entries(MOST)) {
    const value = area[name as keyof PlaceArea];
    if (!Number.isFinite(value)) throw new Refusal('bad-argument', `expected ${name} to be a finite number`);
    if (!(value >= 0 && value <= most))
      throw new Refusal('bad-argument', `expected ${name} to be within 0 … ${most}`);
  }
}
