import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Scenario } from './sentences.ts';

const sentences = z.array(z.string()).min(1);
const scenarios = z.record(
  z.string(),
  // biome-ignore lint/suspicious/noThenProperty: given, when, then
  z.strictObject({ given: sentences.optional(), when: sentences.optional(), then: sentences }),
);

/** The scenarios of one group: smoke, acceptance, long. */
export function cityScenarios(group: string): [name: string, scenario: Scenario][] {
  return parseScenarios(readFileSync(join(import.meta.dirname, '..', `city-${group}.yaml`), 'utf8'));
}

export function parseScenarios(yaml: string): [name: string, scenario: Scenario][] {
  return Object.entries(scenarios.parse(parse(yaml)));
}
