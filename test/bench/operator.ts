import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { percentile } from '../../src/math/statistics.ts';
import { event, type Rig, startRig, status, token } from '../operator/fake-robot.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { delayDuring, ScanLoop } from './scan-loop.ts';

/** `DILLY_OPERATOR_MINUTES=10` is the ten minutes of the bar. */
const SECONDS = 60 * Number(process.env.DILLY_OPERATOR_MINUTES ?? 0.5);
const OPERATORS = 50;
const POINTS = 30_000;
const QUIET_SECONDS = 15;
/** Connections, windows and the compiler settle. */
const WARM_SECONDS = 10;
/** Its memory is looked at for so long. */
const LOOK_SECONDS = 5;

interface Heard {
  readonly latencies: number[];
  readonly seqs: number[];
  readonly clouds: number;
  readonly isEnded: boolean;
}

/** What 50 operators cost a robot that localises scans at 10 Hz, and how old the poses are that they see. */
export async function run(): Promise<Row[]> {
  const loop = await ScanLoop.open();
  await loop.run(5);
  const before = await delayDuring(() => loop.run(QUIET_SECONDS));
  const rig = await startRig({ rates: { poseHz: 20, cloudHz: 2, cloudPoints: POINTS } });
  const crowd = fork(fileURLToPath(new URL('./operator-clients.ts', import.meta.url)), {
    execArgv: process.execArgv,
    serialization: 'advanced',
  });
  const robot = drive(rig);
  try {
    const tokens = await Promise.all(
      Array.from({ length: OPERATORS }, (_, k) => token('viewer', `operator${k}`)),
    );
    crowd.send({ url: rig.url, tokens });
    await loop.run(WARM_SECONDS);
    const first = await heldLeast(loop);
    crowd.send('forget');
    const during = await delayDuring(() => loop.run(SECONDS));
    const memory = [first, await heldLeast(loop)];
    robot.stop();
    // What is on its way to the slow one arrives.
    await pause(8000);
    const heard = await told(crowd);
    crowd.kill();
    await pause(500);
    const after = await delayDuring(() => loop.run(QUIET_SECONDS));
    return rowsOf(heard, robot.events(), memory, during.p99, [before.p99, after.p99]);
  } finally {
    robot.stop();
    crowd.kill();
    await rig.close();
  }
}

/** Poses at 20 Hz, clouds at 2 Hz, an event a second; the stamp of a pose is when it was told. */
function drive(rig: Rig): { stop(): void; events(): number } {
  const positions = Float32Array.from({ length: 3 * POINTS }, (_, k) => 30 * Math.sin(k));
  const intensity = Float32Array.from({ length: POINTS }, (_, k) => k % 255);
  let ticks = 0;
  let events = 0;
  const timer = setInterval(() => {
    const stamp = process.hrtime.bigint();
    const now = status(ticks / 20);
    rig.gateway.status({ ...now, frame: { ...now.frame, stamp } });
    if (ticks % 10 === 5) rig.gateway.scan({ stamp, origin: [ticks, 0, 0], positions, intensity });
    if (ticks % 20 === 0) {
      rig.gateway.event(event('tick', 'x'.repeat(200)));
      events++;
    }
    ticks++;
  }, 50);
  return { stop: () => clearInterval(timer), events: () => events };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes held after a collection; the resident set beside it. */
function held() {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { held: heapUsed + external, rss };
}

/** The least of some seconds: what is on its way to clients just then is not kept. */
async function heldLeast(loop: ScanLoop): Promise<ReturnType<typeof held>> {
  let least = held();
  for (let k = 0; k < LOOK_SECONDS; k++) {
    await loop.run(1);
    const now = held();
    if (now.held < least.held) least = now;
  }
  return least;
}

function told(crowd: ChildProcess): Promise<Heard[]> {
  return new Promise((resolve) => {
    crowd.once('message', (heard) => resolve(heard as Heard[]));
    crowd.send('tell');
  });
}

function rowsOf(
  [slow, ...quick]: readonly Heard[],
  events: number,
  [first, last]: readonly ReturnType<typeof held>[],
  busyP99: number,
  quietP99: readonly number[],
): Row[] {
  const latencies = quick.flatMap((one) => one.latencies);
  const lost = (one: Heard) =>
    events - new Set(one.seqs).size + one.seqs.filter((seq, k) => seq !== k + 1).length;
  const most = (limit: number) => ({ of: 'value', at: 'most', limit }) as const;
  const least = (limit: number) => ({ of: 'value', at: 'least', limit }) as const;
  const quiet = Math.max(...quietP99);
  note(
    `operator: ${quick.length} + 1 operators for ${SECONDS} s, ${events} events; event loop p99 ${quietP99.map((one) => one.toFixed(2)).join(' and ')} ms without, ${busyP99.toFixed(2)} ms with; resident ${(first!.rss / 1e6).toFixed(0)} → ${(last!.rss / 1e6).toFixed(0)} MB`,
  );
  const poses = quick.map((one) => one.latencies.length / (SECONDS + LOOK_SECONDS));
  return [
    { id: 'operator.pose.p50', value: percentile(latencies, 50), unit: 'ms' },
    { id: 'operator.pose.p99', value: percentile(latencies, 99), unit: 'ms', bar: most(30) },
    { id: 'operator.pose.rate', value: Math.min(...poses), unit: 'Hz', bar: least(18) },
    {
      id: 'operator.cloud.rate',
      value: Math.min(...quick.map((one) => one.clouds)) / (SECONDS + WARM_SECONDS + 2 * LOOK_SECONDS),
      unit: 'Hz',
      bar: least(1.8),
    },
    { id: 'operator.lostEvents', value: Math.max(...quick.map(lost)), unit: 'events', bar: most(0) },
    { id: 'operator.slow.lostEvents', value: lost(slow!), unit: 'events', bar: most(0) },
    { id: 'operator.slow.poseAge.p99', value: percentile(slow!.latencies, 99), unit: 'ms', bar: most(1000) },
    { id: 'operator.slow.poseRate', value: slow!.latencies.length / (SECONDS + LOOK_SECONDS), unit: 'Hz' },
    {
      id: 'operator.ended',
      value: [slow!, ...quick].filter((one) => one.isEnded).length,
      unit: 'clients',
      bar: most(0),
    },
    { id: 'operator.memory.growth', value: (last!.held - first!.held) / 1e6, unit: 'MB', bar: most(2) },
    { id: 'operator.eventLoop.p99Growth', value: busyP99 - quiet, unit: 'ms', bar: most(2) },
  ];
}
