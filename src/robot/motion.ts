import { ATTITUDE, GYRO_BIAS, POSITION, STATES, VELOCITY } from '../localization/filter-state.ts';
import type { PoseEstimate } from '../localization/pose-filter.ts';
import { multiplyMat3, quatConjugate, quatRotate, rotationMatrix } from '../math/so3.ts';
import type { RobotMotion } from '../ports/robot.ts';
import type { Stamp } from '../types.ts';

type Mat3 = ReturnType<typeof rotationMatrix>;

/** The estimate as others take it: pose about map axes, twist in base axes. */
export function motionOf(stamp: Stamp, estimate: PoseEstimate): RobotMotion {
  const { pose, velocity, angularVelocity, covariance } = estimate;
  const inverse = quatConjugate(pose.orientation);
  const [R, Rt] = [rotationMatrix(pose.orientation), rotationMatrix(inverse)];
  const block = (row: number, column: number) => blockOf(covariance, row, column);
  const linear = multiplyMat3(multiplyMat3(Rt, block(VELOCITY, VELOCITY)), R);
  return {
    stamp,
    pose,
    covariance: sixBySix([
      [block(POSITION, POSITION), block(POSITION, ATTITUDE)],
      [block(ATTITUDE, POSITION), block(ATTITUDE, ATTITUDE)],
    ]),
    linear: quatRotate(inverse, velocity),
    angular: angularVelocity,
    twistCovariance: sixBySix([
      [linear, undefined],
      [undefined, block(GYRO_BIAS, GYRO_BIAS)],
    ]),
  };
}

function blockOf(covariance: Float64Array, row: number, column: number): Mat3 {
  return Array.from({ length: 9 }, (_, k) => {
    const [i, j] = [Math.floor(k / 3), k % 3];
    return covariance[(row + i) * STATES + column + j]!;
  }) as Mat3;
}

function sixBySix(blocks: readonly (readonly (Mat3 | undefined)[])[]): Float64Array {
  return Float64Array.from({ length: 36 }, (_, k) => {
    const [i, j] = [Math.floor(k / 6), k % 6];
    return blocks[Math.floor(i / 3)]![Math.floor(j / 3)]?.[3 * (i % 3) + (j % 3)] ?? 0;
  });
}
