import type { Alignment, Core } from '../../src/core.ts';
import { covarianceOf, judge, probabilityOf } from '../../src/localization/registration.ts';
import { cholesky, mahalanobisSquared } from '../../src/math/matrix.ts';
import { chiSquaredQuantile, mean, median, percentile } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { openStreet } from './street.ts';
import { config } from './tiles.ts';
import { bareScenes, type Scene, streetScene } from './trials/scenes.ts';
import { SPOILS } from './trials/spoil.ts';
import { constrainedError, errorOf, OPTIONS, type Start, type Trial, trials } from './trials/trial.ts';

/** Wrong: further than this from the truth, along the directions that the geometry constrains. */
const WRONG = { metres: 0.3, degrees: 1 };
const EXACT_TRIALS = 500;
const CONSISTENCY_TRIALS = 1000;
/** Registrations of each scene and spoil, from near, wide and very wide starts; DILLY_TRIALS multiplies them. */
const COUNTS: Readonly<Record<Start, number>> = { near: 100, wide: 60, veryWide: 10 };
const SCALE = Number(process.env.DILLY_TRIALS ?? 1);
/** Not that of the trials that the likelihood was fitted to. */
const SEED = 7;

/** Is what a registration says of itself true? Seeded registrations whose truth is known. */
export async function run(): Promise<Row[]> {
  const core = loadCore('native');
  core.setThreads(2);
  const street = await openStreet(core, true);
  const main = await withOptimum(core, await streetScene(core, street.name, street));
  const bare = await bareScenes(core);
  const rows = [...(await exact(core, main)), ...(await consistency(core, main))];
  return [...rows, ...(await falseConfidence(core, [main, ...bare]))];
}

/** The truth of real scans: where all their points end from the pose that made the map. */
async function withOptimum(core: Core, scene: Scene): Promise<Scene> {
  const options = { ...OPTIONS, kernelStart: 0.2, finishPoints: 1e9, translationEpsilon: 1e-5 };
  const scans = [];
  for (const { positions, T_map_base } of scene.scans) {
    const best = await scene.map.align(core.cloud({ positions }), T_map_base, options);
    scans.push({ positions, T_map_base: best.T_map_base });
  }
  return { ...scene, scans };
}

async function exact(core: Core, scene: Scene): Promise<Row[]> {
  const [metres, degrees]: [number[], number[]] = [[], []];
  for await (const trial of trials(core, scene, 'exact', 'near', EXACT_TRIALS, SEED)) {
    const error = errorOf(trial);
    metres.push(Math.hypot(...error.slice(0, 3)));
    degrees.push((Math.hypot(...error.slice(3)) * 180) / Math.PI);
  }
  const bar = (limit: number) => ({ of: 'value', at: 'most', limit }) as const;
  const id = 'registration.exact';
  return [
    { id, value: 1000 * median(metres), unit: 'mm, median', bar: bar(2) },
    { id: `${id}.p99`, value: 1000 * percentile(metres, 99), unit: 'mm', bar: bar(8) },
    { id: `${id}.degrees`, value: median(degrees), unit: '°, median', bar: bar(0.01) },
  ];
}

/**
 * Mean NEES over exact scans of the street: of the part of the covariance that comes from the scan itself. The share
 * that the map's own error adds (systematicSigma) is zero in them.
 */
async function consistency(core: Core, scene: Scene): Promise<Row[]> {
  const bare = { ...config.registration, systematicSigma: 1e-9, crispThickness: 1 };
  const each: number[] = [];
  for await (const trial of trials(core, scene, 'exact', 'near', CONSISTENCY_TRIALS, SEED + 1)) {
    const { covariance, degenerate } = covarianceOf(trial.found, bare);
    const factor = degenerate === 0 && cholesky(covariance, 6);
    if (factor) each.push(mahalanobisSquared(factor, Float64Array.from(errorOf(trial))));
  }
  const band = [0.025, 0.975].map((p) => chiSquaredQuantile(p, 6 * each.length) / each.length);
  const inside = (100 * each.filter((nees) => nees <= chiSquaredQuantile(0.95, 6)).length) / each.length;
  note(
    `consistency (${scene.name}): mean NEES ${mean(each).toFixed(2)} of 6, 95 % band of ${each.length} trials ` +
      `${band.map((v) => v.toFixed(2)).join(' to ')}; ${inside.toFixed(1)} % of the trials within their own 95 % limit`,
  );
  return [
    {
      id: 'registration.consistency',
      value: mean(each),
      unit: 'mean NEES of 6',
      bar: { of: 'value', at: 'most', limit: band[1]! },
    },
    { id: 'registration.consistency.within95', value: inside, unit: '% (95 expected)' },
  ];
}

async function falseConfidence(core: Core, scenes: readonly Scene[]): Promise<Row[]> {
  const all: Trial[] = [];
  const rows: Row[] = [];
  for (const scene of scenes)
    for (const spoil of Object.keys(SPOILS))
      for (const start of Object.keys(COUNTS) as Start[]) {
        const group: Trial[] = [];
        for await (const trial of trials(
          core,
          scene,
          spoil,
          start,
          Math.round(COUNTS[start] * SCALE),
          SEED + 2,
        ))
          group.push(trial);
        all.push(...group);
        if (start === 'near' && spoil !== 'none') rows.push(...hostile(scene.name, spoil, group));
      }
  const believed = all.filter(({ found }) => judge(found, config.registration).ok);
  const wrong = believed.filter(isWrong);
  for (const kind of new Set(wrong.map((trial) => trial.kind)))
    note(`wrong and believed: ${kind}, ${wrong.filter((trial) => trial.kind === kind).length}`);
  reliability(
    all.map(({ found }) => found),
    all.map((trial) => !isWrong(trial)),
  );
  const right = all.length - all.filter(isWrong).length;
  return [
    ...rows,
    {
      id: 'registration.falseConfidence',
      value: (1e4 * wrong.length) / believed.length,
      unit: `of 10,000 believed (${wrong.length} of ${believed.length})`,
      bar: { of: 'value', at: 'most', limit: 1 },
    },
    {
      id: 'registration.falseConfidence.refusedRight',
      value: (100 * (right - believed.length + wrong.length)) / right,
      unit: '% of the right ones refused',
    },
  ];
}

/** Of results that are believed: 95 of 100 lie this near to the truth, along constrained directions. */
function hostile(scene: string, spoil: string, group: readonly Trial[]): Row[] {
  const believed = group.filter(({ found }) => judge(found, config.registration).ok);
  const id = `registration.hostile.${camel(`${scene} ${spoil}`)}`;
  const refused = (100 * (group.length - believed.length)) / group.length;
  if (believed.length === 0) return [{ id: `${id}.refused`, value: refused, unit: '%' }];
  const p95 = percentile(
    believed.map((trial) => constrainedError(trial).metres),
    95,
  );
  return [
    {
      id,
      value: 100 * p95,
      unit: `cm, p95; ${refused.toFixed(0)} % refused`,
      bar: { of: 'value', at: 'most', limit: 5 },
    },
  ];
}

function isWrong(trial: Trial): boolean {
  const { metres, degrees } = constrainedError(trial);
  return metres > WRONG.metres || degrees > WRONG.degrees;
}

/** The reliability diagram as text: what was said, and how often it was so. */
function reliability(found: readonly Alignment[], right: readonly boolean[]): void {
  const said = found.map(probabilityOf);
  const edges = [0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999, 1.000001];
  note('said            trials   mean said   was right');
  for (let k = 0; k + 1 < edges.length; k++) {
    const at = said.flatMap((p, i) => (p >= edges[k]! && p < edges[k + 1]! ? [i] : []));
    if (at.length === 0) continue;
    const was = at.filter((i) => right[i]).length / at.length;
    const bar = '█'.repeat(Math.round(40 * was));
    note(
      `${edges[k]!.toFixed(3)} – ${Math.min(edges[k + 1]!, 1).toFixed(3)}  ${String(at.length).padStart(6)}   ` +
        `${mean(at.map((i) => said[i]!)).toFixed(3)}       ${was.toFixed(4)} ${bar}`,
    );
  }
}

function camel(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return words
    .map((word, k) => (k === 0 ? word.toLowerCase() : word[0]!.toUpperCase() + word.slice(1).toLowerCase()))
    .join('');
}
