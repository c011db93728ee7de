import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { openSource } from '../adapters/replay/open.ts';
import { picture } from '../evaluation/picture.ts';
import { drawResiduals } from '../evaluation/plots/residuals.ts';
import { type Alignment, alignMap } from '../map-service/align-map.ts';
import { type ControlPoint, parseControlPoints } from '../map-service/control-points.ts';
import { moveGraph } from '../map-service/move-graph.ts';
import { projectionOf } from '../map-service/projection.ts';
import { openMap } from '../map-service/source-tiles.ts';
import { applySimilarity } from '../map-service/umeyama.ts';
import { writeWhole } from '../map-service/whole-file.ts';
import { enuFrame } from '../math/geodesy.ts';
import { rms } from '../math/statistics.ts';
import { Refusal } from '../types.ts';
import { retileMap } from './map-retile.ts';
import { describeWritten } from './map-write.ts';
import { poseAt, readReference } from './reference.ts';
import { answer, type CommonOptions, openCore, openSession, withCommonOptions } from './shared.ts';

interface AlignOptions extends CommonOptions {
  readonly points?: string;
  readonly track?: string;
  readonly poses?: string;
  readonly epsg?: string;
  readonly epsgOut?: string;
  readonly scale?: boolean;
  readonly tolerance: string;
  readonly seed: string;
  readonly out: string;
}

export function addMapAlign(map: Command): void {
  withCommonOptions(map.command('align'))
    .description('lay a local map over the Earth, by control points or a GNSS track')
    .argument('<map>', 'map package, or folder divided the Autoware way')
    .option('--points <file>', 'control points, CSV or JSON: x,y,z and lat,lon,height or east,north,height')
    .option('--track <input>', 'recording with GNSS fixes, with --poses')
    .option('--poses <ref>', 'T_map_base in the local map at the times of the fixes: TUM file or topic')
    .option('--epsg <code>', 'system of east and north in --points')
    .option('--epsg-out <code>', 'also give the fitted places in this system')
    .option('--scale', 'fit the scale too, which is 1 by default')
    .option('--tolerance <m>', 'points that fit worse are left out', '1')
    .option('--seed <n>', 'of the search', '1')
    .requiredOption('--out <dir>', 'folder of the new map')
    .action(async (from: string, options: AlignOptions) => {
      await align(from, options);
    });
}

/** `map align`. Rejects with a Refusal, also `alignment-undetermined`. */
export async function align(from: string, options: AlignOptions) {
  const session = await openSession(options);
  const core = openCore(session);
  const tolerance = Number(options.tolerance);
  const seed = Number(options.seed);
  if (!(tolerance > 0) || !Number.isInteger(seed))
    throw new Refusal('bad-argument', 'expected --tolerance in metres above 0 and a whole --seed');
  const old = await openMap(core, from);
  const points = await pointsOf(options);
  const found = alignMap(points, { withScale: options.scale ?? false, tolerance, seed });
  await mkdir(options.out, { recursive: true });
  await writeResiduals(found, options);
  const [before, after] = [enuFrame(old.manifest?.frame.origin ?? ZERO), enuFrame(found.origin)];
  const written = await retileMap(core, session, {
    from,
    out: options.out,
    T_new_old: found.T_map_local,
    origin: found.origin,
    graph: (bytes) =>
      moveGraph(bytes, ([lon, lat]) => {
        const local = before.toEnu(lat, lon, before.origin.ellipsoidalHeight);
        const place = after.toGeodetic(applySimilarity(found.T_map_local, [local[0], local[1], 0]));
        return [place.lon, place.lat];
      }),
  });
  const inliers = found.residuals.filter(({ inlier }) => inlier);
  const result = {
    ...written,
    origin: found.origin,
    T_map_local: found.T_map_local,
    controlPoints: points.length,
    inliers: inliers.length,
    rms: rms(inliers.map(({ length }) => length)),
    max: Math.max(...inliers.map(({ length }) => length)),
  };
  process.stderr.write(residualTable(found));
  answer(
    options,
    result,
    `${describeWritten(written, options.out)}\n${inliers.length} of ${points.length} points fit, rms ${result.rms.toFixed(3)} m, max ${result.max.toFixed(3)} m, scale ${found.T_map_local.scale}`,
  );
  return result;
}

const ZERO = { lat: 0, lon: 0, ellipsoidalHeight: 0 };

async function pointsOf({ points, track, poses, epsg }: AlignOptions): Promise<ControlPoint[]> {
  if ((points === undefined) === (track === undefined))
    throw new Refusal('bad-argument', 'expected either --points or --track with --poses');
  if (points !== undefined) {
    const text = await readFile(points, 'utf8').catch((error) => {
      throw new Refusal('no-control-points', `${points}: expected control points, found ${error.code}`);
    });
    return parseControlPoints(text, points, epsg ? projectionOf(Number(epsg)) : undefined);
  }
  if (!poses) throw new Refusal('bad-argument', '--track needs --poses, the same drive in the local map');
  const reference = await readReference(poses, track!);
  const source = await openSource(track!);
  const found: ControlPoint[] = [];
  try {
    for await (const message of source.messages()) {
      if (message.kind !== 'gnss' || message.value.status < 0) continue;
      const { stamp, latitude, longitude, altitude } = message.value;
      const pose = poseAt(reference.poses, stamp);
      const global = { lat: latitude, lon: longitude, ellipsoidalHeight: altitude };
      if (pose) found.push({ name: String(stamp), local: pose.position, global });
    }
  } finally {
    await source.close();
  }
  return found;
}

async function writeResiduals({ residuals, origin }: Alignment, options: AlignOptions): Promise<void> {
  const frame = enuFrame(origin);
  const projection = projectionOf(Number(options.epsgOut ?? 4326));
  const lines = residuals.map(({ name, inlier, error, length, place }) => {
    const [x, y, h] = projection.fromGeodetic(frame.toGeodetic(place));
    return [name, inlier, ...error.map((e) => e.toFixed(4)), length.toFixed(4), x, y, h].join(',');
  });
  const header = `name,used,east_m,north_m,up_m,length_m,epsg${projection.epsg}_x,epsg${projection.epsg}_y,height`;
  const write = (name: string, bytes: Uint8Array) => writeWhole(join(options.out, name), bytes);
  await write('residuals.csv', new TextEncoder().encode(`${[header, ...lines].join('\n')}\n`));
  const png = await picture(drawResiduals(residuals, 'residuals', { width: 800, height: 500 }));
  if (png) await write('residuals.png', png);
}

function residualTable({ residuals }: Alignment): string {
  const rows = residuals.slice(0, 40).map(({ name, inlier, error, length }) => {
    const cells = [...error, length].map((v) => v.toFixed(3).padStart(9)).join('');
    return `${name.padEnd(20)}${cells}${inlier ? '' : '  left out'}`;
  });
  const more = residuals.length > 40 ? [`… ${residuals.length - 40} more in residuals.csv`] : [];
  return `${[`${'point'.padEnd(20)}   east m  north m     up m   length`, ...rows, ...more].join('\n')}\n`;
}
