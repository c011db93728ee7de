import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Recorder } from '../../src/adapters/recorder/recorder.ts';
import { recorderConfig } from '../../src/adapters/recorder/recorder-config.ts';
import { poseAt } from '../../src/adapters/sim/drive.ts';
import { type LidarModel, OS1_16, sweep } from '../../src/adapters/sim/lidar.ts';
import { buildStreet } from '../../src/adapters/sim/world.ts';
import { rawMessages } from '../../src/commands/bag-read.ts';
import { Random } from '../../src/math/random.ts';
import type { SensorMessage } from '../../src/types.ts';
import { imuMessage } from '../recorder/stream.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';

/** `DILLY_RECORD_SECONDS=600` is the ten minutes of the bar. */
const SECONDS = Number(process.env.DILLY_RECORD_SECONDS ?? 30);
const IMU_PER_SCAN = 20;
const PERIOD_MS = 100;
const SCANS = 10;

/** 64 rings × 1600 columns × 20 bytes: 2.05 MB a cloud, of a simulated street. */
const LIDAR: LidarModel = {
  ...OS1_16,
  name: 'OS1-64, 1600 columns',
  elevations: Array.from({ length: 64 }, (_, ring) => ((16.6 - (33.2 * ring) / 63) * Math.PI) / 180),
  columns: 1600,
};

/** What it costs to record clouds of 2 MB at 10 Hz and an IMU at 200 Hz: messages lost, processor, event loop. */
export async function run(): Promise<Row[]> {
  const world = buildStreet(1, 100);
  const random = new Random(1);
  const clouds = Array.from({ length: SCANS }, (_, k) => {
    const pose = poseAt(4 + k);
    return sweep(
      LIDAR,
      world,
      0n,
      'lidar',
      () => ({ ...pose, position: [pose.position[0], pose.position[1], 1] }),
      random,
    );
  });
  const folder = mkdtempSync(join(tmpdir(), 'dilly-bench-recorder-'));
  try {
    const config = recorderConfig.parse({ folder, fileMegabytes: 2000 });
    const quiet = await stream(clouds, Math.min(SECONDS, 60), () => {});
    const recorder = await Recorder.open(config, 'drive');
    await pause(1000);
    const busy = await stream(clouds, SECONDS, (message) => recorder.record(message));
    const cpuBefore = process.cpuUsage();
    await recorder.close();
    const closing = process.cpuUsage(cpuBefore);
    const counts = [...recorder.counts().values()];
    const given = counts.reduce((sum, { received }) => sum + received, 0);
    let found = 0;
    for (const name of readdirSync(join(folder, 'drive')).filter((file) => file.endsWith('.mcap')))
      for await (const _ of rawMessages(join(folder, 'drive', name), (damage) => note(damage.detail)))
        found++;
    const core = 100 * (busy.core + (closing.user + closing.system) / 1e6 / SECONDS - quiet.core);
    note(
      `recorder: ${given} messages in ${SECONDS} s, clouds of ${(clouds[0]!.data.length / 1e6).toFixed(2)} MB; event loop p99 ${quiet.p99.toFixed(2)} ms without, ${busy.p99.toFixed(2)} ms with`,
    );
    return [
      {
        id: 'recorder.lost',
        value: given - found,
        unit: 'messages',
        bar: { of: 'value', at: 'most', limit: 0 },
      },
      { id: 'recorder.core', value: core, unit: '%', bar: { of: 'value', at: 'most', limit: 15 } },
      {
        id: 'recorder.eventLoop.p99Growth',
        value: busy.p99 - quiet.p99,
        unit: 'ms',
        bar: { of: 'value', at: 'most', limit: 1 },
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Sends the stream in real time; share of a processor that this process took, and how late its event loop was. */
async function stream(
  clouds: readonly ReturnType<typeof sweep>[],
  seconds: number,
  take: (message: SensorMessage) => void,
): Promise<{ core: number; p99: number }> {
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  const before = process.cpuUsage();
  const began = performance.now();
  for (let k = 0; k < (1000 * seconds) / PERIOD_MS; k++) {
    for (let n = 0; n < IMU_PER_SCAN; n++) {
      const imu = imuMessage(IMU_PER_SCAN * k + n);
      take(imu);
      if (n === 0) {
        const value = { ...clouds[k % clouds.length]!, stamp: imu.arrival };
        take({ channel: '/points', arrival: imu.arrival, sequence: k, kind: 'points', value });
      }
      await pause(Math.max(0, began + PERIOD_MS * (k + (n + 1) / IMU_PER_SCAN) - performance.now()));
    }
  }
  const { user, system } = process.cpuUsage(before);
  monitor.disable();
  return { core: (user + system) / 1e6 / seconds, p99: monitor.percentile(99) / 1e6 };
}
