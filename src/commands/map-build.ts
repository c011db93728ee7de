import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { parseFrameRange } from '../adapters/replay/frames.ts';
import { openSource } from '../adapters/replay/open.ts';
import { Mounts } from '../localization/mounts.ts';
import { MapPackageWriter } from '../map-service/map-package.ts';
import { TileBuilder } from '../map-service/tile-builder.ts';
import type { Geodetic } from '../math/geodesy.ts';
import {
  type PointCloud2,
  type Pose,
  Refusal,
  refusalReason,
  type Stamp,
  type StampedPose,
} from '../types.ts';
import { OriginFromFixes } from './map-origin.ts';
import { progressBar } from './progress.ts';
import { poseAt, readReference } from './reference.ts';
import {
  answer,
  type CommonOptions,
  openCore,
  openSession,
  type Session,
  withCommonOptions,
} from './shared.ts';

interface BuildOptions extends CommonOptions {
  readonly scans: string;
  readonly poses: string;
  readonly frames?: string;
  readonly out: string;
}

/** Points of neighbouring tiles that help the normals at a tile's rim, metres. */
const MARGIN_M = 1;
/** The path within a sweep is sampled this often, seconds. */
const MOTION_STEP_S = 0.01;

export function addMapBuild(map: Command): void {
  withCommonOptions(map.command('build'))
    .description('make a map package from posed scans')
    .requiredOption('--scans <input>', 'bag (file or folder) or KITTI raw drive')
    .requiredOption('--poses <ref>', 'T_map_base: TUM file, topic of the bag, or oxts for a KITTI drive')
    .option('--frames <range>', 'START:STOP:STEP of the scans, 0::2 is every even one')
    .requiredOption('--out <dir>', 'folder of the map')
    .action(async (options: BuildOptions) => buildMap(options));
}

/** `map build`: scans and poses in, a map package out. */
export async function buildMap(options: BuildOptions): Promise<void> {
  const session = await openSession(options);
  const reference = await readReference(options.poses, options.scans);
  const source = await openSource(
    options.scans,
    options.frames ? { frames: parseFrameRange(options.frames) } : {},
  );
  const { build } = session.config.map;
  const core = openCore(session);
  const builder = new TileBuilder(core, { ...build, margin: MARGIN_M });
  const origins = new OriginFromFixes();
  let used = 0;
  const bar = progressBar('gathering scans', source.describe().clouds ?? 0);
  try {
    const mounts = new Mounts(session.config.frames);
    for await (const message of source.messages()) {
      if (message.kind === 'mount') mounts.add(message.value);
      if (message.kind === 'gnss') origins.add(message.value, poseAt(reference.poses, message.value.stamp));
      if (message.kind === 'refused') session.log.warn(`${message.channel}: ${message.detail}`);
      if (message.kind !== 'points') continue;
      if (await addScan(session, core, builder, mounts, reference.poses, message.value)) used++;
      bar.update(used, `${builder.tileCount} tiles`);
    }
  } finally {
    bar.stop();
    await source.close();
  }
  if (used === 0)
    throw new Refusal(
      'no-scans',
      'expected scans with a pose at their time, found none; check --poses and --frames',
    );
  const origin = reference.origin ?? origins.find() ?? { lat: 0, lon: 0, ellipsoidalHeight: 0 };
  await writeMap(options, session, builder, origin);
}

/** Whether the scan could be used: decoded, mounted, and with a pose at its time. */
async function addScan(
  { config, log }: Session,
  core: ReturnType<typeof openCore>,
  builder: TileBuilder,
  mounts: Mounts,
  poses: readonly StampedPose[],
  message: PointCloud2,
): Promise<boolean> {
  const T_map_base = poseAt(poses, message.stamp);
  const T_base_sensor = mounts.find(message.frameId);
  if (!T_map_base || !T_base_sensor) {
    log.warn(
      `scan at ${message.stamp} ns left out: ${T_map_base ? `no transform to ${message.frameId}` : 'no pose at its time'}`,
    );
    return false;
  }
  try {
    const { cloud } = await core.decodePointCloud2(message, config.map.build);
    const path = pathDuring(poses, message.stamp, T_map_base, cloud.timeRange ?? [0, 0]);
    await builder.add(cloud, T_base_sensor, T_map_base, path);
    return true;
  } catch (error) {
    if (!refusalReason(error)) throw error;
    log.warn(`scan at ${message.stamp} ns left out: ${(error as Error).message}`);
    return false;
  }
}

/** Poses over a sweep; where the reference ends within it, the nearest pose is held. */
function pathDuring(
  poses: readonly StampedPose[],
  stamp: Stamp,
  T_map_base: Pose,
  [first, last]: readonly [number, number],
): { times: number[]; poses: Pose[] } {
  const steps = Math.max(1, Math.ceil((last - first) / MOTION_STEP_S));
  const times =
    last > first ? Array.from({ length: steps + 1 }, (_, k) => first + ((last - first) * k) / steps) : [0];
  let held = T_map_base;
  const path = times.map((time) => {
    held = poseAt(poses, stamp + BigInt(Math.round(time * 1e9))) ?? held;
    return held;
  });
  return { times, poses: path };
}

async function writeMap(
  options: BuildOptions,
  { config }: Session,
  builder: TileBuilder,
  origin: Geodetic,
): Promise<void> {
  const { build } = config.map;
  const mapId = build.mapId || basename(resolve(options.out)).replace(/[^A-Za-z0-9._-]/g, '-');
  const writer = new MapPackageWriter(options.out, { ...build, mapId, origin });
  const bar = progressBar('writing tiles  ', builder.tileCount);
  let written = 0;
  for await (const tile of builder.finish()) {
    await writer.add(tile);
    bar.update(++written, tile.id);
  }
  bar.stop();
  const { manifest, manifestSha256 } = await writer.finish();
  const tiles = Object.values(manifest.tiles);
  const sum = (key: 'points' | 'bytes') => tiles.reduce((total, tile) => total + tile[key], 0);
  const edge = (k: number, pick: (...values: number[]) => number) =>
    pick(...tiles.map(({ bbox }) => bbox[k]!));
  const bbox = [0, 1, 2].map((k) => edge(k, Math.min)).concat([3, 4, 5].map((k) => edge(k, Math.max)));
  const result = { tiles: tiles.length, points: sum('points'), bytes: sum('bytes'), bbox, manifestSha256 };
  answer(
    options,
    result,
    `map ${manifest.mapId} version ${manifest.version}: ${result.tiles} tiles, ${result.points} points, ${(result.bytes / 1e6).toFixed(1)} MB in ${options.out}`,
  );
}
