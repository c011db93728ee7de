import { z } from 'zod';
import type { Cloud, Place, TileMap } from '../core.ts';
import { logSo3, quatConjugate, quatMultiply, quatRotate } from '../math/so3.ts';
import { add, norm, scale, sub } from '../math/vec3.ts';
import type { Pose } from '../types.ts';
import { emptyEvidence, type Registration, type RegistrationConfig, register } from './registration.ts';

export const initializationConfig = z.strictObject({
  sigmas: z
    .number()
    .min(1)
    .max(4)
    .default(2)
    .describe('how far around the prior places are looked for, in its sigmas'),
  minReach: z.number().min(1).max(50).default(3).describe('but not less far than this, m'),
  maxReach: z.number().min(1).max(120).default(60).describe('nor further than this, m'),
  rise: z.number().min(0.5).max(200).default(10).describe('how far off the prior may be in height, m'),
  fixSigma: z
    .number()
    .positive()
    .max(100)
    .default(25)
    .describe('a GNSS fix alone is taken to be this unsure at least, whatever it says, m'),
  fixRise: z.number().min(1).max(500).default(60).describe('and this far off in height, m'),
  drift: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('a place that was told gets so much less sure while the robot drives on, m per m'),
  turnDrift: z.number().min(0).max(1).default(0.01).describe('and its heading so much, rad per m'),
  doubtToldAfter: z
    .number()
    .min(0)
    .max(3600)
    .default(10)
    .describe('where a place that was told is not found for so long, a GNSS fix is tried too, s'),
  minScore: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('so much of what stands around the robot must be on the map, [0, 1]'),
  minMargin: z
    .number()
    .min(0)
    .max(1)
    .default(0.12)
    .describe('and so much more of it than at any other place, [0, 1]'),
  samePlace: z
    .number()
    .positive()
    .default(1.8)
    .describe('places closer than this are one: the registration decides between them, m'),
  kernelStart: z.number().min(0.1).max(5).default(1).describe('robust kernel of the registration there, m'),
  settleShift: z
    .number()
    .positive()
    .max(2)
    .default(0.4)
    .describe(
      'the registration is begun again so far to each side of where it ended, m: the best end counts',
    ),
  settleLead: z
    .number()
    .min(0)
    .max(1)
    .default(0.002)
    .describe('and must have so much more of its points on the map than any end that is elsewhere, [0, 1]'),
  retryAfter: z
    .number()
    .min(0)
    .max(60)
    .default(1)
    .describe('a robot that is lost looks for itself again after this, s'),
});
export type InitializationConfig = z.infer<typeof initializationConfig>;

/** What is known before the first registration. */
export interface Prior {
  readonly T_map_base: Pose;
  /** standard deviations: m over the plane, rad of yaw */
  readonly sigmaPosition: number;
  readonly sigmaYaw: number;
  /** how far off its height may be, m; without it as configured */
  readonly rise?: number;
}

/** Beyond this no heading is left out, rad. */
const ANY_HEADING = Math.PI;

/**
 * Where to look anew for a robot that is lost: around the filter's estimate, as far as it says itself; or, where it
 * must be taken to be wrong (`astray`), as far as a robot is carried, in any heading.
 */
export function priorFrom(
  estimate: { pose: Pose; covariance: Float64Array },
  astray: boolean,
  config: InitializationConfig,
): Prior {
  const sigma = (at: number) => Math.sqrt(estimate.covariance[at]!);
  const sigmaPosition = Math.max(sigma(0), sigma(16));
  const T_map_base = estimate.pose;
  if (!astray) return { T_map_base, sigmaPosition, sigmaYaw: sigma(8 * 16) };
  return { T_map_base, sigmaPosition: Math.max(sigmaPosition, config.fixSigma), sigmaYaw: ANY_HEADING };
}

/** Where to look by a GNSS fix alone: `position` of the antenna in the map frame, `sigma` as it says itself, m. */
export function priorFromFix(position: Pose['position'], sigma: number, config: InitializationConfig): Prior {
  return {
    T_map_base: { position, orientation: [0, 0, 0, 1] },
    sigmaPosition: Math.max(sigma, config.fixSigma),
    sigmaYaw: ANY_HEADING,
    rise: config.fixRise,
  };
}

/** How far around a prior places are looked for, m. */
export function reachOf(
  { sigmaPosition }: Prior,
  { sigmas, minReach, maxReach }: InitializationConfig,
): number {
  return Math.min(Math.max(sigmas * sigmaPosition, minReach), maxReach);
}

/**
 * The first pose: looks for the places around the prior where the scan could have been taken, registers it at the best
 * of them, and only if no other place comes near. Returns the registration, or why there is none.
 */
export async function findFirstPose(
  tiles: TileMap,
  scan: Cloud,
  prior: Prior,
  registration: RegistrationConfig,
  config: InitializationConfig,
  signal?: AbortSignal,
): Promise<Registration> {
  const refuse = (reason: string): Registration => ({
    ok: false,
    reason,
    evidence: emptyEvidence(scan.size),
  });
  if (tiles.points === 0) return refuse('no-tiles');
  if (scan.size < registration.minPoints) return refuse('too-few-points');
  const area = {
    reach: reachOf(prior, config),
    turn: Math.min(config.sigmas * prior.sigmaYaw, ANY_HEADING),
    rise: prior.rise ?? config.rise,
  };
  const { found, complete } = await tiles.places(scan, prior.T_map_base, area, signal);
  const best = found[0];
  if (!best) return refuse('no-place');
  if (!complete) return refuse('first-pose-search-too-wide');
  if (best.score < config.minScore) return refuse('improbable-first-pose');
  if (best.score - secondScore(found, config.samePlace) < config.minMargin)
    return refuse('ambiguous-first-pose');
  const settings = { ...registration, kernelStart: config.kernelStart };
  const first = await register(tiles, scan, best.T_map_base, settings, signal);
  if (!first.ok) return first;
  return settle(first, config, (start) => register(tiles, scan, start, settings, signal));
}

/**
 * A registration that began a step away may have ended in a hollow beside the right one: it is begun again from each
 * side of its end, and the end with the most points on the map counts. Where others have as many, what is handed on must
 * be right whichever of them is: the best end, or the middle between them, unsure by how far they are from it.
 */
async function settle(
  first: Registration & { ok: true },
  { settleShift, settleLead }: InitializationConfig,
  again: (start: Pose) => Promise<Registration>,
): Promise<Registration> {
  const ends = [first];
  const { position, orientation } = first.T_map_base;
  for (const [x, y] of SIDES) {
    const aside = quatRotate(orientation, [x * settleShift, y * settleShift, 0]);
    const end = await again({ position: add(position, aside), orientation });
    if (end.ok) ends.push(end);
  }
  const share = ({ evidence }: Registration) => evidence.inlierRatio;
  const best = ends.reduce((a, b) => (share(b) > share(a) ? b : a));
  const likely = ends.filter((end) => share(end) > share(best) - settleLead);
  const isRight = (pose: Pose) => likely.every((end) => isSamePose(end.T_map_base, pose, RIGHT_M));
  if (isRight(best.T_map_base)) return best;
  const between = middleOf(best, likely);
  if (isRight(between.T_map_base)) return between;
  return { ok: false, reason: 'ambiguous-first-pose', evidence: { ...best.evidence, ok: false } };
}

/** The best end moved to the middle between it and the one farthest from it. */
function middleOf(best: Registration & { ok: true }, ends: readonly (Registration & { ok: true })[]) {
  const { position, orientation } = best.T_map_base;
  const away = ends.map((end) => sub(end.T_map_base.position, position));
  const half = scale(
    away.reduce((a, b) => (norm(b) > norm(a) ? b : a)),
    0.5,
  );
  const covariance = best.covariance.slice();
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) covariance[6 * i + j]! += half[i]! * half[j]!;
  return { ...best, T_map_base: { position: add(position, half), orientation }, covariance };
}

/** Forwards, backwards, to the left and to the right. */
const SIDES = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
] as const;

/** Two registrations of one scan that end nearer than this found the same place: m, rad. */
const SAME_M = 0.15;
const SAME_RAD = 0.0175;
/** A first pose that is off by less than this is right: maps have layers, and tracking finds the best of them, m. */
const RIGHT_M = 0.3;

export function isSamePose(a: Pose, b: Pose, metres = SAME_M): boolean {
  const turn = norm(logSo3(quatMultiply(quatConjugate(a.orientation), b.orientation)));
  return norm(sub(a.position, b.position)) <= metres && turn <= SAME_RAD;
}

/** The best score of a place that is another one than the first; 0 where there is none. */
function secondScore([best, ...others]: readonly Place[], samePlace: number): number {
  const other = others.filter(({ T_map_base: { position, orientation } }) => {
    const from = best!.T_map_base;
    const turn = norm(logSo3(quatMultiply(quatConjugate(from.orientation), orientation)));
    return norm(sub(position, from.position)) > samePlace || turn > SAME_HEADING;
  });
  return Math.max(0, ...other.map(({ score }) => score));
}

/** Places that differ by less than this in heading are one, rad. */
const SAME_HEADING = 0.17;
