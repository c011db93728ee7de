import { rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Core } from '../core.ts';
import { buildKey } from '../map-service/build-state.ts';
import { type Paint, TileBuilder } from '../map-service/tile-builder.ts';
import { type PointCloud2, type Pose, Refusal, refusalReason, type StampedPose } from '../types.ts';
import { CameraImages } from './map-images.ts';
import { OriginFromFixes } from './map-origin.ts';
import { refinedPoses } from './map-refine.ts';
import { disturbed, eachScan, pathDuring } from './map-scans.ts';
import { describeWritten, MARGIN_M, WORK_FOLDER, WORK_VERSION, writeMap } from './map-write.ts';
import { progressBar } from './progress.ts';
import { poseAt, type Reference, readReference } from './reference.ts';
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
  readonly refine?: boolean;
  readonly images?: string;
  readonly out: string;
}

/** By which poses scans are placed and look at each other, and how they are coloured. */
interface Placing {
  readonly poses: readonly StampedPose[];
  readonly look: readonly StampedPose[];
  readonly paint: Paint | undefined;
}

export function addMapBuild(map: Command): void {
  withCommonOptions(map.command('build'))
    .description('make a map package from posed scans')
    .requiredOption('--scans <input>', 'bag (file or folder) or KITTI raw drive')
    .requiredOption('--poses <ref>', 'T_map_base: TUM file, topic of the bag, or oxts for a KITTI drive')
    .option('--frames <range>', 'START:STOP:STEP of the scans, 0::2 is every even one')
    .option('--refine', 'register the scans to each other first: for poses that are off by centimetres')
    .option(
      '--images <dir>',
      'PNG pictures and camera.yaml: colours of the points, with map.build.colour=camera',
    )
    .requiredOption('--out <dir>', 'folder of the map')
    .action(async (options: BuildOptions) => buildMap(options));
}

/** `map build`: scans and poses in, a map package out. A build that was killed goes on where it stood. */
export async function buildMap(options: BuildOptions): Promise<void> {
  const session = await openSession(options);
  const reference = await readReference(options.poses, options.scans);
  const { build } = session.config.map;
  const core = openCore(session);
  const work = join(options.out, WORK_FOLDER);
  const { scans, frames, refine, images } = options;
  if ((images !== undefined) !== (build.colour === 'camera'))
    throw new Refusal(
      'bad-argument',
      'expected --images together with --set map.build.colour=camera, found one of them',
    );
  const key = buildKey([
    WORK_VERSION,
    core.kind,
    scans,
    frames,
    refine,
    images,
    build,
    session.config.frames,
    reference,
  ]);
  const builder = await TileBuilder.open(core, { ...build, margin: MARGIN_M }, work, key);
  if (!builder.state.origin) {
    const given = disturbed(reference.poses, build.disturb);
    // Scans that look at each other want poses that fit each other, also where the map keeps the given ones.
    const wanted = refine || build.removeMoving;
    const rounds = refine ? undefined : 1;
    const refined = wanted ? await refinedPoses(core, session, options, given, work, rounds) : given;
    const poses = refine ? refined : given;
    await gather(core, options, session, builder, { ...reference, poses }, refined);
  }
  const mapId = build.mapId || basename(resolve(options.out)).replace(/[^A-Za-z0-9._-]/g, '-');
  const written = await writeMap(
    options.out,
    { ...build, mapId, origin: builder.state.origin! },
    builder,
    work,
  );
  await rm(work, { recursive: true });
  const { tiles, points, bytes, bbox, manifestSha256 } = written;
  answer(options, { tiles, points, bytes, bbox, manifestSha256 }, describeWritten(written, options.out));
}

/** Reads the scans into the builder; those that an earlier run put in are passed over. */
async function gather(
  core: Core,
  options: BuildOptions,
  session: Session,
  builder: TileBuilder,
  { poses, origin }: Reference,
  look: readonly StampedPose[],
): Promise<void> {
  const origins = new OriginFromFixes();
  const camera = options.images === undefined ? undefined : await CameraImages.open(options.images);
  await eachScan(
    options,
    session,
    'gathering scans',
    builder.state.scans,
    async (message, T_base_sensor) => {
      const paint = await camera?.at(message.stamp, poses);
      await addScan(core, session, builder, { poses, look, paint }, message, T_base_sensor);
      await builder.scanDone();
      return builder.tileCount > 0 ? `${builder.tileCount} tiles` : '';
    },
    (fix) => origins.add(fix, poseAt(poses, fix.stamp)),
  );
  if (builder.isEmpty)
    throw new Refusal(
      'no-scans',
      'expected scans with a pose at their time, found none; check --poses and --frames',
    );
  const place = origin ?? origins.find() ?? { lat: 0, lon: 0, ellipsoidalHeight: 0 };
  if (!session.config.map.build.removeMoving) return builder.seal(place);
  const bar = progressBar('removing moving', builder.state.scans);
  await builder.seal(place, (voted) => bar.update(voted, `${builder.tileCount} tiles`));
  bar.stop();
}

/** A scan that cannot be used, not decoded, not mounted or without a pose at its time, is left out with a warning. */
async function addScan(
  core: Core,
  { config, log }: Session,
  builder: TileBuilder,
  { poses, look, paint }: Placing,
  message: PointCloud2,
  T_base_sensor: Pose | undefined,
): Promise<void> {
  const T_map_base = poseAt(poses, message.stamp);
  if (!T_map_base || !T_base_sensor) {
    log.warn(
      `scan at ${message.stamp} ns left out: ${T_map_base ? `no transform to ${message.frameId}` : 'no pose at its time'}`,
    );
    return;
  }
  try {
    const { cloud } = await core.decodePointCloud2(message, {
      ...config.map.build,
      turn: config.lidar.turn,
    });
    const path = pathDuring(poses, message.stamp, T_map_base, cloud.timeRange ?? [0, 0]);
    await builder.add(cloud, T_base_sensor, T_map_base, path, poseAt(look, message.stamp), paint);
  } catch (error) {
    if (!refusalReason(error)) throw error;
    log.warn(`scan at ${message.stamp} ns left out: ${(error as Error).message}`);
  }
}
