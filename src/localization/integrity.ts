import { z } from 'zod';
import type { LocalizationState, MotionLimit } from '../types.ts';

const positive = (value: number, max: number, text: string) =>
  z.number().positive().max(max).default(value).describe(text);

export const integrityConfig = z.strictObject({
  registrationTimeout: positive(
    0.25,
    10,
    'with a map: TRACKING ends when for this long no registration was good, s; an alarm is due within 0.3 s',
  ),
  slowestRegistration: positive(
    0.8,
    10,
    's: a LiDAR slower than 6 Hz is waited for 1.5 of its own periods, but not longer than this: the robot goes 1.2 m in it',
  ),
  maxSigma: positive(0.3, 10, 'with a map: TRACKING needs a horizontal standard deviation below this, m'),
  maxSigmaWithoutMap: positive(5, 100, 'likewise without a map, m'),
  lostSigma: positive(3, 100, 'with a map: LOST above this standard deviation, m'),
  maxProtectionLevel: positive(1, 100, 'with a map: TRACKING needs a protection level below this, m'),
  lostAfter: positive(10, 600, 'with a map: LOST when scans have come for this long and none fitted, s'),
  misfitStop: positive(3, 600, 'with a map: the robot stops when none has fitted for this long, s'),
  recoverScans: z
    .int()
    .min(1)
    .max(20)
    .default(2)
    .describe('good registrations in a row that end DEGRADED or LOST, [1, 20]'),
  exitShare: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.8)
    .describe('DEGRADED for uncertainty ends only below this share of its limit, [0.1, 1]'),
  risk: z
    .number()
    .min(1e-9)
    .max(0.1)
    .default(1e-4)
    .describe('probability that the true error exceeds the protection level, [1e-9, 0.1]'),
  mapBias: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe(
      'how far a map may be off all over, m: added to the level, with the residual of the registration',
    ),
  separationWindow: positive(4, 60, 's: dead reckoning is compared with the solution over up to this long'),
  separationMemory: positive(
    16,
    600,
    's: and where the two contradict each other also with what it was up to this long ago',
  ),
  separationPrior: z
    .number()
    .min(1e-6)
    .max(1)
    .default(1e-3)
    .describe('probability that a LiDAR or GNSS solution is wrong and not noticed by its gate'),
  separationSuspect: positive(
    3,
    20,
    'sigmas of dead reckoning: further apart, one of them is taken to be wrong from where it began, and the level counts it',
  ),
  separationAgree: positive(1.5, 20, 'sigmas: nearer than this they agree again'),
  separationAlarm: positive(
    5.5,
    20,
    'sigmas of dead reckoning: further apart means that one of them is wrong: an alarm',
  ),
  verifyAfter: positive(
    0.5,
    60,
    's: a contradiction of this long is settled by a registration that starts from dead reckoning, or a search',
  ),
  takenAway: positive(
    50,
    500,
    'with a map, m: the level once a scan says that the robot is elsewhere; as far as it is then looked for',
  ),
  hereProbability: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe('a refused scan that is less likely than this to be of this place says so, [0, 1]'),
});
export type IntegrityConfig = z.infer<typeof integrityConfig>;

/** All that the state is judged by. */
export interface Situation {
  readonly hasMap: boolean;
  readonly initialized: boolean;
  /** something to start from is known (a prior, a fix) */
  readonly starting: boolean;
  /** horizontal standard deviation, and protection level, m */
  readonly sigma: number;
  readonly protectionLevel: number;
  /** seconds since the last good registration came in */
  readonly silence: number;
  /** and how long that may be, by the LiDAR's own period */
  readonly patience: number;
  /** seconds over which scans have come that do not fit; 0 while they fit */
  readonly misfit: number;
  /** why the last scan was not used, undefined where it was */
  readonly refusal: string | undefined;
  /** good registrations in a row */
  readonly goodScans: number;
  /** moved by hand: the wheels stood and the IMU did not */
  readonly carried: boolean;
  /** dead reckoning and the solution contradict each other */
  readonly separated: boolean;
}

export interface Verdict {
  readonly state: LocalizationState;
  /** absent where all is well */
  readonly reason?: string;
  readonly motion: MotionLimit;
}

interface Rule {
  readonly state: LocalizationState;
  readonly reason: string | ((now: Situation) => string);
  readonly motion: MotionLimit;
  readonly enter: (now: Situation, config: IntegrityConfig) => boolean;
  /** while the rule holds already: when it goes on. Default: as it was entered. */
  readonly stay?: (now: Situation, config: IntegrityConfig) => boolean;
}

const misfits = (now: Situation) => now.refusal !== undefined;
const unsure = (now: Situation, config: IntegrityConfig, share: number) =>
  now.hasMap
    ? now.sigma > share * config.maxSigma || now.protectionLevel > share * config.maxProtectionLevel
    : now.sigma > share * config.maxSigmaWithoutMap;

/** Every state with how it is entered and left: the first rule that holds, from top to bottom. */
export const STATE_TABLE: readonly Rule[] = [
  {
    state: 'UNINITIALISED',
    reason: 'no-start',
    motion: 'stop',
    enter: (now) => !now.initialized && !now.starting,
  },
  {
    state: 'INITIALISING',
    reason: (now) => now.refusal ?? 'searching',
    motion: 'stop',
    enter: (now) => !now.initialized,
  },
  {
    state: 'LOST',
    reason: 'carried',
    motion: 'stop',
    enter: (now) => now.hasMap && now.carried && misfits(now),
    stay: (now, config) => now.goodScans < config.recoverScans,
  },
  {
    state: 'LOST',
    reason: (now) => now.refusal ?? 'uncertain',
    motion: 'stop',
    enter: (now, config) => now.hasMap && (now.sigma > config.lostSigma || now.misfit > config.lostAfter),
    stay: (now, config) => now.hasMap && now.goodScans < config.recoverScans,
  },
  {
    state: 'DEGRADED',
    reason: 'solutions-disagree',
    motion: 'stop',
    enter: (now) => now.separated,
  },
  {
    // Scans that come and do not fit for so long may be right, and the pose wrong by more than its level says.
    state: 'DEGRADED',
    reason: (now) => now.refusal ?? 'misfit',
    motion: 'stop',
    enter: (now, config) => now.hasMap && now.misfit > config.misfitStop,
  },
  {
    state: 'DEGRADED',
    reason: (now) => now.refusal ?? 'no-lidar',
    motion: 'slow',
    enter: (now) => now.hasMap && now.silence > now.patience,
  },
  {
    state: 'DEGRADED',
    reason: 'uncertain',
    motion: 'slow',
    enter: (now, config) => unsure(now, config, 1),
    stay: (now, config) => unsure(now, config, config.exitShare),
  },
  {
    state: 'DEGRADED',
    reason: 'recovering',
    motion: 'slow',
    // Entered from the rules above only: see `judgeState`.
    enter: () => false,
    stay: (now, config) => now.hasMap && now.goodScans < config.recoverScans,
  },
  { state: 'TRACKING', reason: '', motion: 'drive', enter: () => true },
];
const RECOVERING = STATE_TABLE.findIndex(({ reason }) => reason === 'recovering');
const FIRST_KNOWN = STATE_TABLE.findIndex(({ state }) => state === 'LOST');

/**
 * The row of STATE_TABLE that holds now, given the row that held before: that row holds as long as its `stay` says,
 * and what was lost or degraded passes through `recovering`.
 */
export function judgeState(
  now: Situation,
  before: number | undefined,
  config: IntegrityConfig,
): { row: number; verdict: Verdict } {
  const impaired = before !== undefined && before >= FIRST_KNOWN && before <= RECOVERING;
  const row = STATE_TABLE.findIndex((rule, i) => {
    const holds = i === before || (i === RECOVERING && impaired);
    return (holds && rule.stay ? rule.stay : rule.enter)(now, config);
  });
  const { state, reason, motion } = STATE_TABLE[row]!;
  const text = typeof reason === 'string' ? reason : reason(now);
  return { row, verdict: { state, motion, ...(text && { reason: text }) } };
}
