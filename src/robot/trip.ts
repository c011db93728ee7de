import type { DriveAdvice, RobotEvent, RobotStatus } from '../ports/robot.ts';
import type { BuildingLink, SignalFeed } from '../ports.ts';
import type { LocalizationState, SignalState } from '../types.ts';
import type { Limit } from './advice.ts';
import { Buildings } from './buildings.ts';
import { Crossings } from './crossings.ts';
import { Follower } from './follower.ts';
import type { RobotParts } from './parts.ts';
import type { RobotRoute } from './robot-route.ts';

export interface TripParts {
  readonly parts: RobotParts;
  readonly feed: SignalFeed | undefined;
  readonly link: BuildingLink | undefined;
  readonly tell: (
    kind: string,
    severity: RobotEvent['severity'],
    text: string,
    data?: RobotEvent['data'],
  ) => void;
  /** states that the feed was asked for */
  readonly onSignals: (states: readonly SignalState[]) => void;
}

/** What the guard and the sessions tell an operator that must be seen at once. */
const ALARMS = new Set(['on-road-without-go', 'clearing-late', 'fire', 'emergency', 'passing-too-long']);

/** The route and all that lies on it: roads, doors, lifts, walls. */
export class Trip {
  readonly follower: Follower;
  readonly crossings: Crossings;
  readonly buildings: Buildings;
  readonly #with: TripParts;
  #sessions = 0;
  /** of this step */
  #timeMs = 0;
  #told = { arrived: false, offRoute: false, stuckOnRoad: false };

  constructor(given: TripParts) {
    this.#with = given;
    const { parts, feed, link, tell, onSignals } = given;
    const { config } = parts;
    this.follower = new Follower(config.robot, config.crossing.robot.length);
    this.crossings = new Crossings({
      feed,
      crossing: config.crossing,
      robot: config.robot,
      queryDistance: config.its.queryDistance,
      onAnswer: onSignals,
      onChange: ({ id }, { phase, reason, text }) =>
        tell('crossing', 'info', `${id}: ${phase}: ${text}`, {
          signalId: id,
          phase,
          ...(reason && { reason }),
        }),
      onEvent: ({ id }, { kind, text }) =>
        tell(kind, ALARMS.has(kind) ? 'alarm' : 'warning', `${id}: ${text}`, { signalId: id }),
    });
    // Unlike a counter alone it differs from all ids of former runs.
    const run = parts.clock.stamp().toString(36);
    this.buildings = new Buildings({
      link,
      session: config.crossing.session,
      robot: config.robot,
      newId: () => `${config.robot.id}/${run}/${++this.#sessions}`,
      onChange: ({ resource: { kind, id }, phase, reason, text }) =>
        tell('building', 'info', `${kind} ${id}: ${phase}: ${text}`, {
          id,
          kind,
          phase,
          ...(reason && { reason }),
        }),
      onTell: ({ resource: { id } }, reason, text) =>
        tell(reason, ALARMS.has(reason) ? 'alarm' : 'warning', text, { id }),
    });
  }

  follow(route: RobotRoute | undefined, nowMs: number): void {
    this.follower.follow(route);
    this.crossings.follow(route);
    this.buildings.follow(route, nowMs);
    this.#told = { ...this.#told, arrived: false, offRoute: false };
  }

  /** `state` undefined: where the robot is cannot be believed. `blind`: our clock stands. */
  step(state: LocalizationState | undefined, nowMs: number, blind: boolean): void {
    const { parts, tell } = this.#with;
    this.#timeMs = Number(parts.clock.stamp() / 1_000_000n);
    const place = state === undefined ? undefined : this.follower.place(state === 'TRACKING');
    this.crossings.step(place, parts.map?.index.version, nowMs, blind);
    this.buildings.step(place, nowMs);
    const { arrived, offRoute } = this.follower;
    if (arrived && !this.#told.arrived)
      tell('arrived', 'info', `at the end of route ${this.follower.route?.routeId}`);
    if (offRoute && !this.#told.offRoute) tell('off-route', 'warning', 'the robot has left its route');
    this.#told = { ...this.#told, arrived, offRoute };
  }

  limits(): Limit[] {
    return [...this.crossings.limits(), ...this.buildings.limits(), ...this.follower.limits(this.#timeMs)];
  }

  /** On a road the signal never stops the robot, but a lost pose or an operator does: somebody must see to it. */
  alarmOnRoad({ motion, reason }: DriveAdvice): void {
    const stuckOnRoad = this.crossings.onRoad && motion === 'stop';
    if (stuckOnRoad && !this.#told.stuckOnRoad)
      this.#with.tell('stopped-on-road', 'alarm', `stands on a road: ${reason}`);
    this.#told = { ...this.#told, stuckOnRoad };
  }

  status(nowMs: number): Pick<RobotStatus, 'route' | 'crossings' | 'buildings'> {
    const route = this.follower.status();
    return {
      ...(route && { route }),
      crossings: this.crossings.statuses(nowMs),
      buildings: this.buildings.statuses(),
    };
  }
}
