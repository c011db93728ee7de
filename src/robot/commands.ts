import type { Prior } from '../localization/initialization.ts';
import { quatFromRpy } from '../math/so3.ts';
import type { CommandAnswer, RobotCommand, RobotEvent } from '../ports/robot.ts';
import { type FrameResult, refusalReason } from '../types.ts';
import { Deadlines } from './deadlines.ts';
import type { Destination, RobotParts } from './parts.ts';
import type { RobotRoute } from './robot-route.ts';

/** What commands do to the robot. */
export interface Commanded {
  readonly parts: Pick<RobotParts, 'routes' | 'store' | 'map' | 'clock' | 'config'>;
  /** the last result, where it is to be believed */
  place(): FrameResult | undefined;
  hold(stopped: boolean): void;
  relocalise(prior: Prior): void;
  follow(route: RobotRoute): void;
  tell(kind: string, severity: RobotEvent['severity'], text: string, data?: RobotEvent['data']): void;
}

/** A prior without a radius: as exact as somebody points at a map, m; and a heading that was given, rad. */
const POINTED_M = 2;
const POINTED_RAD = 0.2;

/** Carries out what operators, ROS 2 and programs ask for. The newest `go-to` wins. */
export class Commands {
  readonly #robot: Commanded;
  readonly #deadlines = new Deadlines();
  #newestTrip = 0;
  #destination: Destination | undefined;

  constructor(robot: Commanded) {
    this.#robot = robot;
  }

  /** Never rejects. */
  async run(command: RobotCommand): Promise<CommandAnswer> {
    try {
      return await this.#run(command);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return no(refusalReason(error) ?? 'failed', text);
    }
  }

  /** Looks for the way to where it goes again: the map has changed. Never rejects. */
  async again(): Promise<CommandAnswer | undefined> {
    return this.#destination && this.run({ kind: 'go-to', ...this.#destination });
  }

  /** Gives up what took too long. */
  pass(nowMs: number): void {
    this.#deadlines.pass(nowMs);
  }

  async #run(command: RobotCommand): Promise<CommandAnswer> {
    const robot = this.#robot;
    switch (command.kind) {
      case 'stop':
        robot.hold(true);
        return yes('the robot stands until it may resume');
      case 'resume':
        robot.hold(false);
        return yes('the robot goes on');
      case 'mark-intervention':
        robot.tell('intervention', 'warning', command.note, { note: command.note });
        return yes('marked');
      case 'relocalise':
        return this.#relocalise(command);
      case 'go-to':
        return this.#goTo(command);
      case 'save-state':
        return this.#save();
    }
  }

  #relocalise({ x, y, yaw, radius }: Extract<RobotCommand, { kind: 'relocalise' }>): CommandAnswer {
    const { parts, place, relocalise, tell } = this.#robot;
    if (!parts.map) return no('no-map', 'without a map there is nothing to find a place on');
    if (![x, y, yaw ?? 0, radius ?? 1].every(Number.isFinite) || (radius ?? 1) <= 0)
      return no('bad-place', `expected numbers and a radius above 0, found ${x}, ${y}, ${yaw}, ${radius}`);
    const z = place()?.pose?.position[2] ?? 0;
    relocalise({
      T_map_base: { position: [x, y, z], orientation: quatFromRpy(0, 0, yaw ?? 0) },
      sigmaPosition: (radius ?? POINTED_M) / 2,
      sigmaYaw: yaw === undefined ? Math.PI : POINTED_RAD,
    });
    tell('relocalise', 'info', `looking for the pose around ${x.toFixed(1)}, ${y.toFixed(1)}`);
    return yes('looking for the pose there');
  }

  async #goTo(command: Extract<RobotCommand, { kind: 'go-to' }>): Promise<CommandAnswer> {
    const { parts, place, follow } = this.#robot;
    if (!parts.routes) return no('no-routes', 'this robot has neither a route graph nor a route service');
    const from = place()?.pose?.position;
    if (!from) return no('place-unknown', 'the robot does not know where it is; relocalise it first');
    const trip = ++this.#newestTrip;
    const to = 'poi' in command ? { poi: command.poi } : { lon: command.lon, lat: command.lat };
    const route = await this.#inTime(parts.routes.find([from[0], from[1]], to), 'finding a way');
    if (trip !== this.#newestTrip) return no('superseded', 'a newer destination was given');
    this.#destination = to;
    follow(route);
    return yes(`route ${route.routeId}`);
  }

  async #save(): Promise<CommandAnswer> {
    const { parts, place } = this.#robot;
    if (!parts.store) return no('no-store', 'this robot keeps no state');
    const frame = place();
    if (!frame?.pose)
      return no('place-unknown', 'the robot does not know where it is: there is nothing to keep');
    const index = parts.map?.index;
    const state = {
      stamp: frame.stamp,
      mapId: index?.mapId,
      mapVersion: index?.version,
      T_map_base: frame.pose,
      covariance: frame.covariance,
    };
    await this.#inTime(parts.store.save(state), 'saving the state');
    return yes('saved');
  }

  #inTime<T>(work: Promise<T>, what: string): Promise<T> {
    const { clock, config } = this.#robot.parts;
    return this.#deadlines.within(work, clock.nowMs() + 1000 * config.robot.commandDeadline, what);
  }
}

function yes(text: string): CommandAnswer {
  return { ok: true, text };
}

function no(reason: string, text: string): CommandAnswer {
  return { ok: false, reason, text };
}
