import type { Logger } from 'pino';
import { CITY_START, CityDrive, STEP_MS } from '../adapters/sim/city/city-drive.ts';
import type { CityOptions } from '../adapters/sim/city/city-options.ts';
import { PathFollower } from '../adapters/sim/city/follower.ts';
import { DESTINATION } from '../adapters/sim/city/graph.ts';
import type { Config } from '../config.ts';
import type { Core } from '../core.ts';
import type { Prior } from '../localization/initialization.ts';
import type { CommandAnswer, DriveAdvice, RobotCommand, RobotStatus } from '../ports/robot.ts';
import type { PoseSink } from '../ports.ts';
import type { Robot } from '../robot.ts';
import type { FrameResult, SensorMessage, SignalPhase } from '../types.ts';
import type { OpenMap } from './open-map.ts';
import { openRobot } from './open-robot.ts';
import type { ItsParts } from './open-signals.ts';
import { SimJudge } from './sim-judge.ts';
import { QuietCity } from './sim-light.ts';
import type { SimRoute } from './sim-route.ts';
import { startFrom } from './start.ts';

export interface SimParts {
  readonly core: Core;
  readonly config: Config;
  readonly log: Logger;
  readonly map: OpenMap;
  readonly route: SimRoute;
  readonly seed: number;
  /** added to `replay.start.seed`: how far off the first prior is */
  readonly startSeed?: number;
  /** simulated, s */
  readonly maxSeconds: number;
  readonly city?: Partial<Omit<CityOptions, 'core' | 'seed' | 'light'>>;
  /** default: simulated, by seed */
  readonly outside?: Outside;
  readonly sink?: PoseSink;
  readonly onMessage?: (message: SensorMessage) => Promise<void>;
  /** what the robot can do */
  readonly profile: string;
  /** the robot is there, before the first step: somebody may watch it and command it */
  readonly onOpened?: (robot: Robot) => void;
  /** where the robot is sent, one after the other; default: once to the lobby */
  readonly pois?: readonly string[];
  /** before each step; throws to end the drive */
  readonly onStep?: (drive: CityDrive, now: SimNow, runtime: SimRuntime) => void | Promise<void>;
}

/** What a test may do to the program that is tested. */
export interface SimRuntime {
  /** It is ended and begins anew, knowing only where it was last. */
  restart(): Promise<void>;
  command(command: RobotCommand): Promise<CommandAnswer>;
}

/** Signals and doors: simulated in step with the drive, or vendors on the network in real time. */
export interface Outside {
  /** what the light truly shows */
  light(seconds: number): SignalPhase;
  /** ms on the clock of `receivedAtMs` */
  nowMs(seconds: number): number;
  /** it is so late now: what is due is said to the robot */
  step(seconds: number): void;
  /** whether the door truly stands open */
  isDoorOpen(): boolean;
  /** by which the robot hears of it all */
  readonly its: ItsParts;
}

export interface SimNow {
  readonly seconds: number;
  /** the robot's last; undefined before its first result */
  readonly status: RobotStatus | undefined;
  readonly advice: DriveAdvice;
}

const ARRIVED_M = 0.6;
/** Steps between two decisions; the robot's camera and door messages come at this rate too. */
const DECIDE = 5;
/** How well a runtime that starts again believes the place that it kept: it may have been pushed, m and rad. */
const RESTART = { sigmaPosition: 1, sigmaYaw: 0.2 } as const;

/** One simulated delivery, from the hub to the lobby, driven by the robot's own advice from the pose that it believes. */
export async function runDelivery(parts: SimParts) {
  const { core, config, log, map, route, seed } = parts;
  const outside = parts.outside ?? new QuietCity(seed, route.signal.id, route.signal.provider);
  const light = (seconds: number): SignalPhase => outside.light(seconds);
  const drive = new CityDrive({ core, seed, ...parts.city, light });
  const judge = new SimJudge(route.walls);
  const states: Record<string, number> = {};
  const tiles = { held: new Set<string>(), loaded: 0, dropped: 0 };
  const start = { ...config.replay.start, seed: config.replay.start.seed + (parts.startSeed ?? 0) };
  const open = (prior: Prior | undefined) =>
    openRobot(
      {
        core,
        map,
        prior,
        outputOn: 'points',
        profile: parts.profile,
        clock: { nowMs: () => outside.nowMs(drive.seconds), stamp: () => drive.stamp },
        wait: true,
        its: outside.its,
        sink: {
          frame: (result) => {
            judge.frame(result, drive.seconds);
            states[result.state] = (states[result.state] ?? 0) + 1 / drive.lidar.rate;
            count(tiles, opened.supply!.tiles.tileIds);
            parts.sink?.frame(result);
          },
          update: (record) => parts.sink?.update(record),
          refused: (reason, detail) => parts.sink?.refused(reason, detail),
        },
      },
      { config, log },
    );
  let opened = await open(
    startFrom(
      start,
      { poses: [{ stamp: CITY_START, pose: drive.body.pose }], origin: map.index.origin },
      { name: 'city', start: CITY_START, end: CITY_START, channels: {} },
    ),
  );
  const seen: { status: RobotStatus | undefined } = { status: undefined };
  const watch = () => {
    opened.robot.watch({
      status: (status) => {
        seen.status = status;
      },
      scan: () => {},
      event: () => {},
    });
    parts.onOpened?.(opened.robot);
  };
  watch();
  const mounts: SensorMessage[] = [];
  const restart = async () => {
    const T_map_base = seen.status?.frame.pose;
    await opened.close();
    opened = await open(T_map_base && { T_map_base, ...RESTART });
    seen.status = undefined;
    watch();
    for (const mount of mounts) await opened.robot.handle(mount);
  };
  const handle = async (messages: readonly SensorMessage[]) => {
    for (const message of messages) {
      if (message.kind === 'mount') mounts.push(message);
      if (message.kind === 'pose') judge.truth(message.value.stamp, message.value.pose);
      await parts.onMessage?.(message);
      await opened.robot.handle(message);
    }
  };
  const waits = new Map<string, number>();
  let follower: { readonly path: PathFollower; readonly routeId: string } | undefined;
  let travelled = 0;
  const wall = performance.now();
  const steps = Math.round((parts.maxSeconds * 1000) / STEP_MS);
  const goals = [...(parts.pois ?? [DESTINATION])];
  let sent: string | undefined;
  try {
    await handle(drive.begin());
    for (let step = 0; step < steps && goals.length > 0; step++) {
      const nowMs = outside.nowMs(drive.seconds);
      const now = { seconds: drive.seconds, status: seen.status, advice: opened.robot.advice };
      await parts.onStep?.(drive, now, { restart, command: (one) => opened.robot.command(one) });
      const { robot } = opened;
      if (step % DECIDE === 0) {
        outside.step(drive.seconds);
        drive.doorOpen = outside.isDoorOpen();
        const sight = await drive.camera();
        robot.camera(route.signal.id, sight.kind === 'none' ? sight : { ...sight, seenAtMs: nowMs });
        robot.obstacles({ veto: drive.traffic.isOnCrossing(), what: 'a vehicle', checkedAtMs: nowMs });
        robot.tick();
        // Without a place there is no way to anywhere: asked again until it is known.
        if (!robot.route || sent !== goals[0]) {
          const told = await robot.command({ kind: 'go-to', poi: goals[0]! });
          if (told.ok) sent = goals[0];
        }
        const { motion, reason } = robot.advice;
        if (motion === 'stop') {
          const kind = reason.replace(/[\d.]+/g, 'N');
          waits.set(kind, (waits.get(kind) ?? 0) + (DECIDE * STEP_MS) / 1000);
        }
        judge.place(drive.body.pose, light(drive.seconds));
      }
      if (robot.route && robot.route.routeId !== follower?.routeId)
        follower = { path: onRoute(robot.route.line), routeId: robot.route.routeId };
      const believed: FrameResult | undefined = seen.status?.frame;
      const command = follower?.path.command(believed?.pose, robot.advice.speedLimit);
      await handle(await drive.step(command ?? { speed: 0, turn: 0 }));
      travelled += Math.abs(drive.body.speed) * (STEP_MS / 1000);
      const [gx, gy] = robot.route?.line.at(-1) ?? [Number.NaN, Number.NaN];
      const there = Math.hypot(drive.body.x - gx, drive.body.y - gy) < ARRIVED_M && drive.body.speed < 0.3;
      if (there && sent === goals[0]) goals.shift();
    }
  } finally {
    await opened.close();
  }
  const wallSeconds = (performance.now() - wall) / 1000;
  return {
    seed,
    delivered: goals.length === 0,
    seconds: drive.seconds,
    distance: travelled,
    realTimeFactor: drive.seconds / wallSeconds,
    ...judge.figures(),
    states,
    tilesLoaded: tiles.loaded,
    tilesDropped: tiles.dropped,
    waits: Object.fromEntries([...waits].map(([reason, s]) => [reason, Math.round(s * 10) / 10])),
  };
}
export type Delivery = Awaited<ReturnType<typeof runDelivery>>;

/** Follows a route from wherever on it the robot is. */
function onRoute(line: readonly (readonly [number, number])[]): PathFollower {
  const follower = new PathFollower(line);
  follower.lose();
  return follower;
}

function count(tiles: { held: Set<string>; loaded: number; dropped: number }, ids: readonly string[]): void {
  const held = new Set(ids);
  tiles.loaded += [...held].filter((one) => !tiles.held.has(one)).length;
  tiles.dropped += [...tiles.held].filter((one) => !held.has(one)).length;
  tiles.held = held;
}
