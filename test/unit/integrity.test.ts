import { describe, expect, it } from 'vitest';
import { adviceConfig, adviseMotion } from '../../src/localization/advice.ts';
import { integrityConfig, judgeState, type Situation } from '../../src/localization/integrity.ts';
import { protectionLevel } from '../../src/localization/protection-level.ts';

const config = integrityConfig.parse({});
const well: Situation = {
  hasMap: true,
  initialized: true,
  starting: true,
  sigma: 0.03,
  protectionLevel: 0.2,
  silence: 0.1,
  patience: 0.25,
  misfit: 0,
  refusal: undefined,
  goodScans: 5,
  carried: false,
  separated: false,
};
const after = (...steps: Partial<Situation>[]) => {
  let row: number | undefined;
  return steps.map((step) => {
    const judged = judgeState({ ...well, ...step }, row, config);
    row = judged.row;
    return `${judged.verdict.state} ${judged.verdict.reason ?? ''} ${judged.verdict.motion}`;
  });
};

describe('the state table', () => {
  it('raises the alarm within 0.3 s of silence and tracks again with the second good scan', () => {
    const silent = { silence: 0.3 };
    expect(after({}, silent, { goodScans: 1 }, { goodScans: 2 })).toEqual([
      'TRACKING  drive',
      'DEGRADED no-lidar slow',
      'DEGRADED recovering slow',
      'TRACKING  drive',
    ]);
  });

  it('is lost when carried and no scan fits, until two do', () => {
    const lifted = { carried: true, refusal: 'too-few-inliers', goodScans: 0 };
    expect(after({}, { carried: true }, lifted, { goodScans: 1 }, { goodScans: 2 })).toEqual([
      'TRACKING  drive',
      'TRACKING  drive',
      'LOST carried stop',
      'LOST carried stop',
      'TRACKING  drive',
    ]);
  });

  it('stops when scans have come for seconds and none fitted, long before it is lost', () => {
    const misfit = (s: number) => ({ silence: s, misfit: s, refusal: 'improbable', goodScans: 0 });
    expect(after({}, misfit(2.9), misfit(3.1), misfit(10.1), { goodScans: 2 })).toEqual([
      'TRACKING  drive',
      'DEGRADED improbable slow',
      'DEGRADED improbable stop',
      'LOST improbable stop',
      'TRACKING  drive',
    ]);
  });

  it('stops where solutions contradict each other', () => {
    expect(after({}, { separated: true })[1]).toBe('DEGRADED solutions-disagree stop');
  });
});

describe('the protection level', () => {
  it('grows with sigma, residual and separation', () => {
    const base = protectionLevel(0.03, 0.04, [], config);
    // 0.02 + 0.04 + √(−2 ln 5e-5) · 0.03
    expect(base).toBeCloseTo(0.06 + Math.sqrt(-2 * Math.log(5e-5)) * 0.03, 9);
    expect(protectionLevel(0.03, 0.04, [{ distance: 1, sigma: 0.1 }], config)).toBeGreaterThan(1.2);
  });

  it('stops the robot before it exceeds the free width', () => {
    const advice = adviceConfig.parse({});
    const tracking = { state: 'TRACKING', motion: 'drive' } as const;
    // 1 m/s: 1.5 s to stand; 0.3 + 0.1 · 1.5 = 0.45.
    expect(adviseMotion(tracking, 0.3, 0.1, 0.44, 1, advice).motion).toBe('stop');
    expect(adviseMotion(tracking, 0.3, 0.1, 0.5, 1, advice).motion).toBe('slow');
    expect(adviseMotion(tracking, 0.3, 0.1, 2, 1, advice).motion).toBe('drive');
  });
});
