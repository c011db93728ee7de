import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { strictest } from '../../src/robot/advice.ts';
import { describeState, localisationLimits } from '../../src/robot/localisation-limits.ts';
import { robotConfig } from '../../src/robot/robot-config.ts';
import type { FrameResult, LocalizationState, MotionLimit } from '../../src/types.ts';

const config = robotConfig.parse({});
const frame = (more: Partial<FrameResult> = {}): FrameResult => ({
  ...{ stamp: 0n, frame: 0, state: 'TRACKING', stages: {} },
  ...more,
});
const advice = (result: FrameResult | undefined, age = 0, freeWidth?: number) =>
  strictest(localisationLimits(result, age, freeWidth, config), config);

describe('what the localisation lets the robot do', () => {
  it.each<[string, FrameResult | undefined, number, string, string]>([
    ['no pose', undefined, 0, 'stop', 'no pose yet'],
    ['an old pose', frame(), 1.1, 'stop', 'the last pose is 1.1 s old'],
    ['a pose of no age', frame(), Number.NaN, 'stop', 'the last pose is NaN s old'],
    ['LOST', frame({ state: 'LOST', stateReason: 'no scans' }), 0, 'stop', 'LOST, no scans'],
    ['INITIALISING', frame({ state: 'INITIALISING' }), 0, 'stop', 'INITIALISING'],
    ['DEGRADED', frame({ state: 'DEGRADED', stateReason: 'no GNSS' }), 0, 'slow', 'DEGRADED, no GNSS'],
    ['TRACKING', frame(), 0.9, 'drive', 'the way is free'],
  ])('%s', (_, result, age, motion, reason) => {
    expect(advice(result, age)).toMatchObject({ motion });
    expect(advice(result, age).reason).toContain(reason);
  });

  it('is less where the pose is less sure than the way is wide, and says both widths', () => {
    const unsure = frame({ motion: 'slow', protectionLevel: 0.62 });
    expect(advice(unsure, 0, 0.5)).toMatchObject({ motion: 'slow', speedLimit: config.slowSpeed });
    expect(advice(unsure, 0, 0.5).reason).toContain('protection level 0.62 m with 0.50 m free');
    expect(advice(frame({ motion: 'stop' })).reason).toContain('level unknown with an unknown width free');
    expect(advice(frame({ state: 'DEGRADED', motion: 'stop', protectionLevel: 3 }))).toMatchObject({
      motion: 'stop',
    });
  });

  it('is never more than its state, its motion and its age allow each alone', () => {
    const rank = { drive: 2, slow: 1, stop: 0 };
    const states: LocalizationState[] = ['TRACKING', 'DEGRADED', 'LOST'];
    const motions: (MotionLimit | undefined)[] = ['drive', 'slow', 'stop', undefined];
    fc.assert(
      fc.property(
        fc.constantFrom(...states),
        fc.constantFrom(...motions),
        fc.double({ min: 0, max: 2 }),
        (state, motion, age) => {
          const result = frame({ state, ...(motion && { motion }) });
          const found = rank[advice(result, age).motion];
          const byState = { TRACKING: 2, DEGRADED: 1 }[state as string] ?? 0;
          const byAge = age <= config.maxPoseAge ? 2 : 0;
          expect(found).toBe(Math.min(byState, rank[motion ?? 'drive'], byAge));
        },
      ),
      { seed: 6, numRuns: 200 },
    );
  });

  it('is told with the state as it begins', () => {
    expect(describeState(frame())).toEqual(['info', 'TRACKING', { state: 'TRACKING' }]);
    expect(describeState(frame({ state: 'LOST', stateReason: 'x' }))).toEqual([
      'alarm',
      'LOST: x',
      { state: 'LOST' },
    ]);
  });
});
