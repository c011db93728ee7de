import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { steadyMemory } from '../../src/commands/steady-memory.ts';
import { Random } from '../../src/math/random.ts';
import { loadCore } from '../../src/native.ts';
import { beside } from './starts.ts';
import { openStreet } from './street.ts';
import { config } from './tiles.ts';

type Core = ReturnType<typeof loadCore>;
type Street = Awaited<ReturnType<typeof openStreet>>;

const PERIOD_MS = 100;
/** The monitor's timer; a delay that it reports contains one period of its own. */
const RESOLUTION_MS = 1;

export interface Delay {
  /** ms beyond the monitor's own period */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Localises scans of a street at 10 Hz, as a robot does. */
export class ScanLoop {
  readonly #core: Core;
  readonly #street: Street;

  private constructor(core: Core, street: Street) {
    this.#core = core;
    this.#street = street;
  }

  static async open(): Promise<ScanLoop> {
    const core = loadCore('native');
    steadyMemory(core, config);
    core.setThreads(2);
    return new ScanLoop(core, await openStreet(core));
  }

  /** How many scans it did. */
  async run(seconds: number): Promise<number> {
    const random = new Random(1);
    const { registration, lidar } = config;
    const tracking = { ...registration, kernelStart: registration.kernelNarrow };
    const { map, frames } = this.#street;
    const began = performance.now();
    let scans = 0;
    for (; performance.now() - began < 1000 * seconds; scans++) {
      const { message, T_base_sensor, motion, T_map_base } = frames[scans % frames.length]!;
      const { cloud } = await this.#core.decodePointCloud2(message, lidar);
      const thin = await this.#core.thin([{ cloud, T_base_sensor, motion }], lidar.voxelSize);
      cloud.release();
      await map.align(thin, beside(random, T_map_base, 0.1, 0.5), tracking);
      await pause(Math.max(0, began + PERIOD_MS * (scans + 1) - performance.now()));
    }
    return scans;
  }
}

/** How long the event loop is kept waiting meanwhile. */
export async function delayDuring(work: () => Promise<unknown>): Promise<Delay> {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  await work();
  monitor.disable();
  const beyond = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  return {
    p50: beyond(monitor.percentile(50)),
    p99: beyond(monitor.percentile(99)),
    max: beyond(monitor.max),
  };
}
