import { describe, expect, it } from 'vitest';
import { mediatorConfig } from '../../src/adapters/its/its-config.ts';
import { Spells } from '../../src/adapters/its/soak-spells.ts';
import { runSoak, type SoakPlan } from '../../src/commands/its-soak-run.ts';
import { type CrossingConfig, crossingConfig } from '../../src/crossing/crossing-config.ts';
import { Random } from '../../src/math/random.ts';

const crossing = crossingConfig.parse({});
const soak = (seed: number, decisions: number, more: Partial<SoakPlan> = {}) =>
  runSoak({ seed, decisions, crossing, mediator: mediatorConfig.parse({}), ...more });
const HARD = { down: 0.06, lying: 0.04, stale: 0.04, slow: 0.04 };

describe('a soak', () => {
  it('comes to the same from the same seed and to another result from another, without a false GO', async () => {
    const [one, again, other] = [await soak(1, 5000), await soak(1, 5000), await soak(2, 5000)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    for (const result of [one, other]) {
      expect(result).toMatchObject({ decisions: 5000, falseGo: 0, untrue: 0 });
      // Ready for 9.7 s of each cycle of 90 s, at the most.
      expect(result.go).toBeGreaterThan(300);
      expect(result.availability).toBeGreaterThan(0.999);
    }
  });

  it.each([1, 2, 3])('stands four times as much evil without a false GO (seed %d)', async (seed) => {
    const result = await soak(seed, 5000, { shares: HARD });
    expect(result.falseGo).toBe(0);
    expect(result.go).toBeGreaterThan(200);
    expect(result.availability).toBeGreaterThan(0.99);
  });

  it('counts every decision once', async () => {
    const result = await soak(4, 3000, { shares: { down: 0.5, lying: 0.1, stale: 0.1, slow: 0.1 } });
    const sum = (counts: object) => Object.values(counts).reduce((total, count) => total + count, 0);
    expect(result.go + sum(result.wait)).toBe(3000);
    expect(result.usable + sum(result.missed)).toBe(result.anyHonestVendorUp);
    expect(result.anyHonestVendorUp).toBeLessThan(3000);
    expect(result.vendors.map(sum)).toEqual([3000, 3000, 3000]);
  });

  it('sees the false GO of a rule that leaves no room for lag', async () => {
    const rash: CrossingConfig = {
      ...crossing,
      robot: { ...crossing.robot, margin: 0 },
      ageing: { ...crossing.ageing, plausibleLag: 0 },
      rule: { ...crossing.rule, clockError: 0 },
    };
    expect((await soak(1, 2000, { crossing: rash })).falseGo).toBeGreaterThan(0);
  });
});

describe('spells', () => {
  it.each([0.01, 0.3])('take their share of the time, in bursts of 10 to 300 s (%d)', (share) => {
    const spells = new Spells(share, 0, new Random(1));
    const seconds = 3_000_000;
    const bursts: number[] = [];
    let before = false;
    for (let s = 0; s < seconds; s++) {
      const now = spells.holds(1000 * s);
      if (now && !before) bursts.push(0);
      if (now) bursts[bursts.length - 1]!++;
      before = now;
    }
    const held = bursts.reduce((total, length) => total + length, 0);
    expect(held / seconds / share).toBeCloseTo(1, 0);
    // Two may follow each other within a second where pauses are short.
    if (share < 0.1) expect(Math.max(...bursts)).toBeLessThanOrEqual(301);
    expect(Math.min(...bursts)).toBeGreaterThanOrEqual(9);
  });
});
