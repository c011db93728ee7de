import { z } from 'zod';
import type { Cloud, Core, TileMap } from '../core.ts';
import { expSo3, quatMultiply } from '../math/so3.ts';
import type { Pose } from '../types.ts';
import { emptyEvidence, type Registration, type RegistrationConfig, register } from './registration.ts';

export const initializationConfig = z.strictObject({
  positionStep: z.number().min(0.1).max(10).default(2).describe('spacing of the starts over the plane, m'),
  yawStep: z.number().min(0.5).max(45).default(8).describe('spacing of the starts over yaw, degrees'),
  sigmas: z
    .number()
    .min(1)
    .max(4)
    .default(2)
    .describe('how far around the prior starts are tried, in its sigmas'),
  maxStarts: z.int().min(1).max(2000).default(150),
  voxelSize: z.number().min(0.1).max(5).default(1).describe('the scan is thinned to this for the search, m'),
  kernelStart: z.number().min(0.1).max(5).default(2).describe('robust kernel of a start, m'),
  kernelEnd: z
    .number()
    .min(0.05)
    .max(1)
    .default(0.36)
    .describe('robust kernel that places are compared with, m'),
  minMargin: z
    .number()
    .min(0)
    .max(1)
    .default(0.03)
    .describe('the best place must have this much more of the scan on the map than any other'),
  samePlace: z
    .number()
    .positive()
    .default(1)
    .describe('starts that end closer than this found the same place, m'),
});
export type InitializationConfig = z.infer<typeof initializationConfig>;

/** What is known before the first registration. */
export interface Prior {
  readonly T_map_base: Pose;
  /** standard deviations: m over the plane, rad of yaw */
  readonly sigmaPosition: number;
  readonly sigmaYaw: number;
}

/** Where to look anew for a robot that is lost: around the filter's estimate, as far as it says itself. */
export function priorFrom(estimate: { pose: Pose; covariance: Float64Array }): Prior {
  const sigma = (at: number) => Math.sqrt(estimate.covariance[at]!);
  return { T_map_base: estimate.pose, sigmaPosition: Math.max(sigma(0), sigma(16)), sigmaYaw: sigma(8 * 16) };
}

/**
 * The first pose: registers from many starts around the prior, takes the place where most of the scan lies on the
 * map, and only if no other place comes near. Returns the registration, or why there is none.
 */
export async function findFirstPose(
  core: Core,
  tiles: TileMap,
  scan: Cloud,
  prior: Prior,
  registration: RegistrationConfig,
  config: InitializationConfig,
  signal?: AbortSignal,
): Promise<Registration> {
  if (tiles.points === 0) return { ok: false, reason: 'no-tiles', evidence: emptyEvidence(scan.size) };
  const sparse = await core.downsample(scan, config.voxelSize, signal);
  const { kernelStart, kernelEnd } = config;
  const options = {
    ...registration,
    kernelStart,
    kernelEnd,
    translationEpsilon: 0.01,
    rotationEpsilon: 0.001,
  };
  const found = await Promise.all(
    starts(prior, config).map((start) => tiles.align(sparse, start, options, signal)),
  );
  const best = found.reduce((a, b) => (b.inliers > a.inliers ? b : a));
  const others = found.filter(({ T_map_base }) => apart(T_map_base, best.T_map_base) > config.samePlace);
  const second = Math.max(0, ...others.map(({ inliers }) => inliers));
  if (best.inliers - second < config.minMargin * sparse.size)
    return { ok: false, reason: 'ambiguous-first-pose', evidence: emptyEvidence(scan.size) };
  return register(tiles, scan, best.T_map_base, { ...registration, kernelStart: kernelEnd }, signal);
}

/** Starts on a grid over x, y and yaw, the prior itself first, then outwards. */
function starts(prior: Prior, config: InitializationConfig): Pose[] {
  const reach = config.sigmas * prior.sigmaPosition;
  const steps = axis(reach, config.positionStep);
  const turns = axis(Math.min(config.sigmas * prior.sigmaYaw, Math.PI), (config.yawStep * Math.PI) / 180);
  const grid = steps.flatMap((x) => steps.flatMap((y) => turns.map((yaw) => ({ x, y, yaw }))));
  const cost = (s: { x: number; y: number; yaw: number }) =>
    Math.hypot(
      s.x / config.positionStep,
      s.y / config.positionStep,
      (s.yaw * 180) / Math.PI / config.yawStep,
    );
  return grid
    .sort((a, b) => cost(a) - cost(b))
    .slice(0, config.maxStarts)
    .map(({ x, y, yaw }) => ({
      position: [
        prior.T_map_base.position[0] + x,
        prior.T_map_base.position[1] + y,
        prior.T_map_base.position[2],
      ],
      orientation: quatMultiply(expSo3([0, 0, yaw]), prior.T_map_base.orientation),
    }));
}

/** −n·step … 0 … n·step so that the ends reach `reach`. */
function axis(reach: number, step: number): number[] {
  const n = Math.ceil(reach / step - 0.5);
  return Array.from({ length: 2 * n + 1 }, (_, k) => (k - n) * step);
}

function apart(a: Pose, b: Pose): number {
  return Math.hypot(
    a.position[0] - b.position[0],
    a.position[1] - b.position[1],
    a.position[2] - b.position[2],
  );
}
