import type { RobotStatus } from '../../ports/robot.ts';
import type { Configured } from './configured.ts';
import { type DiagnosticRow, ERROR, OK, robotRows, STALE, WARN } from './diagnostics.ts';

/** What the diagnostics of the node are made of. */
export interface NodeFacts {
  readonly active: boolean;
  readonly configured: Configured | undefined;
  /** why the last configuration failed */
  readonly fault: string | undefined;
  readonly retrySeconds: number;
  readonly status: RobotStatus | undefined;
  /** since the last new result */
  readonly silentMs: number;
  readonly sensors: readonly DiagnosticRow[];
  /** what is missing on /tf_static */
  readonly missing: readonly string[];
  readonly jump: string | undefined;
  readonly tfProblem: string | undefined;
  readonly late: number;
  readonly overflow: number;
}

export function nodeRows(facts: NodeFacts): DiagnosticRow[] {
  const { active, missing, jump, tfProblem, late, overflow } = facts;
  return [
    mapRow(facts),
    ...(active && facts.configured?.robot ? robotRows(facts.status, facts.silentMs) : []),
    ...(active ? facts.sensors : []),
    { name: 'mounts', level: missing.length > 0 ? ERROR : OK, message: missing.join('; ') || 'ok' },
    { name: 'clock', level: jump ? ERROR : OK, message: jump ?? 'ok' },
    { name: 'tf', level: tfProblem ? ERROR : OK, message: tfProblem ?? 'ok' },
    {
      name: 'load',
      level: overflow > 0 ? WARN : OK,
      message: 'ok',
      values: { 'clouds replaced by newer ones': late, 'messages dropped': overflow },
    },
  ];
}

function mapRow({ configured, fault, retrySeconds }: NodeFacts): DiagnosticRow {
  const name = 'map';
  if (fault) return { name, level: ERROR, message: fault };
  if (!configured) return { name, level: STALE, message: 'not configured' };
  const { robot, cause, failed, retry } = configured;
  if (robot) return { name, level: OK, message: 'open' };
  const again = retry ? `; tried again every ${retrySeconds} s` : '';
  return { name, level: failed || retry ? ERROR : WARN, message: `${cause}${again}` };
}
