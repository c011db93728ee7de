import type { CrossingConfig } from '../crossing/crossing-config.ts';
import { type CrossingState, newCrossing, stepCrossing } from '../crossing/crossing-guard.ts';
import type { CameraView, ObstacleCheck } from '../crossing/go-rule.ts';
import { type AgedSignal, ageSignal } from '../crossing/signal-ageing.ts';
import type { DriveAdvice } from '../ports/robot.ts';
import type { FrameResult, RouteSignal, SignalState } from '../types.ts';

/** m and m/s */
const CRUISE = 1.45;
const SLOW = 0.5;
const STOP_GAP = 0.3;
const DECELERATION = 0.6;
const DOOR_GAP = 1.2;

/** Places on the route, metres along it. */
export interface RouteMarks {
  readonly stopLine: number;
  readonly door: number;
  readonly end: number;
  readonly front: number;
}

/** May the robot drive: localisation, the crossing's guard and the door, the strictest first. */
export class SimBrain {
  crossing: CrossingState = newCrossing;
  readonly #marks: RouteMarks;
  readonly #signal: RouteSignal;
  readonly #config: CrossingConfig;
  #answer: AgedSignal | undefined;

  constructor(marks: RouteMarks, signal: RouteSignal, config: CrossingConfig) {
    this.#marks = marks;
    this.#signal = signal;
    this.#config = config;
  }

  /** the last word of the signal, with its age */
  get signal(): AgedSignal | undefined {
    return this.#answer;
  }

  hear(state: SignalState): void {
    this.#answer = ageSignal(this.#answer, state, this.#config.ageing);
  }

  /** `along`: of base_link on the route, m; `nowMs`: monotonic. */
  advise(
    frame: FrameResult | undefined,
    along: number,
    seen: { camera: CameraView; obstacles: ObstacleCheck; doorOpen: boolean },
    nowMs: number,
  ): DriveAdvice {
    const { stopLine, door, end, front } = this.#marks;
    const known = frame?.state === 'TRACKING' || frame?.state === 'DEGRADED';
    const toStopLine = known ? stopLine - along - front : undefined;
    this.crossing = stepCrossing(
      this.crossing,
      { signal: this.#signal, signalMapVersion: 1, mapVersion: 1, answer: this.#answer, ...seen, toStopLine },
      nowMs,
      this.#config,
    ).state;
    if (!frame || !known)
      return stop(
        `localisation ${frame?.state ?? 'UNINITIALISED'}${frame?.stateReason ? `: ${frame.stateReason}` : ''}`,
      );
    const limits: [speed: number, reason: string][] = [[CRUISE, 'free']];
    if (frame.state === 'DEGRADED') limits.push([SLOW, `localisation DEGRADED: ${frame.stateReason}`]);
    const { phase, text } = this.crossing;
    if (phase === 'WAITING') limits.push([before(toStopLine! - STOP_GAP), `crossing: ${text}`]);
    const toDoor = door - along - front;
    if (!seen.doorOpen && toDoor > 0) limits.push([before(toDoor - DOOR_GAP), 'the door is not open']);
    if (along > door - 3) limits.push([SLOW, 'door and lobby']);
    limits.push([before(end - along - 0.1), 'arrived']);
    const [speed, reason] = limits.reduce((a, b) => (b[0] < a[0] ? b : a));
    if (speed < 0.03) return stop(reason);
    return { motion: speed < CRUISE ? 'slow' : 'drive', speedLimit: speed, reason };
  }
}

function stop(reason: string): DriveAdvice {
  return { motion: 'stop', speedLimit: 0, reason };
}

/** The speed from which it stops within `metres`. */
function before(metres: number): number {
  return Math.sqrt(2 * DECELERATION * Math.max(0, metres));
}
