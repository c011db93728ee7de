import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Core } from '../../src/core.ts';
import { covarianceOf } from '../../src/localization/registration.ts';
import { cholesky, mahalanobisSquared } from '../../src/math/matrix.ts';
import { chiSquaredQuantile, mean, median, percentile } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { config } from './tiles.ts';
import { diagramOf, reliabilityOf } from './trials/diagram.ts';
import { allScenes, type Sample, samplesOf } from './trials/samples.ts';
import type { Scene } from './trials/scenes.ts';
import { errorOf, trials } from './trials/trial.ts';

const EXACT_TRIALS = 500;
/** over the streets together */
const CONSISTENCY_TRIALS = 1000;
/** Not that of the trials that the likelihood was fitted to. */
const SEED = 7;

/**
 * Is what a registration says of itself true? Seeded registrations whose truth is known.
 * @param options.trials about how many for the likelihood; the bar is for 100,000
 * @param options.out folder for the reliability diagram
 */
export async function run(
  options: { trials?: number | undefined; out?: string | undefined } = {},
): Promise<Row[]> {
  // Before an hour of work, not after it.
  if (options.out) await mkdir(options.out, { recursive: true });
  const core = loadCore('native');
  core.setThreads(1);
  const scenes = await allScenes(core);
  const streets = scenes.filter(({ name }) => /KITTI|street|city|simulated/.test(name));
  const rows = [...(await exact(core, scenes[0]!)), ...(await consistency(core, streets))];
  const samples = await samplesOf(core, scenes, options.trials, SEED + 2);
  await reliability(samples, options.out);
  return [...rows, ...hostile(samples), ...falseConfidence(samples)];
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
 * Mean NEES over exact scans of the streets, real and simulated: of the part of the covariance that comes from the scan
 * itself. The share that the map's own error adds (systematicSigma) is zero in them.
 */
async function consistency(core: Core, scenes: readonly Scene[]): Promise<Row[]> {
  const bare = { ...config.registration, systematicSigma: 1e-9, crispThickness: 1 };
  const all: number[] = [];
  for (const scene of scenes) {
    const each: number[] = [];
    const count = Math.ceil(CONSISTENCY_TRIALS / scenes.length);
    for await (const trial of trials(core, scene, 'exact', 'near', count, SEED + 1)) {
      const { covariance, degenerate } = covarianceOf(trial.found, bare);
      const factor = degenerate === 0 && cholesky(covariance, 6);
      if (factor) each.push(mahalanobisSquared(factor, Float64Array.from(errorOf(trial))));
    }
    note(`consistency (${scene.name}): mean NEES ${mean(each).toFixed(2)} of 6 over ${each.length} trials`);
    all.push(...each);
  }
  const band = [0.025, 0.975].map((p) => chiSquaredQuantile(p, 6 * all.length) / all.length);
  const inside = (100 * all.filter((nees) => nees <= chiSquaredQuantile(0.95, 6)).length) / all.length;
  note(`95 % band of ${all.length} trials ${band.map((v) => v.toFixed(2)).join(' to ')}`);
  return [
    {
      id: 'registration.consistency',
      value: mean(all),
      unit: 'mean NEES of 6',
      bar: { of: 'value', at: 'most', limit: band[1]! },
    },
    { id: 'registration.consistency.within95', value: inside, unit: '% (95 expected)' },
  ];
}

/** Of what is believed, by class; and how much of what is right is refused. */
function falseConfidence(samples: readonly Sample[]): Row[] {
  const believed = samples.filter((sample) => sample.believed);
  const wrong = believed.filter(({ right }) => !right);
  const right = samples.filter((sample) => sample.right);
  note('class                                       trials  believed  wrong  right  of them refused');
  for (const [name, of] of classesOf(samples)) {
    const count = (which: (sample: Sample) => boolean) => of.filter(which).length;
    const cells = [
      of.length,
      count((one) => one.believed),
      count((one) => one.believed && !one.right),
      count((one) => one.right),
      count((one) => one.right && !one.believed),
    ];
    note(`${name.padEnd(42)}${cells.map((cell) => String(cell).padStart(8)).join('')}`);
  }
  const refused = right.filter((sample) => !sample.believed);
  return [
    {
      id: 'registration.falseConfidence',
      value: (1e4 * wrong.length) / Math.max(1, believed.length),
      unit: `of 10,000 believed (${wrong.length} of ${believed.length})`,
      bar: { of: 'value', at: 'most', limit: 1 },
    },
    {
      id: 'registration.falseConfidence.refusedRight',
      value: (100 * refused.length) / Math.max(1, right.length),
      unit: '% of the right ones refused',
      bar: { of: 'value', at: 'most', limit: 15 },
    },
  ];
}

function classesOf(samples: readonly Sample[]): Map<string, Sample[]> {
  const classes = new Map<string, Sample[]>();
  for (const sample of samples) {
    const name = `${sample.scene}, ${sample.spoil}`;
    const members = classes.get(name);
    if (members) members.push(sample);
    else classes.set(name, [sample]);
  }
  return classes;
}

/** Of results from near starts that are believed: 95 of 100 lie this near to the truth, along constrained directions. */
function hostile(samples: readonly Sample[]): Row[] {
  const near = samples.filter(({ spoil, start }) => start === 'near' && spoil !== 'none');
  return [...classesOf(near)].map(([name, group]): Row => {
    const believed = group.filter((sample) => sample.believed);
    const id = `registration.hostile.${camel(name)}`;
    const refused = (100 * (group.length - believed.length)) / group.length;
    if (believed.length === 0) return { id: `${id}.refused`, value: refused, unit: '%' };
    return {
      id,
      value:
        100 *
        percentile(
          believed.map(({ metres }) => metres),
          95,
        ),
      unit: `cm, p95; ${refused.toFixed(0)} % refused`,
      bar: { of: 'value', at: 'most', limit: 5 },
    };
  });
}

/** The reliability diagram, as text and, with `out`, as a picture. */
async function reliability(samples: readonly Sample[], out: string | undefined): Promise<void> {
  const bins = reliabilityOf(samples);
  note('said              trials   mean said   was right');
  for (const { from, to, count, said, was } of bins)
    note(
      `${from.toFixed(4)} – ${Math.min(to, 1).toFixed(4)} ${String(count).padStart(7)}   ${said.toFixed(4)}      ${was.toFixed(5)}`,
    );
  if (out === undefined) return;
  const path = join(out, 'reliability.svg');
  await writeFile(path, diagramOf(bins, samples.length));
  note(`reliability diagram: ${path}`);
}

function camel(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return words
    .map((word, k) => (k === 0 ? word.toLowerCase() : word[0]!.toUpperCase() + word.slice(1).toLowerCase()))
    .join('');
}
