import { enuFrame } from '../../math/geodesy.ts';
import { Random } from '../../math/random.ts';
import { compose } from '../../math/se3.ts';
import { quatFromRpy } from '../../math/so3.ts';
import type { SensorSource, SourceInfo } from '../../ports.ts';
import { type Mount, type Pose, Refusal, type SensorMessage, type Stamp } from '../../types.ts';
import { motionAt, poseAt, walked } from './drive.ts';
import { type LidarModel, OS1_16, sweep } from './lidar.ts';
import { gnss, imu, odometry } from './sensors.ts';
import type { World } from './solids.ts';
import { buildStreet } from './world.ts';

export interface SimulatedDriveOptions {
  /** integer in [0, 2³²): of the street, and of the noise unless `noiseSeed` says otherwise. Same seeds, same bytes. */
  readonly seed: number;
  /** of the sensors' noise: another drive through the same street */
  readonly noiseSeed?: number;
  /** length of the drive, 1–600 s; the corner is reached after 33 s */
  readonly seconds: number;
  readonly lidar?: LidarModel;
}

/** The demo map's frame (contracts, map package). */
export const ORIGIN = { lat: 37.49794, lon: 127.02762, ellipsoidalHeight: 45.2 } as const;
/** 2026-01-05T00:00:00Z, in ns */
const START: Stamp = 1_767_571_200_000_000_000n;
const LIDAR_FRAME = 'os_sensor';
const T_base_lidar: Pose = { position: [0.1, 0, 0.9], orientation: quatFromRpy(0, 0.03, 0) };
const IMU_RATE = 100;
const ODOMETRY_RATE = 20;
const GNSS_RATE = 1;

const KINDS = {
  '/points': 'points',
  '/fix': 'gnss',
  '/imu': 'imu',
  '/odom': 'odometry',
  '/tf_static': 'mount',
  '/ground_truth/pose': 'pose',
} as const satisfies SourceInfo['channels'];

/** `arrival` in ns after the start, and how to make the message once its turn comes. */
interface Planned {
  readonly channel: keyof typeof KINDS;
  readonly sequence: number;
  readonly arrival: number;
  readonly make: () => unknown;
}

/**
 * A drive of one robot along a simulated street: the small fixture that any machine can make for itself. Each call of
 * `messages` starts afresh and gives the same bytes. Truth is on `/ground_truth/pose` (T_map_base at each scan's stamp)
 * and, at any time, from `truthAt`. Throws a Refusal `out-of-range` on bad options.
 */
export class SimulatedDrive implements SensorSource {
  readonly world: World;
  readonly T_base_lidar = T_base_lidar;
  readonly start = START;
  readonly #seed: number;
  readonly #noiseSeed: number;
  readonly #seconds: number;
  readonly #lidar: LidarModel;

  constructor({ seed, noiseSeed = seed, seconds, lidar = OS1_16 }: SimulatedDriveOptions) {
    if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32 && seconds >= 1 && seconds <= 600)) {
      throw new Refusal(
        'out-of-range',
        `expected a seed in [0, 2³²) and 1–600 seconds, found ${seed}, ${seconds}`,
      );
    }
    this.#seed = seed;
    this.#noiseSeed = noiseSeed;
    this.#seconds = seconds;
    this.#lidar = lidar;
    this.world = buildStreet(seed, walked(seconds));
  }

  describe(): SourceInfo {
    return {
      name: `simulated drive, seed ${this.#seed}, ${this.#seconds} s`,
      start: START,
      end: START + nanoseconds(this.#seconds),
      channels: KINDS,
      clouds: this.#count(this.#lidar.rate),
    };
  }

  async *messages(): AsyncGenerator<SensorMessage> {
    for (const { channel, sequence, arrival, make } of this.#plan()) {
      const message = { channel, sequence, arrival: START + BigInt(arrival), kind: KINDS[channel] };
      // The plan pairs each channel with the value of its kind.
      yield { ...message, value: make() } as SensorMessage;
    }
  }

  async close(): Promise<void> {}

  /** T_map_base at a stamp, exact. */
  truthAt(stamp: Stamp): Pose {
    return poseAt(Number(stamp - START) / 1e9);
  }

  #count(rate: number): number {
    return Math.floor(this.#seconds * rate + 1e-9);
  }

  /** Every message of the drive in order of (arrival, channel, sequence), none made yet. */
  #plan(): Planned[] {
    const frame = enuFrame(ORIGIN);
    // A stream of random numbers each, so that one sensor's settings leave the others' bytes alone.
    const [beam, inertial, fix, wheels] = [1, 2, 3, 4].map((n) => new Random(this.#noiseSeed + n * 2 ** 32));
    const readImu = imu(frame, inertial!);
    const readFix = gnss(frame, fix!);
    const readWheels = odometry(1 / ODOMETRY_RATE, wheels!);
    const mount: Mount = { parent: 'base_link', child: LIDAR_FRAME, T_parent_child: T_base_lidar };
    const { rate } = this.#lidar;

    const every = (
      channel: Planned['channel'],
      hertz: number,
      delay: number,
      make: (stamp: Stamp, t: number) => unknown,
    ): Planned[] =>
      Array.from({ length: this.#count(hertz) }, (_, sequence) => {
        const ns = Math.round((sequence * 1e9) / hertz);
        const arrival = ns + Math.round(delay * 1e9);
        return { channel, sequence, arrival, make: () => make(START + BigInt(ns), ns / 1e9) };
      });

    return [
      { channel: '/tf_static' as const, sequence: 0, arrival: 0, make: () => mount },
      ...every('/imu', IMU_RATE, 0, (stamp, t) => readImu(stamp, motionAt(t), t)),
      ...every('/odom', ODOMETRY_RATE, 0, (stamp, t) => readWheels(stamp, motionAt(t), t)),
      ...every('/fix', GNSS_RATE, 0, (stamp, t) => readFix(stamp, motionAt(t), t)),
      ...every('/ground_truth/pose', rate, 0, (stamp, t) => ({ stamp, pose: poseAt(t) })),
      // A scan is stamped at its start and complete a turn later.
      ...every('/points', rate, 1 / rate, (stamp, t) =>
        sweep(
          this.#lidar,
          this.world,
          stamp,
          LIDAR_FRAME,
          (dt) => compose(poseAt(t + dt), T_base_lidar),
          beam!,
        ),
      ),
    ].sort(byArrival);
  }
}

function byArrival(a: Planned, b: Planned): number {
  return (
    a.arrival - b.arrival ||
    (a.channel < b.channel ? -1 : a.channel > b.channel ? 1 : a.sequence - b.sequence)
  );
}

function nanoseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9));
}
