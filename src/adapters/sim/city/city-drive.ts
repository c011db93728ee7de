import type { RayScene } from '../../../core.ts';
import { enuFrame } from '../../../math/geodesy.ts';
import { Random } from '../../../math/random.ts';
import { compose, interpolatePose, transformPoint } from '../../../math/se3.ts';
import { quatFromRpy } from '../../../math/so3.ts';
import type { GnssFix, Pose, SensorMessage, Stamp, Vec3 } from '../../../types.ts';
import { ORIGIN } from '../source.ts';
import { type DriveCommand, RobotBody } from './body.ts';
import { headInView } from './camera.ts';
import type { CameraSight, CityFaults, CityOptions } from './city-options.ts';
import { Hands } from './hands.ts';
import { CityImu, CityWheels } from './inertial.ts';
import { CITY_LIDARS, type CityLidar } from './lidar-models.ts';
import { LidarScanner } from './lidar-scan.ts';
import { WAY } from './plan.ts';
import { CityGnss } from './satellites.ts';
import { type CitySolid, solidNumbers } from './solid.ts';
import { Traffic } from './traffic.ts';
import { buildCity, doorLeaf } from './world.ts';

/** 2026-01-05T00:00:00Z, in ns */
export const CITY_START: Stamp = 1_767_571_200_000_000_000n;
export const STEP_MS = 10;
const STEP_NS = 10_000_000n;
const T_base_lidar: Pose = { position: [0.1, 0, 0.9], orientation: quatFromRpy(0, 0.03, 0) };
const T_base_imu: Pose = { position: [0, 0, 0], orientation: quatFromRpy(0, 0, 0) };
const T_base_gnss: Pose = { position: [-0.2, 0, 1], orientation: quatFromRpy(0, 0, 0) };
const STILL: DriveCommand = { speed: 0, turn: 0 };
/** steps: IMU each, odometry and traffic 20 Hz, GNSS 1 Hz */
const EVERY = { odometry: 5, gnss: 100 } as const;

type Unplaced = SensorMessage extends infer M
  ? M extends SensorMessage
    ? Pick<M, 'channel' | Extract<keyof M, 'kind' | 'value'>>
    : never
  : never;

/**
 * A robot in the city, moved step by step by what it is told. `step` gives the messages that arrived within it, in order
 * of (arrival, channel, sequence). The same options and commands give the same bytes.
 */
export class CityDrive {
  readonly faults: CityFaults = {
    lidarSilent: false,
    imuSilent: false,
    gnssSilent: false,
    gnssOffset: [0, 0],
  };
  readonly body: RobotBody;
  readonly traffic: Traffic;
  doorOpen = false;
  #rain: number;
  readonly #options: CityOptions;
  readonly #scanner: LidarScanner;
  readonly #still: readonly CitySolid[];
  readonly #scene: RayScene;
  readonly #imu: CityImu;
  readonly #wheels: CityWheels;
  readonly #gnss: CityGnss;
  readonly #beam: Random;
  readonly #sequences = new Map<string, number>();
  #history: Pose[] = [];
  /** moving solids at the start of the sweep under way */
  #moving: readonly CitySolid[] = [];
  #tick = 0;
  #hands: Hands | undefined;

  constructor(options: CityOptions) {
    this.#options = options;
    const { core, seed, city = 1, lidar = CITY_LIDARS['spin-32']!, extras = [], rain = 0 } = options;
    const [u, v, yaw] = options.start ?? [...WAY.hub, 0];
    this.#rain = rain;
    this.body = new RobotBody(u, v, yaw);
    this.#scanner = new LidarScanner(lidar);
    this.#still = [...(options.solids ?? buildCity(city)), ...extras];
    this.#scene = core.rayScene(solidNumbers(this.#still));
    // A stream of random numbers each, so that one sensor's settings leave the others' bytes alone.
    const stream = (n: number) => new Random(seed + n * 2 ** 32);
    this.#beam = stream(1);
    this.#imu = new CityImu(ORIGIN, this.body.pose, stream(2));
    this.#gnss = new CityGnss(enuFrame(ORIGIN), stream(3));
    this.#wheels = new CityWheels(stream(4));
    this.traffic = options.survey ? new Traffic(stream(5), 0, 0) : new Traffic(stream(5));
    this.#history.push(this.body.pose);
  }

  get seconds(): number {
    return (this.#tick * STEP_MS) / 1000;
  }
  get stamp(): Stamp {
    return CITY_START + BigInt(this.#tick) * STEP_NS;
  }
  get lidar(): CityLidar {
    return this.#scanner.model;
  }

  /** mm/h from now on */
  set rain(value: number) {
    this.#rain = value;
  }

  /** What is there before the first step: mounts, and the truth at the start. */
  begin(): SensorMessage[] {
    const mount = (child: string, T_parent_child: Pose): Unplaced => ({
      channel: '/tf_static',
      kind: 'mount',
      value: { parent: 'base_link', child, T_parent_child },
    });
    this.#moving = this.#movers();
    const truth: Unplaced = {
      channel: '/ground_truth/pose',
      kind: 'pose',
      value: { stamp: this.stamp, pose: this.body.pose },
    };
    return this.#place([
      truth,
      mount('os_sensor', T_base_lidar),
      mount('imu_link', T_base_imu),
      mount('gnss', T_base_gnss),
    ]);
  }

  /** 10 ms of the world. */
  async step(command: DriveCommand): Promise<SensorMessage[]> {
    const dt = STEP_MS / 1000;
    const wheels = this.#hands ? STILL : command;
    this.body.step(wheels, dt / 2);
    this.body.step(wheels, dt / 2);
    if (this.#hands && !this.#hands.carryOn(this.body, dt)) this.#hands = undefined;
    this.#tick++;
    this.#history.push(this.body.pose);
    const out: Unplaced[] = [];
    const imu = this.#imu.read(this.stamp - STEP_NS / 2n, this.body, dt);
    if (this.#tick % EVERY.gnss === 0) {
      const fix = await this.#fix();
      if (fix) out.push({ channel: '/fix', kind: 'gnss', value: fix });
    }
    const frameSteps = 1000 / STEP_MS / this.#scanner.model.rate;
    if (this.#tick % frameSteps === 0) {
      out.push({
        channel: '/ground_truth/pose',
        kind: 'pose',
        value: { stamp: this.stamp, pose: this.body.pose },
      });
    }
    if (!this.faults.imuSilent) out.push({ channel: '/imu', kind: 'imu', value: imu });
    if (this.#tick % EVERY.odometry === 0) {
      out.push({
        channel: '/odom',
        kind: 'odometry',
        value: this.#wheels.read(this.stamp, this.body, dt * EVERY.odometry),
      });
      const light = this.#options.light(this.seconds);
      this.traffic.step(light === 'stop', dt * EVERY.odometry);
    }
    if (this.#tick % frameSteps === 0) {
      const cloud = await this.#scan(frameSteps);
      this.#history = this.#history.slice(-1);
      this.#moving = this.#movers();
      if (!this.faults.lidarSilent) out.push({ channel: '/points', kind: 'points', value: cloud });
    }
    return this.#place(out);
  }

  /** Somebody lifts the robot and carries it by m along the city's axes and rad, in `seconds`; its wheels stand. */
  lift(du: number, dv: number, turn: number, seconds: number): void {
    this.#hands = new Hands([du, dv, turn], seconds);
  }

  /** The robot is elsewhere at once: m along the city's axes, rad. */
  carry(du: number, dv: number, turn: number): void {
    this.body.carry(du, dv, turn);
    this.#history = this.#history.map(() => this.body.pose);
    this.#imu.restart(this.body.pose);
  }

  /** Whether the light can be seen from where the robot stands now, and what hides it: the head across the road. */
  async camera(): Promise<CameraSight> {
    const looked = headInView(this.body.pose);
    if (!looked) return { kind: 'none' };
    const { eye, away, distance } = looked;
    const moving = this.#movers();
    const hits = await this.#scene.cast({
      directions: Float64Array.from(away.map((d) => d / distance)),
      poses: Float64Array.of(...eye, 0, 0, 0, 1),
      times: Float64Array.of(0),
      moving: solidNumbers(moving),
      maxRange: distance - 0.3,
    });
    const hit = hits.solids[0]!;
    if (hit < 0) return { kind: 'sees', phase: this.#options.light(this.seconds) };
    return { kind: 'occluded', by: (this.#still[hit] ?? moving[hit - this.#still.length])!.part };
  }

  #movers(): CitySolid[] {
    return [...this.traffic.solids(), ...(this.doorOpen || this.#options.survey ? [] : [doorLeaf()])];
  }

  async #fix(): Promise<GnssFix | undefined> {
    const antenna = transformPoint(this.body.pose, T_base_gnss.position);
    const fix = await this.#gnss.read(this.stamp, this.#scene, antenna, 1);
    const frame = enuFrame(ORIGIN);
    const at = (p: Vec3) => {
      const { lat, lon, ellipsoidalHeight } = frame.toGeodetic(p);
      return { latitude: lat, longitude: lon, altitude: ellipsoidalHeight };
    };
    if (this.#options.survey) {
      const covariance = [1e-4, 0, 0, 0, 1e-4, 0, 0, 0, 1e-4];
      return {
        stamp: this.stamp,
        frameId: 'base_link',
        status: 2,
        covarianceType: 2,
        covariance,
        ...at(this.body.pose.position),
      };
    }
    if (!fix || this.faults.gnssSilent) return undefined;
    const [east, north] = this.faults.gnssOffset;
    if (fix.status < 0 || (east === 0 && north === 0)) return fix;
    const [x, y, z] = frame.toEnu(fix.latitude, fix.longitude, fix.altitude);
    return { ...fix, ...at([x + east, y + north, z]) };
  }

  #scan(steps: number) {
    const history = this.#history;
    const start = this.stamp - BigInt(steps) * STEP_NS;
    const period = (steps * STEP_MS) / 1000;
    return this.#scanner.scan(
      this.#scene,
      { still: this.#still, moving: this.#moving },
      { stamp: start, frameId: 'os_sensor', rain: this.#rain },
      (seconds) => {
        const at = (seconds / period) * (history.length - 1);
        const low = Math.min(history.length - 2, Math.floor(at));
        return compose(interpolatePose(history[low]!, history[low + 1]!, at - low), T_base_lidar);
      },
      this.#beam,
    );
  }

  #place(messages: readonly Unplaced[]): SensorMessage[] {
    return [...messages]
      .sort((a, b) => (a.channel < b.channel ? -1 : a.channel > b.channel ? 1 : 0))
      .map((message) => {
        const sequence = this.#sequences.get(message.channel) ?? 0;
        this.#sequences.set(message.channel, sequence + 1);
        return { ...message, arrival: this.stamp, sequence } as SensorMessage;
      });
  }
}
