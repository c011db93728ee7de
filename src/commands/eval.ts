import { type Command, InvalidArgumentError } from 'commander';
import { evaluate } from '../evaluation/evaluate.ts';
import { readTum } from '../evaluation/tum.ts';
import { answer, type CommonOptions, withCommonOptions } from './shared.ts';

interface EvalOptions extends CommonOptions {
  readonly align?: boolean;
  readonly interpolate?: boolean;
  readonly maxDifference: number;
}

export function addEval(program: Command): void {
  withCommonOptions(program.command('eval'))
    .description('compare two TUM trajectories: absolute and relative pose error')
    .argument('<est>', 'estimate, TUM file')
    .argument('<ref>', 'reference, TUM file')
    .option('--align', 'first lay the estimate over the reference (SE(3), no scale)')
    .option('--interpolate', 'compare with the reference between its poses')
    .option('--max-difference <s>', 'stamps further apart than this are no pair', seconds, 0.01)
    .action(async (est: string, ref: string, options: EvalOptions) => {
      const result = evaluate(await readTum(est), await readTum(ref), {
        align: options.align ?? false,
        interpolate: options.interpolate ?? false,
        maxDifference: options.maxDifference,
      });
      answer(options, result, JSON.stringify(result, null, 2));
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new InvalidArgumentError('expected seconds');
  return value;
}
