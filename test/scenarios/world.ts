import { crossingConfig } from '../../src/crossing/crossing-config.ts';
import { type CrossingState, newCrossing, stepCrossing } from '../../src/crossing/crossing-guard.ts';
import { type CameraView, mayCross, type Verdict } from '../../src/crossing/go-rule.ts';
import { newSession, stepSession } from '../../src/crossing/session.ts';
import type { Resource, Session, SessionEvent } from '../../src/crossing/session-types.ts';
import { type AgedSignal, ageSignal } from '../../src/crossing/signal-ageing.ts';
import type { RouteSignal, SignalPhase, SignalState } from '../../src/types.ts';
import { Building } from './building.ts';

/** The source's clock is not ours: it reads this when ours reads 0. */
const SOURCE_EPOCH = 1_790_000_000_000;
const STEP_MS = 100;

/** What a vendor says at each second, from one event on. */
export interface Word {
  readonly phase: SignalPhase;
  /** when the phase ends by the vendor's word, ms; absent: it does not say */
  readonly endsAtMs: number | undefined;
}

/** A robot, a light, doors and lifts on one clock that goes in steps of 0.1 s. */
export class World {
  config = crossingConfig.parse({});
  nowMs = 0;
  signal: RouteSignal = {
    signalId: 'gangnam-12',
    provider: 'mqtt-spat',
    externalId: '2691',
    head: 'nt',
    verifiedAt: '2026-05-02T09:00:00Z',
    crossingLength: 12,
  };
  mapVersion = 7;
  word: Word | undefined;
  /** the time that the vendor's clock is stopped at */
  frozenAtMs: number | undefined;
  camera: 'sees' | 'occluded' | 'none' | SignalPhase = 'sees';
  hiddenBy = 'something';
  obstacle: string | undefined;
  /** m/s while the guard lets it go */
  speed = 1.2;
  toStopLine = 2;
  crossing: CrossingState = newCrossing;
  /** of the crossing, each as it began */
  readonly phases: string[] = [];
  readonly told: string[] = [];
  readonly buildings = new Map<string, Building>();
  readonly robots = new Map<string, Session>();
  #answer: AgedSignal | undefined;

  /** Lets time pass until `seconds`. */
  until(seconds: number): void {
    while (this.nowMs + STEP_MS <= Math.round(1000 * seconds)) {
      this.nowMs += STEP_MS;
      this.#step();
    }
  }

  get verdict(): Verdict {
    return mayCross(this.#input(), this.nowMs, this.config);
  }

  #step(): void {
    if (this.nowMs % 1000 === 0) this.#hear();
    const { state, events } = stepCrossing(
      this.crossing,
      { ...this.#input(), toStopLine: this.toStopLine },
      this.nowMs,
      this.config,
    );
    this.crossing = state;
    if (state.phase !== this.phases.at(-1)) this.phases.push(state.phase);
    this.told.push(...events.map(({ kind }) => kind));
    const moves = state.phase === 'CLEARING' || state.phase === 'GO' || state.phase === 'APPROACHING';
    if (moves) this.toStopLine -= (this.speed * STEP_MS) / 1000;
    if (this.nowMs % 1000 === 0) this.#building();
  }

  /** The vendor speaks, once a second. */
  #hear(): void {
    if (!this.word) return;
    const { phase, endsAtMs } = this.word;
    const sourceTime = SOURCE_EPOCH + (this.frozenAtMs ?? this.nowMs);
    const state: SignalState = {
      signalId: this.signal.signalId,
      phase,
      ...(endsAtMs !== undefined && { remaining: { min: Math.max(0, endsAtMs - this.nowMs) / 1000 } }),
      sourceTime,
      timingSourceTime: sourceTime,
      receivedAtMs: this.nowMs,
      provider: this.signal.provider,
      raw: null,
    };
    this.#answer = ageSignal(this.#answer, state, this.config.ageing);
  }

  #input() {
    return {
      signal: this.signal,
      signalMapVersion: 7,
      mapVersion: this.mapVersion,
      answer: this.#answer,
      camera: this.#view(),
      obstacles: {
        veto: this.obstacle !== undefined,
        ...(this.obstacle !== undefined && { what: this.obstacle }),
        checkedAtMs: this.nowMs,
      },
    };
  }

  #view(): CameraView {
    const seenAtMs = this.nowMs;
    if (this.camera === 'none') return { kind: 'none' };
    if (this.camera === 'occluded') return { kind: 'occluded', by: this.hiddenBy, seenAtMs };
    // Unless a scenario says otherwise it sees what the vendor says.
    const phase = this.camera === 'sees' ? (this.word?.phase ?? 'unknown') : this.camera;
    return { kind: 'sees', phase, seenAtMs };
  }

  ask(robot: string, resource: Resource, travel: number): void {
    if (!this.buildings.has(resource.id)) this.buildings.set(resource.id, new Building(resource.id, travel));
    this.robots.set(robot, newSession(resource, `${robot}/1`));
    this.give(robot, { kind: 'begin' });
  }

  give(robot: string, event: SessionEvent): void {
    const session = this.robots.get(robot)!;
    const { state, actions } = stepSession(session, event, this.nowMs, this.config.session);
    this.robots.set(robot, state);
    for (const action of actions) {
      if (action.kind === 'tell-operator') this.told.push(action.reason);
      else this.#deliver(this.buildings.get(session.resource.id)!.hear(action.request, this.nowMs));
    }
  }

  #deliver(answers: ReturnType<Building['hear']>): void {
    for (const answer of answers) {
      const robot = answer.sessionId.split('/')[0]!;
      if (this.robots.has(robot)) this.give(robot, { kind: 'answer', answer });
    }
  }

  /** Doors and lifts publish what they are, once a second. */
  #building(): void {
    for (const building of this.buildings.values()) this.#deliver(building.hear(undefined, this.nowMs));
    for (const [robot, { resource }] of this.robots) {
      const building = this.buildings.get(resource.id)!;
      if (building.silent) this.give(robot, { kind: 'tick' });
      else if (resource.kind === 'lift') this.give(robot, { kind: 'lift', state: building.lift(this.nowMs) });
      else this.give(robot, { kind: 'door', state: building.door(this.nowMs) });
    }
  }
}
