import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { steadyMemory } from '../../../src/commands/steady-memory.ts';
import { configSchema } from '../../../src/config.ts';
import { PoseFilter } from '../../../src/localization/pose-filter.ts';
import { Random } from '../../../src/math/random.ts';
import { loadCore } from '../../../src/native.ts';
import type { Vec3 } from '../../../src/types.ts';
import { at, diagonal, noise3, plus, START, spoiled, Weaver } from '../../unit/fusion-simulation.ts';
import { note } from '../measure.ts';
import type { Row } from '../row.ts';
import { config } from './world.ts';

/** Simulated seconds, of which the first are compiled while they run. */
const [SECONDS, WARM_UP] = [610, 10];
/** Parts of a second whose messages are made before the time is taken. */
const PARTS = 10;
const [REGISTRATION_LATE, FIX_LATE] = [0.08, 0.3];

type Send = (filter: PoseFilter) => void;

/**
 * What the filter takes of one core: IMU 200 Hz, registrations 10 Hz that come 80 ms late, fixes 5 Hz that come 300 ms
 * late, odometry 50 Hz, and a pose asked for 100 times a second. The registration's own time is not in it. Collections
 * are those of the whole process, set as a robot's, the making of the messages included.
 */
export async function cost(): Promise<Row[]> {
  steadyMemory(loadCore(), configSchema.parse({}));
  const pauses: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pauses.push(duration);
  });
  const filter = new PoseFilter(config.fusion);
  const start = { position: [0, 0, 0], orientation: [0, 0, 0, 1] } as const;
  filter.initialize(START, start, diagonal(0.05, 0.05, 0.05, 0.01, 0.01, 0.01), [1, 0, 0]);
  const feed = new Feed();
  let busy = 0;
  for (let part = 1; part <= SECONDS * PARTS; part++) {
    const warm = part > WARM_UP * PARTS;
    if (part === WARM_UP * PARTS + 1) observer.observe({ entryTypes: ['gc'] });
    const sends = feed.until(part / PARTS);
    const began = process.cpuUsage();
    for (const send of sends) send(filter);
    const { user, system } = process.cpuUsage(began);
    if (warm) busy += (user + system) / 1e6;
    await nextTurn();
  }
  for (const { duration } of observer.takeRecords()) pauses.push(duration);
  observer.disconnect();
  note(`fusion.cost: ${pauses.length} collections, ${pauses.filter((ms) => ms > 2).length} longer than 2 ms`);
  const most = (limit: number) => ({ of: 'value', at: 'most', limit }) as const;
  return [
    { id: 'fusion.cost', value: (100 * busy) / (SECONDS - WARM_UP), unit: '% of one core', bar: most(4) },
    {
      id: 'fusion.pause',
      value: Math.max(0, ...pauses),
      unit: 'ms, longest collection in 10 minutes',
      bar: most(2),
    },
  ];
}

/** The messages of a weaving robot in the order of their arrival. */
class Feed {
  readonly #r = new Random(4);
  readonly #robot = new Weaver();
  #late: { readonly arrival: number; readonly send: Send }[] = [];
  #k = 0;

  /** those that arrive before a time, seconds */
  until(end: number): Send[] {
    const sends: Send[] = [];
    for (; this.#k < 200 * end; this.#k++) {
      const time = (this.#k + 1) / 200;
      sends.push(...this.#at(time, this.#k + 1));
      const due = this.#late.filter(({ arrival }) => arrival <= time);
      this.#late = this.#late.filter(({ arrival }) => arrival > time);
      sends.push(...due.map(({ send }) => send));
    }
    return sends;
  }

  #at(time: number, k: number): Send[] {
    const r = this.#r;
    const stamp = at(time);
    const truth = this.#robot.pose(time);
    const perfect = this.#robot.imu(time);
    const reading = {
      stamp,
      angularVelocity: plus(perfect.angularVelocity, noise3(r, 0.005)),
      linearAcceleration: plus(perfect.linearAcceleration, noise3(r, 0.08)),
    };
    const sends: Send[] = [(f) => void f.imu(reading)];
    if (k % 2 === 0) sends.push((f) => void f.stateAt(stamp));
    if (k % 4 === 0) {
      const linear = plus([Weaver.speed(time), 0, 0], noise3(r, 0.02));
      const angular: Vec3 = [0, 0, Weaver.yawRate(time)];
      sends.push((f) => void f.odometry(stamp, linear, angular));
    }
    if (k % 20 === 0) {
      const pose = spoiled(truth, r, 0.02, 0.001);
      const covariance = diagonal(0.02, 0.02, 0.02, 0.001, 0.001, 0.001);
      this.#late.push({
        arrival: time + REGISTRATION_LATE,
        send: (f) => void f.registration(stamp, pose, covariance),
      });
    }
    if (k % 40 === 0) {
      const antenna = plus(truth.position, noise3(r, 1.5));
      const covariance = [...diagonal(1.5, 1.5, 1.5)];
      this.#late.push({
        arrival: time + FIX_LATE,
        send: (f) => void f.gnss(stamp, antenna, covariance, [0, 0, 0], 0),
      });
    }
    return sends;
  }
}
