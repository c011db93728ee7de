import type { DoorsMqtt } from '../../src/adapters/its/doors-mqtt.ts';
import { HandTiming } from '../../src/adapters/its/hand-timing.ts';
import { openDoors } from '../../src/adapters/its/open-its.ts';
import { FakeCity } from '../../src/adapters/its/simulate/city.ts';
import { cityGraph } from '../../src/adapters/its/simulate/graph.ts';
import { type ItsParts, openSignals } from '../../src/commands/open-signals.ts';
import { configSchema } from '../../src/config.ts';
import type { TileSupply } from '../../src/map/tile-supply.ts';
import { loadCore } from '../../src/native.ts';
import type { RobotEvent, RobotStatus } from '../../src/ports/robot.ts';
import { LocalRoutes } from '../../src/robot/local-routes.ts';
import { Robot } from '../../src/robot.ts';
import type { FrameResult, SignalPhase } from '../../src/types.ts';
import { Echo } from '../robot/echo.ts';
import { END, ORIGIN, PROFILE, place, ROAD, streetGraph } from './its-street.ts';

const STEP_MS = 100;
const MAP_VERSION = 7;
const FRONT = 0.5;
/** The light turns to walk ten seconds after a scenario begins, and every 90 s again. */
const PLAN = { cycle: 90, walk: 30 };
const START_MS = Date.UTC(2026, 2, 2) - 10_000;

/**
 * A robot on the street with everything real but its legs and its localisation: mediator, MQTT, HTTP, guard, sessions,
 * and the fake city behind them over the network. Time passes by hand, in steps, each of which lets the network settle;
 * so a slow machine makes a scenario longer and not different.
 */
export class ItsWorld {
  readonly timing = new HandTiming(START_MS);
  readonly #beganMs = this.timing.nowMs();
  readonly events: RobotEvent[] = [];
  status: RobotStatus | undefined;
  /** of the crossing, each as it began */
  readonly phases: string[] = [];
  robot!: Robot;
  city!: FakeCity;
  surveyed = true;
  /** of base_link, m east */
  x = ROAD.from - FRONT - 8;
  hidden: string | undefined;
  camera: SignalPhase | undefined;
  obstacle: string | undefined;
  mapVersion = MAP_VERSION;
  /** sessions of another robot */
  readonly #echo = new Echo();
  readonly #others = new Map<string, number>();
  #link: DoorsMqtt | undefined;
  #frame = 0;
  #show: (frame: FrameResult) => void = () => {};
  readonly #closers: (() => Promise<unknown>)[] = [];
  #its!: ItsParts;

  get seconds(): number {
    return (this.timing.nowMs() - this.#beganMs) / 1000;
  }

  /** Once: when the first sentence needs a robot. */
  async begin(): Promise<void> {
    if (this.robot) return;
    await this.#beginCity();
    const graph = streetGraph(this.surveyed);
    const config = configSchema.parse({ its: this.city.config() });
    const its = (await openSignals(config.its, this.timing))!;
    this.#its = its;
    const routes = { bytes: new TextEncoder().encode(graph), mapVersion: MAP_VERSION, origin: ORIGIN };
    const index = () => ({ version: this.mapVersion, mapId: 'street' });
    const supply = {
      get index() {
        return index();
      },
      tiles: { tileIds: ['0_0'] },
      setRoute: () => {},
    };
    this.robot = new Robot({
      core: loadCore('portable'),
      config,
      clock: { nowMs: () => this.timing.nowMs(), stamp: () => BigInt(this.timing.wallMs()) * 1_000_000n },
      map: supply as unknown as TileSupply,
      outputOn: 'points',
      routes: new LocalRoutes(routes, PROFILE, () => this.timing.wallMs()),
      localizer: ({ sink }) => {
        this.#show = (frame) => sink.frame(frame);
        return { handle: async () => {}, freeWidth: undefined };
      },
      ...its,
    });
    this.#closers.push(() => this.robot.close());
    this.robot.watch({
      status: (status) => this.#watch(status),
      scan: () => {},
      event: (event) => void this.events.push(event),
    });
    // The connections come before the scenario's first second.
    for (let n = 0; n < 200 && its.health().some(({ state }) => state === 'down'); n++)
      await this.#echo.settle();
    this.#stand();
    const [lon, lat] = place(END);
    const answer = await this.robot.command({ kind: 'go-to', lon, lat });
    if (!answer.ok) throw new Error(`no way: ${answer.text}`);
  }

  async #beginCity(): Promise<void> {
    if (this.city) return;
    await this.#echo.open();
    this.#closers.push(() => this.#echo.close());
    this.city = await FakeCity.start({
      graph: cityGraph(streetGraph(this.surveyed)),
      plan: PLAN,
      host: '127.0.0.1',
      httpPort: 0,
      mqttPort: 0,
      timing: this.timing,
    });
    this.#closers.push(() => this.city.close());
  }

  /** Lets time pass until `seconds` of the scenario. */
  async until(seconds: number): Promise<void> {
    await this.begin();
    while (this.seconds + STEP_MS / 1000 <= seconds + 1e-6) await this.#step();
  }

  /** Lets time pass until something is so; throws after `most` seconds. */
  async wait(isSo: () => boolean, most = 180): Promise<void> {
    await this.begin();
    for (const end = this.seconds + most; !isSo(); ) {
      if (this.seconds > end) throw new Error(`not so within ${most} s`);
      await this.#step();
    }
  }

  /** Another robot asks for the lift first, and keeps it. */
  async otherTakes(liftId: string): Promise<void> {
    await this.#beginCity();
    const { its } = configSchema.parse({ its: this.city.config() });
    const broker = { ...its.doors!.broker, clientId: 'other-robot' };
    const watcher = { door: () => {}, lift: () => {}, note: () => {} };
    const link = openDoors({ ...its, doors: { ...its.doors!, broker } }, {}, watcher, this.timing);
    this.#closers.push(() => link.close());
    this.#link = link;
    this.#others.set(liftId, 0);
    for (let n = 0; n < 50 && !(await this.#askFor(liftId, 'L2')); n++) await this.#echo.settle();
  }

  async otherReleases(liftId: string): Promise<void> {
    await this.#askFor(liftId, undefined);
    this.#others.delete(liftId);
  }

  /** Each counter of `/metrics` that begins so, summed up. */
  async counted(name: string): Promise<number> {
    const lines = (await this.#its.metrics()).split('\n').filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  crossing() {
    return this.status?.crossings[0];
  }

  /** The phases of a door's or lift's sessions, each as it began. */
  sessions(id: string): { phase?: unknown; reason?: unknown }[] {
    return this.events
      .filter(({ kind, data }) => kind === 'building' && data?.id === id)
      .map(({ data }) => data!);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }

  async #step(): Promise<void> {
    await this.timing.pass(STEP_MS);
    if (Math.round(this.seconds * 10) % 100 === 0)
      for (const id of this.#others.keys()) await this.#askFor(id, 'L2');
    await this.#echo.settle();
    const { motion, speedLimit } = this.robot.advice;
    if (motion !== 'stop') this.x += (speedLimit * STEP_MS) / 1000;
    this.#stand();
  }

  /** What the robot's own eyes see now. */
  #stand(): void {
    const seenAtMs = this.timing.nowMs();
    const phase = this.camera ?? this.city.truth().signals.light!.phase;
    this.robot.camera(
      'light',
      this.hidden ? { kind: 'occluded', by: this.hidden, seenAtMs } : { kind: 'sees', phase, seenAtMs },
    );
    const veto = this.obstacle !== undefined;
    this.robot.obstacles({ veto, ...(veto && { what: this.obstacle! }), checkedAtMs: seenAtMs });
    const pose = { position: [this.x, 0, 0], orientation: [0, 0, 0, 1] } as const;
    const stamp = BigInt(this.timing.wallMs()) * 1_000_000n;
    this.#show({ stamp, frame: this.#frame++, state: 'TRACKING', pose, stages: {} });
    this.robot.tick();
  }

  #watch(status: RobotStatus): void {
    this.status = status;
    const phase = status.crossings[0]?.phase;
    if (phase && phase !== this.phases.at(-1)) this.phases.push(phase);
  }

  async #askFor(liftId: string, floor: string | undefined): Promise<boolean> {
    const sequence = this.#others.get(liftId)! + 1;
    this.#others.set(liftId, sequence);
    // Its acknowledgement comes over the network while nothing else goes on.
    const sent = this.#link!.request({ kind: 'lift', liftId, sessionId: 'other/1', sequence, floor });
    await this.#echo.settle();
    return sent;
  }
}
