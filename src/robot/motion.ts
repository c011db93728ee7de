import { GYRO_BIAS, STATES, VELOCITY } from '../localization/filter-state.ts';
import type { PoseEstimate } from '../localization/pose-filter.ts';
import { poseCovariance } from '../localization/stage-times.ts';
import { multiplyMat3, quatConjugate, quatRotate, rotationMatrix } from '../math/so3.ts';
import type { RobotMotion } from '../ports/robot.ts';
import type { Stamp } from '../types.ts';

type Mat3 = ReturnType<typeof rotationMatrix>;

/** The estimate as others take it: pose about map axes, twist in base axes. */
export function motionOf(stamp: Stamp, estimate: PoseEstimate): RobotMotion {
  const { pose, velocity, angularVelocity, covariance } = estimate;
  const inverse = quatConjugate(pose.orientation);
  const [R, Rt] = [rotationMatrix(pose.orientation), rotationMatrix(inverse)];
  const linear = multiplyMat3(multiplyMat3(Rt, blockOf(covariance, VELOCITY)), R);
  const twistCovariance = new Float64Array(36);
  const angular = blockOf(covariance, GYRO_BIAS);
  for (let k = 0; k < 9; k++) {
    const at = 6 * Math.floor(k / 3) + (k % 3);
    twistCovariance[at] = linear[k]!;
    twistCovariance[21 + at] = angular[k]!;
  }
  return {
    stamp,
    pose,
    covariance: poseCovariance(covariance),
    linear: quatRotate(inverse, velocity),
    angular: angularVelocity,
    twistCovariance,
  };
}

/** The 3 × 3 on the diagonal from a row on. */
function blockOf(covariance: Float64Array, row: number): Mat3 {
  return Array.from({ length: 9 }, (_, k) => {
    const [i, j] = [Math.floor(k / 3), k % 3];
    return covariance[(row + i) * STATES + row + j]!;
  }) as Mat3;
}
