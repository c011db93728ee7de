import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { quatFromRpy } from '../../src/math/so3.ts';
import { percentile } from '../../src/math/statistics.ts';
import { NodeProcess, Peer, until } from '../ros2/harness.ts';
import { rosIsMissing } from '../ros2/here.ts';
import { note } from './measure.ts';
import type { Bar, Row } from './row.ts';

const MAP = resolve(import.meta.dirname, '../../maps/gangnam-demo');
const T_map_base = { position: [-21.3, -24.5, 0], orientation: quatFromRpy(0, 0, 0.21) } as const;
const POINTS = 120_000;
const WARM_UP_S = 10;
/** Minutes of the measurement; 60 is the soak of the issue. */
const MINUTES = Number(process.env.DILLY_ROS2_MINUTES ?? 1);

/** From the stamp of a cloud on a real topic to the pose on /tf, at 10 Hz, and the node's memory meanwhile. */
export async function run(): Promise<Row[]> {
  const missing = rosIsMissing();
  if (missing) {
    note(`skipped: ${missing}`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'dilly-bench-ros2-'));
  const peer = new Peer();
  await peer.ready();
  const node = new NodeProcess([
    `ros2.map=${MAP}`,
    `ros2.stateFile=${join(folder, 'state.json')}`,
    'ros2.autostart=true',
    'ros2.tfAhead=0',
  ]);
  try {
    await until(
      'the map to be open',
      120,
      () => peer.row('map') === 'open',
      () => node.log,
    );
    await peer.ask('lidarMount');
    await peer.ask('stand', { map: MAP, T_map_base, count: POINTS });
    await peer.ask('place', { x: T_map_base.position[0], y: T_map_base.position[1], yaw: 0.21 });
    await until(
      'a pose',
      120,
      () => peer.last('/tf'),
      () => node.log,
    );
    await pause(1000 * WARM_UP_S);
    return await measure(peer, node);
  } finally {
    await node.end('SIGTERM');
    await peer.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(peer: Peer, node: NodeProcess): Promise<Row[]> {
  const ms: number[] = [];
  const publishing: number[] = [];
  const memory: number[] = [];
  let [clouds, late] = [0, 0];
  const end = performance.now() + 60_000 * MINUTES;
  while (performance.now() < end) {
    // In pieces: an hour of news need not be kept.
    peer.forget();
    await pause(Math.min(10_000, end - performance.now()));
    memory.push(await rssOf(node.child.pid!));
    const points = peer.all('points');
    const sent = points.map(({ stamp }) => BigInt(stamp!));
    publishing.push(...points.map(({ at, stamp }) => Number(BigInt(at) - BigInt(stamp!)) * 1e-6));
    const answered = new Map(peer.all('/tf').map(({ stamp, at }) => [BigInt(stamp!), BigInt(at)]));
    // The last one's answer may be still to come.
    sent.slice(0, -2).forEach((stamp, k) => {
      clouds++;
      const at = answered.get(stamp);
      if (at === undefined || at > sent[k + 1]!) late++;
      if (at !== undefined) ms.push(Number(at - stamp) * 1e-6);
    });
  }
  const half = memory.slice(Math.floor(memory.length / 2));
  note(
    `ros2: ${clouds} clouds of ${POINTS} points in ${MINUTES} min, ${ms.length} answered; ` +
      `memory ${memory[0]!.toFixed(0)} MB at first, ${memory.at(-1)!.toFixed(0)} MB at last, ${Math.max(...memory).toFixed(0)} MB at most`,
  );
  const bar = (limit: number): Bar => ({ of: 'value', at: 'most', limit });
  return [
    { id: 'ros2.cloudToTf.p50', value: percentile(ms, 50), unit: 'ms', bar: bar(25) },
    { id: 'ros2.cloudToTf.p99', value: percentile(ms, 99), unit: 'ms', bar: bar(60) },
    // Of that, what the sender's own call takes: ours is no driver in C++, but keeps its memory as one does.
    { id: 'ros2.publish.p50', value: percentile(publishing, 50), unit: 'ms' },
    { id: 'ros2.cloudToTf.max', value: Math.max(...ms), unit: 'ms' },
    // Answered after the next cloud was there, or never.
    { id: 'ros2.cloud.late', value: late, unit: 'clouds', bar: bar(0) },
    { id: 'ros2.cloud.sent', value: clouds / (60 * MINUTES), unit: 'Hz' },
    { id: 'ros2.rss.growth', value: half.at(-1)! - half[0]!, unit: 'MB', bar: bar(20) },
  ];
}

/** MB */
async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s*(\d+)/.exec(status)![1]) / 1024;
}
