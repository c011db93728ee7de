import { median } from '../../src/math/statistics.ts';

type Work = () => unknown;

/**
 * Median milliseconds of each work, run in turns (A B A B …) so that whatever else the machine does meets all alike.
 * The first round only warms up.
 */
export async function race<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, Work>>,
): Promise<Record<Name, number>> {
  const taken = new Map<Name, number[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const name of Object.keys(works) as Name[]) {
      const start = performance.now();
      await works[name]();
      const milliseconds = performance.now() - start;
      if (round > 0) taken.set(name, [...(taken.get(name) ?? []), milliseconds]);
    }
  }
  return Object.fromEntries([...taken].map(([name, each]) => [name, median(each)])) as Record<Name, number>;
}

/** For progress and notes: stdout is for the figures. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
