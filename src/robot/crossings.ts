import type { CrossingConfig } from '../crossing/crossing-config.ts';
import {
  type CrossingState,
  newCrossing,
  type OperatorEvent,
  stepCrossing,
} from '../crossing/crossing-guard.ts';
import type { CameraView, ObstacleCheck } from '../crossing/go-rule.ts';
import { phaseAge } from '../crossing/signal-ageing.ts';
import type { CrossingStatus } from '../ports/robot.ts';
import type { SignalFeed } from '../ports.ts';
import type { SignalState } from '../types.ts';
import { type Limit, stopBefore } from './advice.ts';
import type { Place } from './place.ts';
import type { RobotConfig } from './robot-config.ts';
import type { RobotRoute, RouteCrossing } from './robot-route.ts';
import { Signals } from './signals.ts';

export interface CrossingParts {
  readonly feed: SignalFeed | undefined;
  readonly crossing: CrossingConfig;
  readonly robot: RobotConfig;
  /** m */
  readonly queryDistance: number;
  readonly onAnswer: (states: readonly SignalState[]) => void;
  readonly onChange: (crossing: RouteCrossing, state: CrossingState) => void;
  readonly onEvent: (crossing: RouteCrossing, event: OperatorEvent) => void;
}

interface Crossing {
  readonly of: RouteCrossing;
  state: CrossingState;
  /** m, negative past it; as it was last known */
  toStopLine: number;
}

/** The roads that a route crosses: a guard for each that is near. */
export class Crossings {
  readonly #parts: CrossingParts;
  readonly #signals: Signals;
  #all: Crossing[] = [];
  #near: readonly Crossing[] = [];
  #mapVersion: number | undefined;
  #routeVersion: number | undefined;
  readonly #camera = new Map<string, CameraView>();
  #obstacles: ObstacleCheck | undefined;

  constructor(parts: CrossingParts) {
    this.#parts = parts;
    this.#signals = new Signals(parts.feed, parts.crossing.ageing, parts.robot, parts.onAnswer);
  }

  /** A robot that is on a road goes on being guarded there by its old route. */
  follow(route: RobotRoute | undefined): void {
    const onRoad = this.#near.filter(({ state }) => state.phase === 'CLEARING');
    const ahead = (route?.crossings ?? []).filter(({ id }) => !onRoad.some(({ of }) => of.id === id));
    this.#all = [
      ...onRoad,
      ...ahead.map((of) => ({ of, state: newCrossing, toStopLine: Number.POSITIVE_INFINITY })),
    ];
    this.#near = onRoad;
    this.#routeVersion = route?.mapVersion;
  }

  camera(signalId: string, view: CameraView): void {
    this.#camera.set(signalId, view);
  }

  obstacles(check: ObstacleCheck): void {
    this.#obstacles = check;
  }

  take(state: SignalState): boolean {
    return this.#signals.take(state);
  }

  /** `place` undefined: it is not known where the robot is. `blind`: our clock does not run, so nothing has an age. */
  step(place: Place | undefined, mapVersion: number | undefined, nowMs: number, blind: boolean): void {
    this.#mapVersion = mapVersion;
    if (place) this.#near = this.#all.filter((crossing) => this.#isNear(crossing, place));
    this.#signals.watch(this.#near.flatMap(({ of }) => of.signal ?? []));
    this.#signals.ask(nowMs);
    for (const crossing of this.#near) this.#stepOne(crossing, place, nowMs, blind);
  }

  /** What the crossings have to say about how fast the robot may go. */
  limits(): Limit[] {
    return this.#near.flatMap(({ of, state, toStopLine }) => {
      if (state.phase !== 'WAITING') return [];
      const reason = `crossing ${of.id}: ${state.text}`;
      const known = state.reason !== 'place-unknown' && state.reason !== 'stop-line-passed';
      return known ? stopBefore(toStopLine, reason, this.#parts.robot) : { speed: 0, reason };
    });
  }

  get onRoad(): boolean {
    return this.#near.some(({ state }) => state.phase === 'CLEARING');
  }

  statuses(nowMs: number): CrossingStatus[] {
    return this.#near.map(({ of, state, toStopLine }) => {
      const answer = this.#signals.answer(of.id);
      const age = answer && phaseAge(answer, nowMs, this.#parts.crossing.ageing);
      return {
        signalId: of.id,
        phase: state.phase,
        ...(state.reason && { reason: state.reason }),
        text: state.text,
        ...(answer && { signal: answer.state }),
        ...(age !== undefined && Number.isFinite(age) && { age }),
        ...(Number.isFinite(toStopLine) && { toStopLine }),
      };
    });
  }

  #isNear(crossing: Crossing, { front }: Place): boolean {
    const { of, state } = crossing;
    crossing.toStopLine = of.stopAt - front;
    if (state.phase === 'CLEARED') return false;
    // A route that begins behind a road has nothing to do with it.
    const length = (of.signal?.crossingLength ?? 0) + this.#parts.crossing.robot.length;
    if (state.phase === 'APPROACHING' && -crossing.toStopLine >= length) return false;
    return state.phase === 'CLEARING' || crossing.toStopLine <= this.#parts.queryDistance;
  }

  #stepOne(crossing: Crossing, place: Place | undefined, nowMs: number, blind: boolean): void {
    const { of, state: before } = crossing;
    const { onChange, onEvent, crossing: config } = this.#parts;
    // To begin to cross, the place must be sure; to leave the road, any is better than none.
    const known = place && (place.sure || before.phase === 'CLEARING');
    const input = {
      signal: of.signal,
      signalMapVersion: this.#routeVersion,
      mapVersion: this.#mapVersion,
      answer: blind ? undefined : this.#signals.answer(of.id),
      camera: this.#camera.get(of.id),
      obstacles: this.#obstacles,
      toStopLine: known ? crossing.toStopLine : undefined,
    };
    const { state, events } = stepCrossing(before, input, nowMs, config);
    crossing.state = state;
    if (state.phase !== before.phase || state.reason !== before.reason) onChange(of, state);
    for (const event of events) onEvent(of, event);
  }
}
