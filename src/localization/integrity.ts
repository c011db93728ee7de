import { z } from 'zod';
import type { LocalizationState, Stamp } from '../types.ts';

export const integrityConfig = z.strictObject({
  registrationTimeout: z
    .number()
    .positive()
    .max(10)
    .default(0.5)
    .describe('with a map: TRACKING ends this long after the last good registration, s'),
  maxSigma: z
    .number()
    .positive()
    .max(10)
    .default(0.3)
    .describe('with a map: TRACKING needs a horizontal standard deviation below this, m'),
  maxSigmaWithoutMap: z.number().positive().max(100).default(5).describe('likewise without a map, m'),
  lostSigma: z
    .number()
    .positive()
    .max(100)
    .default(3)
    .describe('with a map: LOST above this standard deviation, m'),
});
export type IntegrityConfig = z.infer<typeof integrityConfig>;

export interface IntegrityInput {
  readonly stamp: Stamp;
  readonly hasMap: boolean;
  readonly initialized: boolean;
  /** something to start from is known (a prior, a fix) */
  readonly starting: boolean;
  /** horizontal standard deviation, m */
  readonly sigma: number;
  readonly lastRegistration: Stamp | undefined;
  readonly lastRefusal: string | undefined;
}

/** The state of the localisation and, unless it is TRACKING, its reason. Rules from top to bottom, first match. */
export function judgeState(
  now: IntegrityInput,
  config: IntegrityConfig,
): { state: LocalizationState; reason?: string } {
  if (!now.initialized)
    return now.starting
      ? { state: 'INITIALISING', reason: now.lastRefusal ?? 'searching' }
      : { state: 'UNINITIALISED', reason: 'no-start' };
  if (!now.hasMap)
    return now.sigma <= config.maxSigmaWithoutMap
      ? { state: 'TRACKING' }
      : { state: 'DEGRADED', reason: 'uncertain' };
  if (now.sigma > config.lostSigma) return { state: 'LOST', reason: now.lastRefusal ?? 'uncertain' };
  const silent =
    now.lastRegistration === undefined
      ? Number.POSITIVE_INFINITY
      : Number(now.stamp - now.lastRegistration) * 1e-9;
  if (silent > config.registrationTimeout)
    return { state: 'DEGRADED', reason: now.lastRefusal ?? 'no-lidar' };
  if (now.sigma > config.maxSigma) return { state: 'DEGRADED', reason: 'uncertain' };
  return { state: 'TRACKING' };
}
