import { progressBar } from '../../../src/commands/progress.ts';
import type { Core } from '../../../src/core.ts';
import { judge, likelihoodFeatures, probabilityOf } from '../../../src/localization/registration.ts';
import { openStreet, simulatedStreet } from '../street.ts';
import { config } from '../tiles.ts';
import { cityStreet } from './city.ts';
import { bareScenes, type Scene, streetScene } from './scenes.ts';
import { SPOILS } from './spoil.ts';
import { constrainedError, OPTIONS, type Start, type Trial, trials } from './trial.ts';

/** Wrong: further than this from the truth, along the directions that the geometry constrains. */
const WRONG = { metres: 0.3, degrees: 1 };
/** Of each scene and spoil, a run of about 4,000. */
const COUNTS: Readonly<Record<Start, number>> = { near: 100, wide: 60, veryWide: 10 };

/** What is kept of a trial. */
export interface Sample {
  readonly scene: string;
  readonly spoil: string;
  readonly start: Start;
  readonly right: boolean;
  /** error along the constrained directions, m */
  readonly metres: number;
  readonly probability: number;
  readonly believed: boolean;
  /** why it is not */
  readonly reason: string | undefined;
  readonly features: readonly number[];
}

/** A real street (where the data is), two simulated ones and three bare places. */
export async function allScenes(core: Core): Promise<Scene[]> {
  const street = await openStreet(core, true);
  const main = await withOptimum(core, await streetScene(core, street.name, street));
  const isReal = street.name.startsWith('KITTI');
  const test = isReal ? [await streetScene(core, 'test street', await simulatedStreet(core, 1024, 20))] : [];
  const city = await streetScene(core, 'city', await cityStreet(core));
  return [main, ...test, city, ...(await bareScenes(core))];
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

/** About `total` seeded registrations, of each scene with each spoil from near, wide and very wide starts. */
export async function samplesOf(
  core: Core,
  scenes: readonly Scene[],
  total: number | undefined,
  seed: number,
): Promise<Sample[]> {
  const each = Object.values(COUNTS).reduce((sum, count) => sum + count, 0);
  const groups = scenes.length * Object.keys(SPOILS).length;
  const scale = total === undefined ? 1 : total / (each * groups);
  const bar = progressBar('registering', each * groups * scale);
  const out: Sample[] = [];
  for (const scene of scenes)
    for (const spoil of Object.keys(SPOILS))
      for (const start of Object.keys(COUNTS) as Start[]) {
        const count = Math.max(1, Math.round(COUNTS[start] * scale));
        for await (const trial of trials(core, scene, spoil, start, count, seed)) {
          out.push(sampleOf(trial, scene.name, spoil, start));
          if (out.length % 50 === 0) bar.update(out.length, trial.kind);
        }
      }
  bar.stop();
  return out;
}

function sampleOf(trial: Trial, scene: string, spoil: string, start: Start): Sample {
  const { metres, degrees } = constrainedError(trial);
  const judged = judge(trial.found, config.registration);
  return {
    scene,
    spoil,
    start,
    right: metres <= WRONG.metres && degrees <= WRONG.degrees,
    metres,
    probability: probabilityOf(trial.found),
    believed: judged.ok,
    reason: judged.ok ? undefined : judged.reason,
    features: likelihoodFeatures(trial.found),
  };
}
