import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Command } from 'commander';
import { degrade } from '../adapters/replay/degrade.ts';
import { parseFrameRange } from '../adapters/replay/frames.ts';
import { isKittiDrive } from '../adapters/replay/kitti.ts';
import { openSource } from '../adapters/replay/open.ts';
import type { Core } from '../core.ts';
import { type RunRecord, RunRecorder } from '../evaluation/run-record.ts';
import { type RunSummary, summarise } from '../evaluation/summarise.ts';
import { writeTum } from '../evaluation/tum.ts';
import { TileSupply } from '../map/tile-supply.ts';
import { Localizer } from '../pipeline.ts';
import type { SensorSource, SourceInfo } from '../ports.ts';
import { Refusal } from '../types.ts';
import { sampleOf } from './map-sample.ts';
import { LOADED_AT_ONCE, type OpenMap, openMap, planLimits } from './open-map.ts';
import { progressBar } from './progress.ts';
import { readReference } from './reference.ts';
import { compareReplays, REPORT_FOLDER, writeResults } from './replay-report.ts';
import { describeNis, describeRun } from './replay-text.ts';
import { ReplayWatch } from './replay-watch.ts';
import {
  answer,
  type CommonOptions,
  openCore,
  openSession,
  type Session,
  withCommonOptions,
} from './shared.ts';
import { startFrom } from './start.ts';
import { steadyMemory } from './steady-memory.ts';

export interface ReplayOptions extends CommonOptions {
  readonly map?: string;
  readonly frames?: string;
  readonly reference?: string;
  readonly out?: string;
  readonly threads: string;
  readonly watch?: boolean;
  readonly report?: string | true;
  readonly compare?: string[];
}

/** The histogram's own period: a healthy loop shows exactly this as its delay. */
const LOOP_RESOLUTION_MS = 1;

export function addReplay(program: Command): void {
  withCommonOptions(program.command('replay'))
    .description('localise a recorded drive against a map')
    .argument('<input>', 'bag (file or folder) or KITTI raw drive')
    .option(
      '--map <map>',
      'folder of a map, or its address at a map service; without one the drive is fused from GNSS, IMU and odometry alone',
    )
    .option('--frames <range>', 'START:STOP:STEP of the scans, 1::2 is every odd one')
    .option('--reference <ref>', 'T_map_base to compare with: TUM file, topic of the bag, or oxts')
    .option('--out <dir>', 'write trajectory, evidence, result.json, report.html and pictures here')
    .option('--report [dir]', `the same, in this folder (default: that of --out, else ${REPORT_FOLDER})`)
    .option(
      '--compare <key=value>',
      'replay a second time with this setting, and show both runs in one report; may be repeated',
      (text: string, before: string[]) => [...before, text],
      [],
    )
    .option('--threads <n>', 'threads of one registration; the result does not depend on it', '2')
    .option('--watch', 'begin when somebody opens the operators’ page, and go as fast as it was driven')
    .action(async (input: string, given: ReplayOptions) => {
      const asked = given.report !== undefined || (given.compare ?? []).length > 0;
      const folder = typeof given.report === 'string' ? given.report : (given.out ?? REPORT_FOLDER);
      const options = asked ? { ...given, out: folder } : given;
      const { summary, record } = await replay(input, options);
      if (options.out && options.compare?.length) await compareReplays(record, input, options, options.out);
      process.stderr.write(`${describeNis(summary)}\n`);
      answer(options, summary, describeRun(summary, record, options.out));
    });
}

/** `replay`: runs a whole recorded drive and says how it went. */
export async function replay(
  input: string,
  options: ReplayOptions,
): Promise<{ summary: RunSummary; record: RunRecord }> {
  const session = await openSession(options);
  threadsOf(options);
  const map = options.map ? await openMap(options.map, session.config.map, Date.now(), 'newest') : undefined;
  try {
    return await replayOn(map, input, options, session);
  } finally {
    await map?.close();
  }
}

async function replayOn(
  map: OpenMap | undefined,
  input: string,
  options: ReplayOptions,
  session: Session,
): Promise<{ summary: RunSummary; record: RunRecord }> {
  const { config } = session;
  const threads = threadsOf(options);
  const core = openCore(session);
  steadyMemory(core, config);
  core.setThreads(threads);

  const source = degrade(
    await openSource(input, options.frames ? { frames: parseFrameRange(options.frames) } : {}),
    config.replay.degrade,
  );
  const info = source.describe();
  requireSensors(info);
  const reference = options.reference
    ? await readReference(options.reference, input, map?.index.origin)
    : undefined;
  if (!options.reference && (await isKittiDrive(input)) && config.replay.degrade.gnss === 'none')
    session.log.warn(
      'the fixes of this drive are its reference: give --set replay.degrade.gnss=canyon to spoil them',
    );

  const recorder = new RunRecorder({
    title: `Replay of ${info.name}`,
    input,
    mapId: map ? `${map.index.mapId} version ${map.index.version}` : null,
    config: { core: core.kind, simd: core.simd, threads, overrides: options.set.join(' ') },
    start: info.start,
  });
  const supply = map && supplyOf(map, core, session, recorder);
  const watch = await watchOf(options, map, supply, core, session);
  const localizer = new Localizer({
    core,
    config,
    sink: watch ? watch.over(recorder) : recorder,
    ...(watch && { onScan: watch.scan }),
    clock: { nowMs: () => performance.now() },
    map: supply,
    prior: map && startFrom(config.replay.start, reference, info),
    outputOn: outputOf(info, map !== undefined),
  });
  const run = await drive(source, info, localizer, recorder, session, watch).finally(() => watch?.close());
  const record = recorder.finish({
    ...run,
    channels: localizer.diagnosis.channels,
    clocks: localizer.diagnosis.timeOffsets,
    ...(await trajectoryFile(options.out, recorder)),
    ...(reference && { reference: reference.poses, association: { interpolate: true } }),
    ...(supply && options.out && { mapPoints: await sampleOf(core, supply, map.source) }),
  });
  const summary = summarise(record);
  if (options.out) await writeResults(options.out, summary, record);
  return { summary, record };
}

/** The tiles of a replay: waited for, and of one version of the map, so that it is the same each time. */
function supplyOf(map: OpenMap, core: Core, { config, log }: Session, recorder: RunRecorder): TileSupply {
  for (const { reason, detail } of map.problems) {
    log.warn(detail);
    recorder.refused(reason, detail);
  }
  map.adopted?.(map.index).catch((error: Error) => log.warn(error.message));
  return new TileSupply({
    core,
    index: map.index,
    files: map.source,
    limits: planLimits(config.map),
    wait: true,
    loadAtOnce: LOADED_AT_ONCE,
    onRefused: (reason, detail) => recorder.refused(reason, detail),
  });
}

/** The page of a replay that is watched. Its map is what people see: without one there is nothing to show. */
async function watchOf(
  { watch }: ReplayOptions,
  map: OpenMap | undefined,
  supply: TileSupply | undefined,
  core: Core,
  { config }: Session,
): Promise<ReplayWatch | undefined> {
  if (!watch) return undefined;
  if (!map || !supply) throw new Refusal('bad-argument', '--watch: expected --map beside it, found none');
  const say = (text: string) => process.stderr.write(`${text}\n`);
  return ReplayWatch.open({ core, config, map, tiles: () => supply.tiles.tileIds, say });
}

function threadsOf(options: ReplayOptions): number {
  const threads = Number(options.threads);
  if (Number.isInteger(threads) && threads >= 1 && threads <= 64) return threads;
  throw new Refusal('bad-argument', `--threads: expected 1 to 64, found ${options.threads}`);
}

function requireSensors({ name, channels }: SourceInfo): void {
  const kinds = Object.values(channels);
  if (kinds.some((kind) => kind === 'points' || kind === 'gnss' || kind === 'imu' || kind === 'odometry'))
    return;
  throw new Refusal(
    'no-sensor-data',
    `${name}: expected PointCloud2, NavSatFix, Imu or Odometry messages, found none of them; is it the right bag?`,
  );
}

/** Results come at the rate of the scans, or of the next best sensor where there are none or no map for them. */
function outputOf({ channels }: SourceInfo, hasMap: boolean): 'points' | 'odometry' | 'imu' | 'gnss' {
  const kinds = new Set(Object.values(channels));
  const order = hasMap ? (['points', 'odometry', 'imu'] as const) : (['odometry', 'imu', 'points'] as const);
  return order.find((kind) => kinds.has(kind)) ?? 'gnss';
}

async function drive(
  source: SensorSource,
  info: SourceInfo,
  localizer: Localizer,
  recorder: RunRecorder,
  { log }: Session,
  watch?: ReplayWatch,
) {
  const duration = Number(info.end - info.start) * 1e-9;
  const bar = progressBar('replaying', Math.max(duration, 1e-9));
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();
  let rssPeakBytes = 0;
  let shown = 0;
  const start = performance.now();
  const wall = () => (performance.now() - start) / 1000;
  try {
    for await (const message of source.messages()) {
      await watch?.await(message);
      await localizer.handle(message);
      if (message.kind === 'refused') log.debug(`${message.channel}: ${message.detail}`);
      if (performance.now() - shown < 100) continue;
      shown = performance.now();
      rssPeakBytes = Math.max(rssPeakBytes, process.memoryUsage.rss());
      const driven = Number(message.arrival - info.start) * 1e-9;
      bar.update(driven, `${(driven / wall()).toFixed(1)} × real time  ${recorder.latest()}`);
    }
    await localizer.finish();
  } finally {
    loop.disable();
    bar.stop();
    await source.close();
  }
  const wallSeconds = wall();
  return {
    wallSeconds,
    realTimeFactor: wallSeconds > 0 ? duration / wallSeconds : 0,
    rssPeakBytes: Math.max(rssPeakBytes, process.memoryUsage.rss()),
    eventLoopDelayP99Ms: Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
  };
}

async function trajectoryFile(out: string | undefined, recorder: RunRecorder) {
  if (!out) return {};
  await mkdir(out, { recursive: true });
  const path = join(out, 'trajectory.tum');
  const { sha256 } = await writeTum(path, recorder.trajectory());
  return { trajectory: { path, sha256 } };
}
