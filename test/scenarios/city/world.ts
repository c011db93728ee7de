import type { CityDrive } from '../../../src/adapters/sim/city/city-drive.ts';
import type { CityLidar } from '../../../src/adapters/sim/city/lidar-models.ts';
import { spinning } from '../../../src/adapters/sim/city/lidar-models.ts';
import { type CitySolid, toCity } from '../../../src/adapters/sim/city/solid.ts';
import { type Delivery, runDelivery, type SimRuntime } from '../../../src/commands/sim-run.ts';
import type { Pose, Stamp, UpdateRecord } from '../../../src/types.ts';
import { cityMap, type TestMap } from './maps.ts';
import { Memory } from './memory.ts';
import { type Moment, MomentLog } from './moments.ts';

/** Results a second of any LiDAR here, at most. */
const RATE = 20;

/** Something that is done to the drive at a time. */
export interface Event {
  readonly at: number;
  readonly run: (drive: CityDrive, runtime: SimRuntime) => void | Promise<void>;
}

/** A quarter of a 32 × 1024: what a scenario shows does not need more, and it is four times as fast. */
export const SMALL = spinning('test-16', 16, 16.6, -16.6, 0.02, 512);

/** One scenario: what is given, what happens when, and what was seen of it. */
export class CityWorld {
  // given
  seconds = 300;
  seed = 5;
  lidar: CityLidar = SMALL;
  rain = 0;
  start: readonly [u: number, v: number, yaw: number] | undefined;
  readonly extras: CitySolid[] = [];
  openMap: () => Promise<TestMap> = cityMap;
  /** where the robot is sent; default: to the lobby */
  pois: readonly string[] | undefined;
  readonly faults: ((drive: CityDrive) => void)[] = [];
  // when
  readonly events: Event[] = [];
  // what was seen
  moments: readonly Moment[] = [];
  /** not kept, nor speeds, where the memory is looked at */
  readonly updates: (UpdateRecord & { readonly at: number })[] = [];
  readonly refusals: { readonly at: number; readonly reason: string; readonly detail: string }[] = [];
  /** how fast it truly is, ten times a second */
  readonly speeds: { readonly at: number; readonly speed: number }[] = [];
  /** what was told of what is not well */
  readonly health = new Set<string>();
  readonly memory = new Memory();
  result!: Delivery;
  map!: TestMap;

  /** Drives it to its end. */
  async run(): Promise<void> {
    this.map = await this.openMap();
    try {
      await this.#drive();
    } finally {
      await this.map.close();
    }
  }

  /** Results between two times. */
  between(from: number, to: number): Moment[] {
    const found = this.moments.filter(({ at }) => at >= from && at <= to);
    if (found.length === 0)
      throw new Error(`no result between ${from} s and ${to} s; it ended at ${this.end} s`);
    return found;
  }

  get end(): number {
    return this.moments.at(-1)?.at ?? 0;
  }

  /** the robot's last */
  advice = 'none yet';

  async #drive(): Promise<void> {
    const { parts } = this.map;
    const truth = new Map<Stamp, Pose>();
    const queue = [...this.events].sort((a, b) => a.at - b.at);
    let at = 0;
    let speed = 0;
    const log = new MomentLog(RATE * this.seconds + 100);
    const isLean = this.memory.every > 0;
    try {
      this.result = await runDelivery({
        ...parts,
        ...(this.pois && { pois: this.pois }),
        seed: this.seed,
        maxSeconds: this.seconds,
        city: {
          ...parts.city,
          lidar: this.lidar,
          rain: this.rain,
          extras: this.extras,
          ...(this.start && { start: this.start }),
        },
        sink: {
          frame: ({ stamp, state, stateReason, pose, protectionLevel }) => {
            const true_ = truth.get(stamp);
            const error =
              pose && true_
                ? Math.hypot(...[0, 1].map((k) => pose.position[k]! - true_.position[k]!))
                : undefined;
            log.add({ at, state, reason: stateReason, error, level: protectionLevel, speed });
          },
          update: (record) => {
            if (isLean) return;
            if (record.sensor === 'gnss' || record.sensor === 'registration')
              this.updates.push({ ...record, at });
          },
          refused: (reason, detail) => void this.refusals.push({ at, reason, detail }),
        },
        onMessage: async (message) => {
          if (message.kind !== 'pose') return;
          truth.set(message.value.stamp, message.value.pose);
          if (truth.size > 50) truth.delete(truth.keys().next().value!);
        },
        onStep: async (drive, now, runtime) => {
          if (now.seconds === 0) for (const fault of this.faults) fault(drive);
          at = now.seconds;
          speed = drive.body.speed;
          this.advice = `${now.advice.motion}: ${now.advice.reason}`;
          while (queue.length > 0 && queue[0]!.at <= at) await queue.shift()!.run(drive, runtime);
          if (!isLean && Math.round(at * 100) % 10 === 0) this.speeds.push({ at, speed });
          for (const { name, state, text } of now.status?.health ?? [])
            if (state !== 'ok') this.health.add(`${name} is ${state}: ${text}`);
          this.memory.see(at);
          this.place = toCity(drive.body.x, drive.body.y);
        },
      });
    } finally {
      this.moments = log.all();
    }
  }

  /** where it truly is, [u, v] */
  place: readonly [number, number] = [0, 0];

  /** For the message of a failure. */
  describe(): string {
    const changes = this.moments.filter((one, i) => {
      const before = this.moments[i - 1];
      return one.state !== before?.state || one.reason !== before?.reason;
    });
    const cm = (m: number | undefined) => (m === undefined ? '-' : `${(100 * m).toFixed(0)} cm`);
    return [
      ...changes
        .slice(0, 40)
        .map(
          (m) =>
            `${m.at.toFixed(2)} s ${m.state} ${m.reason ?? ''} error ${cm(m.error)} level ${cm(m.level)}`,
        ),
      `ended at ${this.end} s at [${this.place.map((x) => x.toFixed(1))}], ${this.advice}`,
      `refused: ${[...new Set(this.refusals.map(({ reason }) => reason))].join(', ')}`,
      JSON.stringify(this.result ?? null),
    ].join('\n');
  }
}
