import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pino from 'pino';
import { HandTiming } from '../../src/adapters/its/hand-timing.ts';
import { FakeCity } from '../../src/adapters/its/simulate/city.ts';
import { cityGraph } from '../../src/adapters/its/simulate/graph.ts';
import { CITY_START, CityDrive } from '../../src/adapters/sim/city/city-drive.ts';
import { PathFollower } from '../../src/adapters/sim/city/follower.ts';
import { DOOR_ID, SIGNAL_ID } from '../../src/adapters/sim/city/graph.ts';
import { CITY_LIDARS } from '../../src/adapters/sim/city/lidar-models.ts';
import { type OpenedRobot, openRobot } from '../../src/commands/open-robot.ts';
import { openSignals } from '../../src/commands/open-signals.ts';
import { DEMO_MAP, PROFILES } from '../../src/commands/sim.ts';
import { configSchema } from '../../src/config.ts';
import { FolderStore } from '../../src/map-service/http/folder-store.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import { loadCore } from '../../src/native.ts';
import type { RobotEvent, RobotStatus } from '../../src/ports/robot.ts';
import { serveMaps } from '../map-service/service.ts';
import { Echo } from './echo.ts';

const CYCLE = { cycle: 60, walk: 27 } as const;
/** A cycle begins, with walk. */
const WALK_MS = Date.UTC(2026, 2, 2);
const STEP_MS = 100;

/** Of a drive that begins somewhere in the demo city while the light has been red for a while. */
export interface StreetOptions {
  /** [u, v, yaw] of the city's axes */
  readonly start: readonly [number, number, number];
  /** s until the light shows walk */
  readonly walkIn: number;
}

/**
 * A robot opened as on the street: a map service, vendors and a broker on the network, simulated sensors. Time passes by
 * hand, so that a slow machine makes a drive longer and not different.
 */
export class Street {
  readonly events: RobotEvent[] = [];
  status: RobotStatus | undefined;
  readonly opened: OpenedRobot;
  readonly drive: CityDrive;
  readonly city: FakeCity;
  readonly #timing: HandTiming;
  readonly #echo: Echo;
  readonly #close: () => Promise<void>;
  #path: PathFollower | undefined;

  private constructor(
    opened: OpenedRobot,
    drive: CityDrive,
    city: FakeCity,
    own: { readonly timing: HandTiming; readonly echo: Echo; readonly close: () => Promise<void> },
  ) {
    this.opened = opened;
    this.drive = drive;
    this.city = city;
    this.#timing = own.timing;
    this.#echo = own.echo;
    this.#close = own.close;
    opened.robot.watch({
      status: (status) => {
        this.status = status;
      },
      scan: () => {},
      event: (event) => void this.events.push(event),
    });
  }

  static async open({ start, walkIn }: StreetOptions): Promise<Street> {
    const folder = await mkdtemp(join(tmpdir(), 'dilly-street-'));
    const service = await serveMaps({ store: new FolderStore(dirname(DEMO_MAP), ['gangnam-demo']) });
    const timing = new HandTiming(WALK_MS - 1000 * walkIn);
    const echo = new Echo();
    await echo.open();
    const city = await FakeCity.start({
      graph: cityGraph(await readFile(join(DEMO_MAP, 'graph.geojson'), 'utf8')),
      plan: CYCLE,
      host: '127.0.0.1',
      httpPort: 0,
      mqttPort: 0,
      timing,
    });
    const config = configSchema.parse({
      map: { allowUnsigned: true, store: { folder } },
      its: city.config(),
    });
    const core = loadCore('auto');
    const light = () => city.truth().signals[SIGNAL_ID]!.phase;
    const drive = new CityDrive({ core, seed: 1, lidar: CITY_LIDARS['spin-16']!, light, start });
    const { position } = drive.body.pose;
    const beganMs = timing.nowMs();
    const opened = await openRobot(
      {
        core,
        map: `${service.url}/v1/maps/gangnam-demo`,
        profile: join(PROFILES, 'wheeled-robot.yaml'),
        // A metre and ten degrees off.
        prior: {
          T_map_base: {
            position: [position[0] + 0.7, position[1] - 0.7, position[2]],
            orientation: quatFromRpy(0, 0, drive.body.yaw + 0.17),
          },
          sigmaPosition: 0.7,
          sigmaYaw: 0.15,
        },
        clock: {
          nowMs: () => timing.nowMs(),
          stamp: () => CITY_START + BigInt(Math.round((timing.nowMs() - beganMs) * 1e6)),
        },
        wait: true,
        its: await openSignals(config.its, timing),
      },
      { config, log: pino({ level: 'silent' }) },
    );
    const close = async () => {
      await opened.close();
      await city.close();
      await service.app.close();
      await echo.close();
      await rm(folder, { recursive: true, force: true });
    };
    return new Street(opened, drive, city, { timing, echo, close });
  }

  /** Drives by the robot's advice until something is so. Throws after `seconds`, and says how it was then. */
  async until(isSo: () => boolean, seconds = 40): Promise<void> {
    const { drive, opened } = this;
    const { robot } = opened;
    const from = drive.seconds;
    while (!isSo()) {
      if (drive.seconds - from > seconds)
        throw new Error(`not so after ${seconds} s; advice: ${robot.advice.motion}, ${robot.advice.reason}`);
      const seenAtMs = this.#timing.nowMs();
      const sight = await drive.camera();
      robot.camera(SIGNAL_ID, sight.kind === 'none' ? sight : { ...sight, seenAtMs });
      robot.obstacles({ veto: false, checkedAtMs: seenAtMs });
      drive.doorOpen = this.city.truth().doors[DOOR_ID]!.mode === 'OPEN';
      if (robot.route) this.#path ??= new PathFollower(robot.route.line);
      const command = this.#path?.command(this.status?.frame.pose, robot.advice.speedLimit);
      for (let k = 0; k < STEP_MS / 10; k++)
        for (const message of await drive.step(command ?? { speed: 0, turn: 0 })) await robot.handle(message);
      await this.#timing.pass(STEP_MS);
      await this.#echo.settle();
      robot.tick();
    }
  }

  async begin(): Promise<void> {
    for (const message of this.drive.begin()) await this.opened.robot.handle(message);
  }

  health(name: string): string | undefined {
    return this.status?.health.find((row) => row.name === name)?.state;
  }

  close(): Promise<void> {
    return this.#close();
  }
}
