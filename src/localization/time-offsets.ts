import { z } from 'zod';
import { logSo3, quatConjugate, quatMultiply } from '../math/so3.ts';
import type { Quat, Stamp, Vec3 } from '../types.ts';
import { secondsBetween, shiftStamp } from './filter-state.ts';
import { TurnTrack } from './turn-track.ts';

const SENSORS = ['lidar', 'odometry', 'gnss'] as const;
/** A sensor whose clock is compared with the IMU's. */
export type TimedSensor = (typeof SENSORS)[number];

const seconds = (value: number, max: number, text: string) =>
  z.number().positive().max(max).default(value).describe(text);
const offset = (name: string) =>
  z
    .number()
    .min(-1)
    .max(1)
    .default(0)
    .describe(`s, [-1, 1]: what ${name} stamps with t, it measured at t + this by the clock of the IMU`);

export const timeOffsetsConfig = z.strictObject({
  lidar: offset('the LiDAR'),
  odometry: offset('the odometry'),
  gnss: offset('the GNSS receiver'),
  estimate: z.boolean().default(true).describe('learn what is left of them, from turns and changes of speed'),
  bound: seconds(0.1, 1, 's, (0, 1]: more than this is not used but said: somebody should set it'),
  certain: seconds(0.006, 0.1, 's, (0, 0.1]: used once its standard deviation is below this'),
  least: seconds(
    0.005,
    0.1,
    's, (0, 0.1]: less than this, or four times that, is left alone: 5 ms are 7 mm at 1.5 m/s',
  ),
});
export type TimeOffsetsConfig = z.infer<typeof timeOffsetsConfig>;

/** Before anything is known, s; and how clocks and delays wander, s/√s. */
const [PRIOR, WALK] = [0.07, 1e-4];
/** Squared sigmas: a residual beyond it teaches nothing. Sigmas that what is used must differ from nothing by. */
const [GATE, SURE] = [16, 4];
/** What is used follows what is believed in steps of this, s: the filter's times are not to tremble. */
const STEP = 0.002;
/** Registrations are compared over at least, measurements over at most so much, s. */
const [LIDAR_SPAN, MOST_SPAN] = [0.45, 2];
/** The change of the turn rate is felt over this much on either side, s. */
const SLOPE = 0.05;
/** Measurements that wait for the gyro at most. */
const WAITING = 64;

type OnSure = (sensor: TimedSensor, seconds: number, used: boolean) => void;

/** What is known of one sensor's clock. */
export interface TimeOffset {
  /** configured and learnt, s, and how sure that is */
  readonly seconds: number;
  readonly sigma: number;
  /** by how much its stamps are moved */
  readonly used: number;
}

/**
 * When did a sensor measure what it stamps? To first order an offset τ adds τ · ẋ to what x should be, so it is learnt
 * where x changes (Mair et al. 2011, Li & Mourikis 2014, there inside the filter): the turn between two registrations
 * beside the gyro's, and the odometry's turn rate beside the gyro's, both without the filter, which would follow a LiDAR
 * that lags; and fixes beside the filter, from one to the next, so that what they are off all the time does not count.
 * One scalar Kalman filter a sensor. Reads no clock.
 */
export class TimeOffsets {
  readonly #config: TimeOffsetsConfig;
  readonly #turn: TurnTrack;
  readonly #learnt = new Map<TimedSensor, Learnt>();
  readonly #onSure: OnSure;
  /** measurements until the gyro has come so far */
  readonly #waiting: { readonly until: Stamp; readonly learn: () => void }[] = [];
  #scan: { readonly stamp: Stamp; readonly orientation: Quat; readonly variance: number } | undefined;
  #fix: { readonly stamp: Stamp; readonly off: Vec3; readonly velocity: Vec3 } | undefined;

  /**
   * @param maxGap s: a gyro silent for longer does not tell the turn
   * @param onSure an offset is known; `used`: the stamps of the sensor will be moved by it
   */
  constructor(config: TimeOffsetsConfig, maxGap: number, onSure: OnSure = () => {}) {
    this.#config = config;
    this.#turn = new TurnTrack(maxGap);
    this.#onSure = onSure;
    for (const sensor of SENSORS) this.#learnt.set(sensor, new Learnt(config));
  }

  /** When a sensor measured what it stamped, to be told to the filter. */
  at(sensor: TimedSensor, stamp: Stamp): Stamp {
    return this.#moved(stamp, this.#config[sensor] + this.#learnt.get(sensor)!.used);
  }

  /** The same by all that is known, though it may not be sure enough to be used. */
  believed(sensor: TimedSensor, stamp: Stamp): Stamp {
    return this.#moved(stamp, this.#config[sensor] + this.#learnt.get(sensor)!.value);
  }

  get figures(): Readonly<Record<TimedSensor, TimeOffset>> {
    const figure = (sensor: TimedSensor): TimeOffset => {
      const { value, variance, used } = this.#learnt.get(sensor)!;
      const configured = this.#config[sensor];
      return { seconds: configured + value, sigma: Math.sqrt(variance), used: configured + used };
    };
    return { lidar: figure('lidar'), odometry: figure('odometry'), gnss: figure('gnss') };
  }

  /** The turn rate about the base's z as the gyro says it, rad/s. */
  gyro(stamp: Stamp, rate: number): void {
    if (!this.#config.estimate) return;
    this.#turn.add(stamp, rate);
    while (this.#waiting.length > 0 && this.#waiting[0]!.until <= stamp) this.#waiting.shift()!.learn();
  }

  /** A registration that was used: q_map_base, its variance about z in rad², and the gyro's bias, rad/s. */
  registration(stamp: Stamp, orientation: Quat, variance: number, bias: number): void {
    const last = this.#scan;
    const dt = last ? secondsBetween(last.stamp, stamp) : 0;
    if (last && dt > 0 && dt < LIDAR_SPAN) return;
    this.#scan = { stamp, orientation, variance };
    if (!last || !(dt > 0 && dt < MOST_SPAN)) return;
    const turned = logSo3(quatMultiply(quatConjugate(last.orientation), orientation))[2];
    this.#later(this.believed('lidar', stamp), () => {
      const from = this.#turn.at(this.believed('lidar', last.stamp));
      const to = this.#turn.at(this.believed('lidar', stamp));
      if (!from || !to) return;
      const residual = turned - (to.angle - from.angle - bias * dt);
      this.#learn('lidar', stamp, residual, to.rate - from.rate, last.variance + variance);
    });
  }

  /** The odometry's yaw rate without its bias, rad/s, its variance, and the gyro's bias. */
  odometry(stamp: Stamp, rate: number, variance: number, bias: number): void {
    this.#later(shiftStamp(this.believed('odometry', stamp), SLOPE), () => {
      const at = this.believed('odometry', stamp);
      const [before, here, after] = [-SLOPE, 0, SLOPE].map((s) => this.#turn.at(shiftStamp(at, s)));
      if (!before || !here || !after) return;
      // Mean rates on either side: the gyro's noise in the slope would make it look steeper than it is.
      const slope = (after.angle - 2 * here.angle + before.angle) / SLOPE ** 2;
      const mean = (after.angle - before.angle) / (2 * SLOPE);
      this.#learn('odometry', stamp, rate - (mean - bias), slope, variance);
    });
  }

  /**
   * A fix while the LiDAR tracks: how far it is from where the filter has the antenna at `believed`, the velocity then
   * (both map axes), and the variance of the fix, m².
   */
  gnss(stamp: Stamp, off: Vec3, velocity: Vec3, variance: number): void {
    const last = this.#fix;
    this.#fix = { stamp, off, velocity };
    const dt = last ? secondsBetween(last.stamp, stamp) : 0;
    if (!this.#config.estimate || !last || !(dt > 0 && dt < MOST_SPAN)) return;
    for (const axis of [0, 1] as const)
      this.#learn(
        'gnss',
        stamp,
        off[axis] - last.off[axis],
        velocity[axis] - last.velocity[axis],
        2 * variance,
      );
  }

  #moved(stamp: Stamp, offset: number): Stamp {
    return offset === 0 ? stamp : shiftStamp(stamp, offset);
  }

  #later(until: Stamp, learn: () => void): void {
    if (!this.#config.estimate) return;
    const newest = this.#turn.newest;
    if (newest !== undefined && newest >= until) learn();
    else this.#waiting.push({ until, learn });
    if (this.#waiting.length > WAITING) this.#waiting.shift();
  }

  #learn(sensor: TimedSensor, stamp: Stamp, residual: number, slope: number, noise: number): void {
    const learnt = this.#learnt.get(sensor)!;
    const { used, beyond } = learnt;
    learnt.learn(stamp, residual, slope, noise);
    const news = (used === 0 && learnt.used !== 0) || (!beyond && learnt.beyond);
    if (news) this.#onSure(sensor, this.#config[sensor] + learnt.value, !learnt.beyond);
  }
}

/** What is left of a sensor's offset, s. */
class Learnt {
  readonly #config: TimeOffsetsConfig;
  value = 0;
  variance = PRIOR ** 2;
  used = 0;
  /** surely more than is used */
  beyond = false;
  #last: Stamp | undefined;

  constructor(config: TimeOffsetsConfig) {
    this.#config = config;
  }

  /** residual = slope · (what is left beside `value`) + noise of this variance */
  learn(stamp: Stamp, residual: number, slope: number, noise: number): void {
    const { bound, certain, least } = this.#config;
    const dt = this.#last === undefined ? 0 : secondsBetween(this.#last, stamp);
    this.#last = stamp;
    const prior = Math.min(PRIOR ** 2, this.variance + WALK ** 2 * Math.max(0, dt));
    const spread = slope * slope * prior + noise;
    this.variance = prior;
    if (residual * residual > GATE * spread) return;
    const gain = (prior * slope) / spread;
    this.value += gain * residual;
    this.variance = (1 - gain * slope) * prior;
    const sigma = Math.sqrt(this.variance);
    if (sigma > certain) return;
    const size = Math.abs(this.value);
    this.beyond = size > bound + SURE * sigma;
    if (this.beyond || size < least / 2) this.used = 0;
    else if (size > Math.max(least, SURE * sigma) && size <= bound && Math.abs(this.value - this.used) > STEP)
      this.used = this.value;
  }
}
