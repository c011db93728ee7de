import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../src/math/random.ts';
import { loadCore } from '../../src/native.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { beside } from './starts.ts';
import { openStreet } from './street.ts';
import { config } from './tiles.ts';

const SECONDS = 10;
const PERIOD_MS = 100;
/** The monitor's timer; a delay that it reports contains one period of its own. */
const RESOLUTION_MS = 1;

/** How long the event loop is kept waiting while scans are localised at 10 Hz for 10 s, and while nothing is done. */
export async function run(): Promise<Row[]> {
  const core = loadCore('native');
  core.setThreads(2);
  const { map, frames } = await openStreet(core);
  const random = new Random(1);
  const { registration, lidar } = config;
  const tracking = { ...registration, kernelStart: registration.kernelNarrow };
  const idle = await delayDuring(() => pause(3000));
  let scans = 0;
  const busy = await delayDuring(async () => {
    const began = performance.now();
    for (; performance.now() - began < 1000 * SECONDS; scans++) {
      const { message, T_base_sensor, motion, T_map_base } = frames[scans % frames.length]!;
      const { cloud } = await core.decodePointCloud2(message, lidar);
      const level = await core.deskew(cloud, T_base_sensor, motion);
      const thin = await core.downsample(level, lidar.voxelSize);
      await map.align(thin, beside(random, T_map_base, 0.1, 0.5), tracking);
      await pause(Math.max(0, began + PERIOD_MS * (scans + 1) - performance.now()));
    }
  });
  note(
    `event loop: ${scans} scans in ${SECONDS} s; idle p99 ${idle.p99.toFixed(2)} ms, worst ${busy.max.toFixed(2)} ms`,
  );
  return [
    {
      id: 'eventLoop.delay.p99',
      value: busy.p99,
      unit: 'ms',
      bar: { of: 'value', at: 'most', limit: 5 },
    },
    { id: 'eventLoop.delay.p50', value: busy.p50, unit: 'ms' },
    // Whether it was 10 Hz at all: a machine that cannot keep up has not shown what the first row says.
    {
      id: 'eventLoop.scanRate',
      value: scans / SECONDS,
      unit: 'Hz',
      bar: { of: 'value', at: 'least', limit: 9.5 },
    },
  ];
}

/** Milliseconds beyond the monitor's own period. */
async function delayDuring(work: () => Promise<unknown>): Promise<{ p50: number; p99: number; max: number }> {
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
