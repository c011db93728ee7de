import type { Vec3 } from '../types.ts';
import type { FilterState } from './filter-state.ts';

/**
 * The turn rate that is held while no gyro speaks: outside the 15 states, a scalar Kalman blend per axis. `measured`
 * in rad/s, base axes, with its variances (infinite for an axis that was not measured).
 */
export function blendRate(state: FilterState, measured: Vec3, variances: Vec3): FilterState {
  const own = state.angularVariance;
  const blend = (axis: 0 | 1 | 2) => {
    const gain = own / (own + variances[axis]);
    return state.angularVelocity[axis] + gain * (measured[axis] - state.angularVelocity[axis]);
  };
  // One variance serves the three axes; the turn of a robot on the ground is about z.
  const angularVariance = (own * variances[2]) / (own + variances[2]);
  return { ...state, angularVelocity: [blend(0), blend(1), blend(2)], angularVariance };
}
