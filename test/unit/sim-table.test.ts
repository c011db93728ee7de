import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/commands/sim-run.ts';
import { summariseDeliveries } from '../../src/commands/sim-table.ts';

const drive = (centimetres: number): Delivery =>
  ({
    delivered: true,
    poses: 10,
    protectedPoses: 10,
    errorMedian: centimetres / 100,
    errorP99: centimetres / 50,
    errorMax: centimetres / 25,
    firstPose: centimetres,
    realTimeFactor: centimetres,
    falseConfidence: 0,
    unsaidGross: 0,
    wallsCrossed: 0,
    enteredOnRed: 0,
  }) as unknown as Delivery;

describe('the table of simulated deliveries', () => {
  it('takes the median of the medians and the worst of the worst', () => {
    const all = summariseDeliveries([drive(1), drive(2), drive(9)]);
    expect(all.errorMedian).toBeCloseTo(0.02, 9);
    expect(all.errorP99).toBeCloseTo(0.18, 9);
    expect(all.errorMax).toBeCloseTo(0.36, 9);
    expect(all.realTimeFactor).toBeCloseTo(2, 9);
    expect(all.timeToInitialPose).toEqual({ median: 2, max: 9 });
  });

  it('has no errors where no pose was known', () => {
    const unknown = { ...drive(1), errorMedian: null, errorP99: null, errorMax: null, firstPose: null };
    expect(summariseDeliveries([unknown as unknown as Delivery]).errorMax).toBeNull();
  });
});
