import type { RobotStatus } from '../../ports/robot.ts';
import type { Stamp } from '../../types.ts';
import { header } from './header.ts';

/** diagnostic_msgs/DiagnosticStatus */
export type Level = 0 | 1 | 2 | 3;
export const OK: Level = 0;
export const WARN: Level = 1;
export const ERROR: Level = 2;
export const STALE: Level = 3;

export interface DiagnosticRow {
  readonly name: string;
  readonly level: Level;
  /** what is the matter, and what to do */
  readonly message: string;
  readonly values?: Readonly<Record<string, string | number>>;
}

const STATES: Readonly<Record<string, Level>> = {
  TRACKING: OK,
  DEGRADED: WARN,
  INITIALISING: WARN,
  UNINITIALISED: WARN,
  LOST: ERROR,
};
const HEALTH: Readonly<Record<string, Level>> = { ok: OK, degraded: WARN, down: ERROR };

/** An older result says nothing of now, ms. */
const MAX_SILENCE_MS = 1000;

/** What the robot says of itself. `silentMs`: since its last new result. */
export function robotRows(status: RobotStatus | undefined, silentMs: number): DiagnosticRow[] {
  if (!status) return [{ name: 'localization', level: STALE, message: 'no result yet' }];
  const { frame, advice, health } = status;
  const milliseconds = Object.entries(frame.stages).map(([name, ms]) => [`${name} ms`, ms.toFixed(1)]);
  const { registration } = frame;
  const state = frame.stateReason ? `${frame.state}: ${frame.stateReason}` : frame.state;
  return [
    {
      name: 'localization',
      level: silentMs > MAX_SILENCE_MS ? ERROR : (STATES[frame.state] ?? ERROR),
      message:
        silentMs > MAX_SILENCE_MS
          ? `no result for ${(silentMs / 1000).toFixed(1)} s, the last was ${frame.state}`
          : state,
      values: {
        frame: frame.frame,
        ...(registration && {
          inliers: registration.inliers,
          'residual m': registration.residual.toFixed(3),
        }),
        ...Object.fromEntries(milliseconds),
      },
    },
    { name: 'advice', level: OK, message: `${advice.motion}: ${advice.reason}` },
    ...health.map(({ name, state, text }) => ({ name, level: HEALTH[state] ?? ERROR, message: text })),
  ];
}

/** diagnostic_msgs/DiagnosticArray, each row under `dilly_nav: `. */
export function diagnosticArray(stamp: Stamp, rows: readonly DiagnosticRow[]) {
  return {
    header: header(stamp, ''),
    status: rows.map(({ name, level, message, values }) => ({
      level,
      name: `dilly_nav: ${name}`,
      message,
      hardware_id: 'dilly-nav',
      values: Object.entries(values ?? {}).map(([key, value]) => ({ key, value: String(value) })),
    })),
  };
}
