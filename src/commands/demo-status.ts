import { seenAge } from '../crossing/signal-ageing.ts';
import type {
  BuildingStatus,
  CrossingStatus,
  HealthRow,
  RobotEvent,
  RobotStatus,
  RouteStatus,
} from '../ports/robot.ts';
import { progressAlong } from '../route/progress.ts';
import type { FrameResult } from '../types.ts';
import type { SimRoute } from './sim-route.ts';
import type { SimNow } from './sim-run.ts';

/** A crossing or door is shown from this far before it, and until this far past it, m. */
const NEAR = { before: 40, past: 20 } as const;
/** A door is asked to open from here, m. */
const DOOR_CALL_M = 12;
const ID = 'dilly-demo';

/** What somebody who watches the simulated robot is told. */
export function demoStatus(
  frame: FrameResult,
  now: SimNow,
  route: Pick<SimRoute, 'line' | 'signal'>,
  ids: { readonly door: string },
  health: readonly HealthRow[],
): RobotStatus {
  return {
    frame,
    advice: now.advice ?? { motion: 'stop', speedLimit: 0, reason: 'starts' },
    route: routeStatus(frame, now, route.line),
    crossings: crossings(now, route.signal.id),
    buildings: buildings(now, ids.door),
    tiles: now.tiles,
    health,
  };
}

/** What has changed between two statuses that somebody should know. */
export function demoEvents(before: RobotStatus | undefined, after: RobotStatus): RobotEvent[] {
  const { stamp, state, stateReason } = after.frame;
  const found: Omit<RobotEvent, 'stamp'>[] = [];
  if (before?.frame.state !== state) {
    const severity = state === 'LOST' ? 'alarm' : state === 'DEGRADED' ? 'warning' : 'info';
    found.push({ kind: 'localisation', severity, text: `${state}${stateReason ? `: ${stateReason}` : ''}` });
  }
  for (const { signalId, phase, text } of after.crossings)
    if (before?.crossings.find((one) => one.signalId === signalId)?.phase !== phase)
      found.push({ kind: 'crossing', severity: 'info', text: `${signalId}: ${phase}, ${text}` });
  for (const { id, phase, text } of after.buildings)
    if (before?.buildings.find((one) => one.id === id)?.phase !== phase)
      found.push({ kind: 'door', severity: 'info', text: `${id}: ${phase}, ${text}` });
  if (before && before.advice.motion !== after.advice.motion)
    found.push({
      kind: 'advice',
      severity: 'info',
      text: `${after.advice.motion}: ${after.advice.reason}`,
    });
  return found.map((event) => ({ stamp, ...event }));
}

function routeStatus({ pose }: FrameResult, { along, marks }: SimNow, line: SimRoute['line']): RouteStatus {
  return {
    routeId: ID,
    line,
    along,
    remaining: Math.max(0, marks.end - along),
    offset: pose ? progressAlong(line, [pose.position[0], pose.position[1]], along).offset : 0,
  };
}

function crossings({ along, marks, crossing, signal, nowMs }: SimNow, signalId: string): CrossingStatus[] {
  const toStopLine = marks.stopLine - along - marks.front;
  if (!isNear(toStopLine)) return [];
  const { phase, reason, text } = crossing;
  return [
    {
      signalId,
      phase,
      text,
      toStopLine,
      ...(reason !== undefined && { reason }),
      ...(signal && { signal: signal.state, age: Math.max(0, seenAge(signal, nowMs)) }),
    },
  ];
}

function buildings({ along, marks, doorOpen }: SimNow, id: string): BuildingStatus[] {
  const toDoor = marks.door - along - marks.front;
  if (!isNear(toDoor)) return [];
  const [phase, text] =
    toDoor < 0
      ? ['CLEARED', 'through the door']
      : doorOpen
        ? ['OPEN_CONFIRMED', 'stands open for us']
        : marks.door - along < DOOR_CALL_M
          ? ['REQUESTED', 'asked to open']
          : ['IDLE', 'not there yet'];
  return [{ id, kind: 'door', phase: phase!, text: text! }];
}

function isNear(metres: number): boolean {
  return metres < NEAR.before && metres > -NEAR.past;
}
