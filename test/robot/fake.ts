import { configSchema } from '../../src/config.ts';
import type { TileSupply } from '../../src/map/tile-supply.ts';
import { loadCore } from '../../src/native.ts';
import type { LocalizerParts } from '../../src/pipeline.ts';
import type { RobotEvent, RobotStatus } from '../../src/ports/robot.ts';
import type { BuildingRequest, BuildingWatcher, SignalFeed } from '../../src/ports.ts';
import type { RobotParts, SignalListener } from '../../src/robot/parts.ts';
import type { RobotRoute } from '../../src/robot/robot-route.ts';
import { Robot } from '../../src/robot.ts';
import type { LocalizationState, RouteSignal, SignalPhase } from '../../src/types.ts';

export const SIGNAL: RouteSignal = {
  signalId: 's1',
  provider: 'city',
  externalId: '2691',
  head: 'nt',
  verifiedAt: '2026-05-02T09:00:00Z',
  crossingLength: 10,
};
const EPOCH_MS = 1_790_000_000_000;

/** 100 m to the east with a road from 40 to 50. */
export function straight(more: Partial<RobotRoute> = {}): RobotRoute {
  return {
    routeId: 'r1',
    mapVersion: 7,
    line: [
      [0, 0],
      [100, 0],
    ],
    crossings: [{ id: 's1', signal: SIGNAL, stopAt: 40 }],
    buildings: [],
    walls: [],
    stretches: [],
    ...more,
  };
}

/** A robot whose pose, clock, feed and doors a test says. */
export class Scene {
  nowMs = 1000;
  /** false: the monotonic clock stands while time goes on */
  clockRuns = true;
  #timeMs = 1000;
  readonly events: RobotEvent[] = [];
  status: RobotStatus | undefined;
  readonly requests: BuildingRequest[] = [];
  readonly watched: string[][] = [];
  asked = 0;
  listener!: SignalListener;
  doors!: BuildingWatcher;
  camera = true;
  readonly robot: Robot;
  #sink!: LocalizerParts['sink'];
  #frame = 0;

  constructor(parts: Partial<RobotParts> = {}, feed: Partial<SignalFeed> = {}) {
    const supply = { index: { version: 7, mapId: 'm' }, tiles: { tileIds: ['0_0'] }, setRoute: () => {} };
    this.robot = new Robot({
      core: loadCore('portable'),
      config: configSchema.parse({}),
      clock: { nowMs: () => this.nowMs, stamp: () => BigInt(EPOCH_MS + this.#timeMs) * 1_000_000n },
      map: supply as unknown as TileSupply,
      outputOn: 'points',
      localizer: ({ sink }) => {
        this.#sink = sink;
        return { handle: async () => {}, freeWidth: undefined };
      },
      signals: (listener) => {
        this.listener = listener;
        return {
          watch: (signals) => void this.watched.push(signals.map(({ signalId }) => signalId)),
          ask: () => {
            this.asked++;
            return new Promise(() => {});
          },
          close: async () => {},
          ...feed,
        };
      },
      buildings: (watcher) => {
        this.doors = watcher;
        return {
          request: async (request) => {
            this.requests.push(request);
            return true;
          },
          close: async () => {},
        };
      },
      ...parts,
    });
    this.robot.watch({
      status: (status) => {
        this.status = status;
      },
      scan: () => {},
      event: (event) => void this.events.push(event),
    });
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  /** One tenth of a second, with the robot (base_link) at x. */
  at(x: number, y = 0, state: LocalizationState = 'TRACKING'): void {
    this.pass(0.1);
    this.robot.obstacles({ veto: false, checkedAtMs: this.nowMs });
    if (this.camera) this.robot.camera('s1', { kind: 'occluded', by: 'a truck', seenAtMs: this.nowMs });
    const pose = { position: [x, y, 0], orientation: [0, 0, 0, 1] } as const;
    const stamp = BigInt(EPOCH_MS + this.#timeMs) * 1_000_000n;
    const placed = state === 'TRACKING' || state === 'DEGRADED';
    this.#sink.frame({ stamp, frame: this.#frame++, state, stages: {}, ...(placed && { pose }) });
    this.robot.tick();
  }

  pass(seconds: number): void {
    this.#timeMs += 1000 * seconds;
    if (this.clockRuns) this.nowMs += 1000 * seconds;
  }

  says(phase: SignalPhase, left: number): void {
    const sourceTime = EPOCH_MS + this.#timeMs;
    this.listener.state({
      signalId: 's1',
      phase,
      remaining: { min: left },
      sourceTime,
      timingSourceTime: sourceTime,
      receivedAtMs: this.nowMs,
      provider: 'mqtt-spat',
      raw: null,
    });
  }

  /** The phase of the first crossing that is near. */
  get crossing() {
    return this.status?.crossings[0];
  }
}
