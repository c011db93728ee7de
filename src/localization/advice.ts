import { z } from 'zod';
import type { MotionLimit } from '../types.ts';
import type { Verdict } from './integrity.ts';

export const adviceConfig = z.strictObject({
  slowSpeed: z.number().positive().max(5).default(0.5).describe('what "slow" means, m/s, (0, 5]'),
  reaction: z.number().min(0).max(5).default(0.5).describe('from the word to the brakes, s, [0, 5]'),
  deceleration: z.number().min(0.1).max(10).default(1).describe('of braking, m/s², [0.1, 10]'),
  slowShare: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.7)
    .describe('slow once the protection level reaches this share of the free width, [0.1, 1]'),
});
export type AdviceConfig = z.infer<typeof adviceConfig>;

export interface MotionAdvice {
  readonly motion: MotionLimit;
  readonly reason: string;
}

/**
 * What the robot may do: what the state allows, and no more than the free width beside it bears. It stops before the
 * protection level exceeds the width, that is, when the level at the end of the braking way would.
 * `level` in m, undefined while unknown; `growth` in m/s; `freeWidth`: metres free on the narrower side of the robot,
 * undefined where nobody says; `speed` in m/s.
 */
export function adviseMotion(
  verdict: Verdict,
  level: number | undefined,
  growth: number,
  freeWidth: number | undefined,
  speed: number,
  config: AdviceConfig,
): MotionAdvice {
  const reason = verdict.reason ?? '';
  if (verdict.motion === 'stop' || freeWidth === undefined) return { motion: verdict.motion, reason };
  if (level === undefined) return { motion: 'stop', reason: 'protection-level-unknown' };
  const seconds = config.reaction + speed / config.deceleration;
  const then = level + Math.max(0, growth) * seconds;
  if (then >= freeWidth) return { motion: 'stop', reason: 'protection-level-exceeds-width' };
  if (then >= config.slowShare * freeWidth) return { motion: 'slow', reason: 'protection-level-near-width' };
  return { motion: verdict.motion, reason };
}
