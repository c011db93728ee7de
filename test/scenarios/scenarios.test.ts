import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { perform } from './sentences.ts';
import { World } from './world.ts';

/** One file a group: scenario → its sentences. */
const scenarios = z.record(z.string(), z.array(z.string()).min(2));

for (const group of ['smoke', 'end-to-end', 'acceptance'])
  describe(group, () => {
    const text = readFileSync(join(import.meta.dirname, `${group}.yaml`), 'utf8');
    for (const [name, sentences] of Object.entries(scenarios.parse(parse(text))))
      it(name, () => {
        const world = new World();
        for (const sentence of sentences) {
          try {
            perform(world, sentence);
          } catch (error) {
            const at = `${world.nowMs / 1000} s, verdict: ${world.verdict.text}, robot: ${world.crossing.phase}`;
            (error as Error).message = `"${sentence}" (at ${at})\n${(error as Error).message}`;
            throw error;
          }
        }
      });
  });

describe('a scenario', () => {
  it('fails on a sentence that means nothing, and on one out of order', () => {
    const world = new World();
    expect(() => perform(world, 'the vendor sings')).toThrow(/means nothing/);
    perform(world, 'at 5 s the vendor says walk, 20 s left');
    expect(() => perform(world, 'at 4 s the vendor falls silent')).toThrow(/in order/);
  });

  it('fails when what it says is not so', () => {
    const world = new World();
    perform(world, 'the vendor says stop');
    expect(() => perform(world, 'then the verdict is GO')).toThrow();
    expect(() => perform(world, 'the verdict is WAIT, no-answer')).toThrow();
    expect(() => perform(world, 'the robot is GO')).toThrow();
    expect(() => perform(world, 'an operator was told fire')).toThrow();
  });
});
