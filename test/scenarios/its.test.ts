import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { perform } from './its-sentences.ts';
import { ItsWorld } from './its-world.ts';

/** A slow machine makes them longer, and nothing else. */
const TIMEOUT_MS = 180_000;
/** One file a step: scenario → its sentences. */
const scenarios = z.record(z.string(), z.array(z.string()).min(2));

for (const step of ['smoke', 'end-to-end', 'acceptance'])
  describe(`on the street, ${step}`, () => {
    const text = readFileSync(join(import.meta.dirname, `its-${step}.yaml`), 'utf8');
    for (const [name, sentences] of Object.entries(scenarios.parse(parse(text))))
      it(
        name,
        async () => {
          const world = new ItsWorld();
          try {
            for (const sentence of sentences) {
              try {
                await perform(world, sentence);
              } catch (error) {
                const { motion, reason } = world.robot?.advice ?? {};
                const at = `${world.seconds.toFixed(1)} s, ${world.x.toFixed(1)} m; ${motion}: ${reason}`;
                (error as Error).message = `"${sentence}" (at ${at})\n${(error as Error).message}`;
                throw error;
              }
            }
          } finally {
            await world.close();
          }
        },
        TIMEOUT_MS,
      );
  });
