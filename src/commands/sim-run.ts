import { CITY_START, CityDrive, STEP_MS } from '../adapters/sim/city/city-drive.ts';
import type { CityOptions } from '../adapters/sim/city/city-options.ts';
import { PathFollower } from '../adapters/sim/city/follower.ts';
import { LOBBY, WAY } from '../adapters/sim/city/plan.ts';
import { toMap } from '../adapters/sim/city/solid.ts';
import type { Config } from '../config.ts';
import type { Core } from '../core.ts';
import type { CrossingState } from '../crossing/crossing-guard.ts';
import type { AgedSignal } from '../crossing/signal-ageing.ts';
import { TileSupply } from '../map/tile-supply.ts';
import { Localizer, type LocalizerParts } from '../pipeline.ts';
import type { DriveAdvice } from '../ports/robot.ts';
import type { PoseSink } from '../ports.ts';
import type { FrameResult, SensorMessage, SignalPhase, SignalState } from '../types.ts';
import { type OpenMap, planLimits } from './open-map.ts';
import { type RouteMarks, SimBrain } from './sim-brain.ts';
import { SimJudge } from './sim-judge.ts';
import { QuietCity } from './sim-light.ts';
import type { SimRoute } from './sim-route.ts';
import { startFrom } from './start.ts';

export interface SimParts {
  readonly core: Core;
  readonly config: Config;
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
  readonly onScan?: LocalizerParts['onScan'];
  /** an operator has stopped the robot */
  readonly isHeld?: () => boolean;
  /** before each step; throws to end the drive */
  readonly onStep?: (drive: CityDrive, now: SimNow) => void | Promise<void>;
}

/** Signals and doors: simulated in step with the drive, or vendors on the network in real time. */
export interface Outside {
  /** what the light truly shows */
  light(seconds: number): SignalPhase;
  /** ms on the clock of `receivedAtMs` */
  nowMs(seconds: number): number;
  /** what was said of the signal since it was last asked */
  hear(seconds: number): readonly SignalState[];
  /** `metres` to the door: it is asked for when near; whether it stands open for us */
  door(metres: number, seconds: number): boolean;
}

export interface SimNow {
  readonly seconds: number;
  readonly frame: FrameResult | undefined;
  readonly advice: DriveAdvice | undefined;
  readonly along: number;
  readonly marks: RouteMarks;
  readonly crossing: CrossingState;
  /** the last word of the signal */
  readonly signal: AgedSignal | undefined;
  /** on the clock of `receivedAtMs` */
  readonly nowMs: number;
  readonly doorOpen: boolean;
  /** ids of those in memory */
  readonly tiles: readonly string[];
}

const ARRIVED_M = 0.6;
/** Steps between two decisions; the robot's camera and door messages come at this rate too. */
const DECIDE = 5;
const FRONT = 0.35;

/** One simulated delivery, from the hub to the lobby, driven from the pose that the robot believes. */
export async function runDelivery(parts: SimParts) {
  const { core, config, map, route, seed } = parts;
  const outside = parts.outside ?? new QuietCity(seed, route.signal.id, route.signal.provider);
  const light = (seconds: number): SignalPhase => outside.light(seconds);
  const drive = new CityDrive({ core, seed, ...parts.city, light });
  const judge = new SimJudge(route.walls);
  const follower = new PathFollower(route.line);
  let frame: FrameResult | undefined;
  const states: Record<string, number> = {};
  const supply = supplyFor(parts);
  const tiles = { held: new Set<string>(), loaded: 0, dropped: 0 };
  const localizer = new Localizer({
    core,
    config,
    clock: { nowMs: () => performance.now() },
    map: supply,
    prior: startFrom(
      { ...config.replay.start, seed: config.replay.start.seed + (parts.startSeed ?? 0) },
      { poses: [{ stamp: CITY_START, pose: drive.body.pose }], origin: map.index.origin },
      { name: 'city', start: CITY_START, end: CITY_START, channels: {} },
    ),
    outputOn: 'points',
    onScan: parts.onScan,
    sink: {
      frame: (result) => {
        frame = result;
        judge.frame(result, drive.seconds);
        states[result.state] = (states[result.state] ?? 0) + 1 / drive.lidar.rate;
        const held = new Set(supply.tiles.tileIds);
        tiles.loaded += [...held].filter((one) => !tiles.held.has(one)).length;
        tiles.dropped += [...tiles.held].filter((one) => !held.has(one)).length;
        tiles.held = held;
        parts.sink?.frame(result);
      },
      update: (record) => parts.sink?.update(record),
      refused: (reason, detail) => parts.sink?.refused(reason, detail),
    },
  });
  const handle = async (messages: readonly SensorMessage[]) => {
    for (const message of messages) {
      if (message.kind === 'pose') judge.truth(message.value.stamp, message.value.pose);
      await parts.onMessage?.(message);
      await localizer.handle(message);
    }
  };
  const { head, provider, externalId, crossingLength, verifiedAt, id } = route.signal;
  const marks = {
    stopLine: alongOf(follower, toMap(...WAY.south)),
    door: alongOf(follower, toMap(LOBBY.west, LOBBY.door)),
    end: follower.length,
    front: FRONT,
  };
  const brain = new SimBrain(
    marks,
    { signalId: id, head: String(head), provider, externalId, crossingLength, verifiedAt },
    config.crossing,
  );
  const waits = new Map<string, number>();
  let advice: DriveAdvice | undefined;
  let travelled = 0;
  await handle(drive.begin());
  const wall = performance.now();
  const steps = Math.round((parts.maxSeconds * 1000) / STEP_MS);
  let delivered = false;
  for (let step = 0; step < steps && !delivered; step++) {
    const nowMs = outside.nowMs(drive.seconds);
    await parts.onStep?.(drive, {
      seconds: drive.seconds,
      frame,
      advice,
      along: follower.along,
      marks,
      crossing: brain.crossing,
      signal: brain.signal,
      nowMs,
      doorOpen: drive.doorOpen,
      tiles: supply.tiles.tileIds,
    });
    if (step % DECIDE === 0) {
      for (const state of outside.hear(drive.seconds)) brain.hear(state);
      drive.doorOpen = outside.door(marks.door - follower.along, drive.seconds);
      const sight = await drive.camera();
      const camera = sight.kind === 'none' ? sight : { ...sight, seenAtMs: nowMs };
      const obstacles = { veto: drive.traffic.isOnCrossing(), what: 'a vehicle', checkedAtMs: nowMs };
      advice = brain.advise(frame, follower.along, { camera, obstacles, doorOpen: drive.doorOpen }, nowMs);
      if (parts.isHeld?.()) advice = { motion: 'stop', speedLimit: 0, reason: 'stopped by an operator' };
      if (advice.motion === 'stop') {
        const reason = advice.reason.replace(/[\d.]+/g, 'N');
        waits.set(reason, (waits.get(reason) ?? 0) + (DECIDE * STEP_MS) / 1000);
      }
      judge.place(drive.body.pose, light(drive.seconds));
    }
    const believed = frame?.pose;
    await handle(await drive.step(follower.command(believed, advice?.speedLimit ?? 0)));
    travelled += Math.abs(drive.body.speed) * (STEP_MS / 1000);
    const [gx, gy] = route.line.at(-1)!;
    delivered = Math.hypot(drive.body.x - gx, drive.body.y - gy) < ARRIVED_M && drive.body.speed < 0.3;
  }
  const wallSeconds = (performance.now() - wall) / 1000;
  return {
    seed,
    delivered,
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

function supplyFor({ core, map, config, sink }: SimParts): TileSupply {
  return new TileSupply({
    core,
    index: map.index,
    files: map.source,
    limits: planLimits(config.map),
    wait: true,
    loadAtOnce: 4,
    onRefused: (reason, detail) => sink?.refused(reason, detail),
  });
}

function alongOf(follower: PathFollower, [x, y]: readonly [number, number]): number {
  let best = { along: 0, gap: Number.POSITIVE_INFINITY };
  for (let along = 0; along <= follower.length; along += 0.1) {
    const [px, py] = follower.pointAt(along);
    const gap = Math.hypot(px - x, py - y);
    if (gap < best.gap) best = { along, gap };
  }
  return best.along;
}
