import { z } from 'zod';
import { CROSSING, DOOR, type FlatGraph, LIFT, STAIRS } from './flat-graph.ts';

/** What a robot can do, and what it finds hard. */
export const profileSchema = z.strictObject({
  name: z.string().min(1),
  maxWidth: z
    .number()
    .nonnegative()
    .max(10)
    .describe('the robot with its margins: narrower links are not used, m'),
  maxKerb: z.number().nonnegative().max(1).describe('m'),
  maxIncline: z.number().nonnegative().max(2).describe('rise / run, up or down'),
  surfaces: z
    .record(z.string(), z.number().min(1).max(1000))
    .describe('OSM surface → cost factor, at least 1; a surface that is not named is not used'),
  stairs: z.boolean(),
  flies: z.boolean().describe('kerbs, inclines, surfaces and stairs do not matter'),
  speed: z.number().positive().max(30).describe('m/s'),
  slowSpeed: z.number().positive().max(30).describe('within virtual walls of type slow, m/s'),
  signalWait: z.number().nonnegative().max(600).describe('expected wait at a signal, s'),
  doorWait: z.number().nonnegative().max(600).describe('s'),
  liftWait: z.number().nonnegative().max(600).describe('s'),
  maxSnap: z.number().positive().max(1000).describe('start and end lie at most this far from a link, m'),
});
export type Profile = z.infer<typeof profileSchema>;

/** Costs of one graph's links for one profile; seconds. */
export interface LinkCosts {
  /** Moving along the whole link, or Infinity where the profile cannot. `slow`: within a slow wall. */
  travel(link: number, slow: boolean): number;
  /** Waiting before the link. */
  wait(link: number): number;
  /** No metre of any link costs less; s/m. */
  readonly leastPerMetre: number;
}

export function linkCosts(graph: FlatGraph, profile: Profile): LinkCosts {
  const factors = Float64Array.from(graph.surfaces, (name) =>
    profile.flies
      ? 1
      : Object.hasOwn(profile.surfaces, name)
        ? profile.surfaces[name]!
        : Number.POSITIVE_INFINITY,
  );
  // A float32 attribute is compared with a float32 limit: 0.9 m fits through 0.9 m.
  const [width, kerb, incline] = [profile.maxWidth, profile.maxKerb, profile.maxIncline].map(Math.fround) as [
    number,
    number,
    number,
  ];
  const { flies, stairs, speed, slowSpeed } = profile;
  return {
    travel(link, slow) {
      if (graph.width[link]! < width) return Number.POSITIVE_INFINITY;
      if (!flies) {
        if (graph.kerb[link]! > kerb || Math.abs(graph.incline[link]!) > incline)
          return Number.POSITIVE_INFINITY;
        if (graph.flags[link]! & STAIRS && !stairs) return Number.POSITIVE_INFINITY;
      }
      const factor = factors[graph.surface[link]!]!;
      // A link of no length would make it 0 · Infinity.
      if (factor === Number.POSITIVE_INFINITY) return factor;
      const fastest = Math.min(speed, graph.speedLimit[link]!, slow ? slowSpeed : speed);
      return (graph.length[link]! / fastest) * factor;
    },
    wait(link) {
      const flags = graph.flags[link]!;
      if (flags < CROSSING) return 0;
      return (
        (flags & CROSSING ? profile.signalWait : 0) +
        (flags & DOOR ? profile.doorWait : 0) +
        (flags & LIFT ? profile.liftWait : 0)
      );
    },
    leastPerMetre: Math.min(...factors, Number.MAX_VALUE) / speed,
  };
}
