import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import { FakeCity } from '../../src/adapters/its/simulate/city.ts';
import { cityGraph } from '../../src/adapters/its/simulate/graph.ts';
import { machineTiming } from '../../src/adapters/its/timing.ts';
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

const CYCLE = { cycle: 60, walk: 27 } as const;

/** Of a drive that begins somewhere in the demo city while the light has been red for a while. */
export interface StreetOptions {
  /** [u, v, yaw] of the city's axes */
  readonly start: readonly [number, number, number];
  /** s until the light shows walk */
  readonly walkIn: number;
}

/** A robot opened as on the street: a map service, vendors and a broker on the network, simulated sensors. In real time. */
export class Street {
  readonly events: RobotEvent[] = [];
  status: RobotStatus | undefined;
  readonly opened: OpenedRobot;
  readonly drive: CityDrive;
  readonly city: FakeCity;
  readonly #close: () => Promise<void>;
  #path: PathFollower | undefined;

  private constructor(opened: OpenedRobot, drive: CityDrive, city: FakeCity, close: () => Promise<void>) {
    this.opened = opened;
    this.drive = drive;
    this.city = city;
    this.#close = close;
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
    const shiftMs = -1000 * ((Date.now() / 1000 + walkIn) % CYCLE.cycle);
    const timing = { ...machineTiming, wallMs: () => Date.now() + shiftMs };
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
    const begun = performance.now();
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
          nowMs: () => performance.now(),
          stamp: () => CITY_START + BigInt(Math.round((performance.now() - begun) * 1e6)),
        },
        its: await openSignals(config.its, timing),
      },
      { config, log: pino({ level: 'silent' }) },
    );
    return new Street(opened, drive, city, async () => {
      await opened.close();
      await city.close();
      await service.app.close();
      await rm(folder, { recursive: true, force: true });
    });
  }

  /** Drives by the robot's advice until something is so. Throws after `seconds`, and says how it was then. */
  async until(isSo: () => boolean, seconds = 40): Promise<void> {
    const { drive, opened } = this;
    const { robot } = opened;
    const [begun, from] = [performance.now(), drive.seconds];
    while (!isSo()) {
      const now = performance.now();
      if (drive.seconds - from > seconds)
        throw new Error(`not so after ${seconds} s; advice: ${robot.advice.motion}, ${robot.advice.reason}`);
      const sight = await drive.camera();
      robot.camera(SIGNAL_ID, sight.kind === 'none' ? sight : { ...sight, seenAtMs: now });
      robot.obstacles({ veto: false, checkedAtMs: now });
      drive.doorOpen = this.city.truth().doors[DOOR_ID]!.mode === 'OPEN';
      if (robot.route) this.#path ??= new PathFollower(robot.route.line);
      const command = this.#path?.command(this.status?.frame.pose, robot.advice.speedLimit);
      for (let k = 0; k < 5; k++)
        for (const message of await drive.step(command ?? { speed: 0, turn: 0 })) await robot.handle(message);
      const ahead = 1000 * (drive.seconds - from) - (performance.now() - begun);
      if (ahead > 1) await pause(ahead);
    }
  }

  async begin(): Promise<void> {
    for (const message of this.drive.begin()) await this.opened.robot.handle(message);
    this.opened.start();
  }

  health(name: string): string | undefined {
    return this.status?.health.find((row) => row.name === name)?.state;
  }

  close(): Promise<void> {
    return this.#close();
  }
}
