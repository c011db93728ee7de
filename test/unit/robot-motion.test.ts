import { expect, it } from 'vitest';
import { quatFromRpy } from '../../src/math/so3.ts';
import { motionOf } from '../../src/robot/motion.ts';
import { at, startedFilter } from './fusion-simulation.ts';

it('gives the pose about map axes, and the twist with its covariance in base axes', () => {
  const estimate = startedFilter().stateAt(at(0))!;
  const covariance = new Float64Array(225);
  // Velocity: 1 along map x, 4 along map y, 9 up. Gyro bias: 0.01 about z. Position 2, yaw 3.
  [
    [0, 2],
    [3, 1],
    [4, 4],
    [5, 9],
    [8, 3],
    [11, 0.01],
  ].forEach(([row, variance]) => {
    covariance[16 * row!] = variance!;
  });
  // Looking north, driving north.
  const pose = { position: [1, 2, 3], orientation: quatFromRpy(0, 0, Math.PI / 2) } as const;
  const motion = motionOf(at(0), { ...estimate, pose, velocity: [0, 1.5, 0], covariance });
  [1.5, 0, 0].forEach((v, a) => {
    expect(motion.linear[a]).toBeCloseTo(v, 12);
  });
  const diagonal = (matrix: Float64Array) => [0, 7, 14, 21, 28, 35].map((k) => matrix[k]!);
  expect(diagonal(motion.covariance)).toEqual([2, 0, 0, 0, 0, 3]);
  [4, 1, 9, 0, 0, 0.01].forEach((variance, a) => {
    expect(diagonal(motion.twistCovariance)[a]).toBeCloseTo(variance, 12);
  });
});
