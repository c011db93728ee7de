import { LIKELIHOOD_FEATURES } from '../../src/localization/registration.ts';
import { loadCore } from '../../src/native.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';
import { fitLogistic, logistic } from './trials/logistic.ts';
import { allScenes, samplesOf } from './trials/samples.ts';

/** Seeds of the trials that are fitted to and of those that check it; `trials` has others. */
const SEEDS = { fit: 100, check: 101 };

/**
 * Repeats the fit of the likelihood (`LIKELY` in src/localization/registration.ts) and prints its constants.
 * @param trials how many registrations to fit to; as many check it
 */
export async function run({ trials }: { trials?: number | undefined } = {}): Promise<Row[]> {
  const core = loadCore('native');
  core.setThreads(1);
  const scenes = await allScenes(core);
  const fitted = await samplesOf(core, scenes, trials, SEEDS.fit);
  const weights = fitLogistic(
    fitted.map(({ features }) => features),
    fitted.map(({ right }) => right),
  );
  const digits = weights.map((w) => Number(w.toPrecision(4)));
  note(
    `LIKELY = { ${LIKELIHOOD_FEATURES.map((name, a) => `${name}: ${digits[a]}`).join(', ')} } (${fitted.length} trials)`,
  );
  const checked = await samplesOf(core, scenes, trials, SEEDS.check);
  const rows = LIKELIHOOD_FEATURES.map((name, a) => ({
    id: `likelihood.${name}`,
    value: digits[a]!,
    unit: '',
  }));
  for (const least of [0.9, 0.99, 0.999, 0.9999]) {
    const believed = checked.filter(({ features }) => logistic(features, digits) >= least);
    const wrong = believed.filter(({ right }) => !right);
    const right = checked.filter((one) => one.right).length;
    note(
      `from ${least}: ${believed.length} of ${checked.length} believed, ${wrong.length} of them wrong, ` +
        `${((100 * (believed.length - wrong.length)) / right).toFixed(1)} % of the right ones`,
    );
  }
  return rows;
}
