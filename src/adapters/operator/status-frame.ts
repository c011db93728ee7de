import type { CrossingStatus, RobotStatus } from '../../ports/robot.ts';
import type { Stamp } from '../../types.ts';
import type { StatusFrame, WireCrossing } from './wire.ts';

export type StatusContent = Omit<StatusFrame, 'epoch' | 'seq'>;

/**
 * What operators see of a status. `atMs`: Unix time of the frame; `sensorNow`: what the sensors' clock shows now, where
 * that is known. Vendors' raw answers stay on the robot.
 */
export function statusContent(
  status: RobotStatus,
  atMs: number,
  sensorNow: Stamp | undefined,
): StatusContent {
  const { frame, advice, fix, route, crossings, buildings, health } = status;
  const { protectionLevel } = frame;
  const { covariance: c, registration } = frame;
  return {
    type: 'status',
    at: atMs,
    stamp: seconds(frame.stamp),
    ...(sensorNow !== undefined && { delayMs: Number(sensorNow - frame.stamp) / 1e6 }),
    state: frame.state,
    ...(frame.stateReason && { stateReason: frame.stateReason }),
    ...(frame.pose && { pose: frame.pose }),
    ...(c && { spread: { xx: c[0]!, xy: c[1]!, yy: c[7]!, yaw: c[35]! } }),
    ...(protectionLevel !== undefined && Number.isFinite(protectionLevel) && { protectionLevel }),
    advice,
    ...(fix && {
      fix: { position: fix.position, sigma: fix.sigma, age: seconds(frame.stamp) - seconds(fix.stamp) },
    }),
    ...(route && {
      route: {
        routeId: route.routeId,
        along: route.along,
        remaining: route.remaining,
        offset: route.offset,
      },
    }),
    crossings: crossings.map(crossingContent),
    buildings,
    health,
    ...(registration && {
      registration: {
        ok: registration.ok,
        inlierRatio: registration.inlierRatio,
        residual: registration.residual,
      },
    }),
  };
}

function crossingContent({ signal, ...rest }: CrossingStatus): WireCrossing {
  if (!signal) return rest;
  const { phase, provider, remaining } = signal;
  return { ...rest, signal: { phase, provider, ...(remaining && { remaining }) } };
}

/** Of a sensor's stamp, to the microsecond. */
export function seconds(stamp: Stamp): number {
  return Number(stamp / 1000n) / 1e6;
}
