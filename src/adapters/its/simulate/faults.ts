import { z } from 'zod';
import type { RouteSignal } from '../../../types.ts';
import { type Plan, type Truth, truthAt } from './plan.ts';

/** What can be made wrong with a vendor of the fake city. */
export const faultSchema = z.strictObject({
  latencyMs: z.int().min(0).max(60_000).default(0).describe('answers and messages come so late'),
  quota: z.boolean().default(false).describe('429, or a quota answer in a body where `html` is set too'),
  html: z.boolean().default(false).describe('an HTML page with status 200'),
  frozenClock: z.boolean().default(false).describe('state and time stand still'),
  wrongUnit: z.boolean().default(false).describe('remaining times are ten times too large'),
  wrongId: z.boolean().default(false).describe('answers for another intersection'),
  flapping: z.boolean().default(false).describe('walk and stop in turn, every second'),
  disagreement: z.boolean().default(false).describe('shows the other half of the cycle'),
  silence: z.boolean().default(false).describe('no answer, no message'),
  dripping: z.boolean().default(false).describe('HTTP: one byte a second, for ever; MQTT: no message'),
  huge: z.boolean().default(false).describe('10 MB in place of an answer; MQTT: once a second'),
  garbage: z.boolean().default(false).describe('an answer or message with damaged bytes'),
});
export type Fault = z.infer<typeof faultSchema>;

export const faultsSchema = z.strictObject({
  city: faultSchema.prefault({}),
  national: faultSchema.prefault({}),
  mqtt: faultSchema.prefault({}),
  broker: z
    .strictObject({ down: z.boolean().default(false) })
    .prefault({})
    .describe('killed; started again on its port when it is well'),
  door: z
    .strictObject({ stuck: z.boolean().default(false) })
    .prefault({})
    .describe('doors do not open'),
  lift: z.strictObject({ mode: z.enum(['AGV', 'FIRE', 'EMERGENCY', 'OFFLINE']).default('AGV') }).prefault({}),
});
export type Faults = z.infer<typeof faultsSchema>;

/** What a vendor with a fault sees of a light. */
export interface Seen extends Truth {
  /** ms since the Unix epoch, by the vendor's clock */
  readonly sourceTime: number;
}

/** One vendor's eyes: they remember since when the clock stands. */
export class FaultyEyes {
  #frozenAt: number | undefined;

  look(signal: RouteSignal, plan: Plan, fault: Fault, wallMs: number): Seen {
    this.#frozenAt = fault.frozenClock ? (this.#frozenAt ?? wallMs) : undefined;
    const sourceTime = this.#frozenAt ?? wallMs;
    const shift = fault.disagreement ? (plan.cycle / 2) * 1000 : 0;
    const seen = truthAt(signal, plan, sourceTime + shift);
    const flapped = fault.flapping && Math.floor(sourceTime / 1000) % 2 === 0;
    const phase = fault.flapping ? (flapped ? 'walk' : 'stop') : seen.phase;
    return { phase, remaining: seen.remaining * (fault.wrongUnit ? 10 : 1), sourceTime };
  }
}
