import { describe, expect, test } from 'vitest';
import type { FilterState } from '../../src/localization/filter-state.ts';
import { initialState } from '../../src/localization/filter-state.ts';
import { fusionSchema } from '../../src/localization/fusion-config.ts';
import { InputRow, StateRow } from '../../src/localization/state-row.ts';
import { NumberRow } from '../../src/math/number-row.ts';
import { at, diagonal } from './fusion-simulation.ts';

const pose = { position: [1.5, -2.25, 0.125], orientation: [0, 0, 0.6, 0.8] } as const;
const plain: FilterState = initialState(
  at(0),
  pose,
  diagonal(0.1, 0.2, 0.3, 0.01, 0.02, 0.03),
  [1, 2, 3],
  fusionSchema.parse({}),
);

/** every field set, each number another one */
const full: FilterState = {
  ...plain,
  gyroBias: [0.001, -0.002, 0.003],
  accelerometerBias: [0.01, 0.02, -0.03],
  angularVelocity: [0.1, 0.2, -0.3],
  angularVariance: 0.04,
  imu: { stamp: at(-0.001), angularVelocity: [0.11, 0.21, -0.31], linearAcceleration: [0.5, -0.5, 9.8] },
  still: true,
  odometryStillSince: at(-1),
  imuStillSince: at(-2),
  lastStationary: at(-3),
  lastOdometry: at(-4),
  odometryRefusedSince: at(-5),
  lastRegistration: { stamp: at(-6), orientation: [0.5, -0.5, 0.5, 0.5] },
  registrationDispute: { since: at(-7), count: 3, offset: [4, 5, 6] },
  lastGnss: at(-8),
  gnssDispute: { since: at(-9), count: 7, offset: [7, 8, 9] },
  gnssRefusals: 11,
  gnssGood: 12,
  gnssDistrusted: true,
  wheels: {
    scale: 1.01,
    scaleVariance: 0.0004,
    yawBias: -0.005,
    yawVariance: 0.000025,
    leg: {
      since: at(-10),
      latest: at(-11),
      position: [10, 11, 12],
      orientation: [0, 0.6, 0, 0.8],
      variance: 0.09,
      headingVariance: 0.01,
      held: true,
      path: [13, 14, 15],
      length: 16,
      turn: 0.7,
      turnVariance: 0.002,
      otherTurn: 0.8,
      lastOrientation: [0.6, 0, 0, 0.8],
      lastRate: 0.3,
    },
  },
  slippedUntil: at(-12),
  scaling: { registration: { ratio: 1.5, factor: 2.5 }, odometry: { ratio: 0.5, factor: 1.25 } },
};

describe('StateRow', () => {
  test('gives back what was written, whatever had been in it before', () => {
    const row = new StateRow();
    for (const state of [full, plain, full]) {
      row.write(state);
      expect(row.read()).toEqual(state);
      expect(row.read()).toEqual(state);
    }
  });

  test('keeps a state apart from what is written later, but for the covariance', () => {
    const row = new StateRow();
    row.write(full);
    const { covariance: _, ...kept } = row.read();
    row.write(plain);
    const { covariance: __, ...expected } = full;
    expect(kept).toEqual(expected);
  });
});

test('InputRow gives back readings of the IMU and of odometry', () => {
  const row = new InputRow();
  const imu = {
    kind: 'imu',
    stamp: at(1),
    angularVelocity: [1, 2, 3],
    linearAcceleration: [4, 5, 6],
  } as const;
  const odometry = { kind: 'odometry', stamp: at(2), linear: [7, 8, 9], angular: [10, 11, 12] } as const;
  for (const input of [imu, odometry, imu]) {
    row.write(input);
    expect(row.read()).toEqual(input);
  }
});

test('NumberRow says where more was put down than it holds', () => {
  const row = new NumberRow(2);
  row.put3([1, 2, 3]);
  expect(() => row.rewind()).toThrow('expected at most 2 numbers, found 3');
});
