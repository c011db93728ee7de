import { describe, expect, it } from 'vitest';
import { cityScenarios, parseScenarios } from './city/load.ts';
import { check, prepare, type Scenario } from './city/sentences.ts';
import { CityWorld } from './city/world.ts';

/** `npm run scenarios` runs others too, and tells more: DILLY_SCENARIOS names the groups. */
const groups = (process.env.DILLY_SCENARIOS ?? 'smoke acceptance').split(' ');

for (const group of groups)
  describe(`city, ${group}`, () => {
    for (const [name, scenario] of cityScenarios(group))
      it(name, { timeout: group === 'long' ? 14_400_000 : 600_000 }, async () => {
        const world = new CityWorld();
        prepare(world, scenario);
        await world.run();
        for (const sentence of scenario.then) check(world, sentence);
        if (process.env.DILLY_SCENARIOS) console.log(world.describe());
      });
  });

describe('a scenario of the city', () => {
  const meaning = (lines: string) => {
    const [[, scenario]] = parseScenarios(`one:\n  ${lines}`) as [[string, Scenario]];
    return () => prepare(new CityWorld(), scenario);
  };

  it('fails before it drives where a sentence means nothing', () => {
    const then = 'then: [nothing forbidden is done]';
    expect(meaning(then)).not.toThrow();
    expect(meaning(`given: [a flying robot]\n  ${then}`)).toThrow(/means nothing/);
    expect(meaning(`when: [at 1 s the moon falls]\n  ${then}`)).toThrow(/means nothing/);
    expect(meaning(`when: [the IMU falls silent]\n  ${then}`)).toThrow(/expected "at N s/);
    expect(meaning('then: [all is well]')).toThrow(/means nothing/);
    expect(() => parseScenarios('one:\n  given: [seed 1]')).toThrow(/then/);
  });

  it('fails where what it says is not so, and says what was seen', () => {
    const world = new CityWorld();
    const moment = { reason: undefined, level: 0.2, speed: 1 };
    world.moments = [
      { at: 1, state: 'TRACKING', error: 0.01, ...moment },
      { at: 2, state: 'TRACKING', error: 0.6, ...moment },
    ];
    world.speeds.push({ at: 1, speed: 1 }, { at: 2, speed: 1 });
    for (const sentence of [
      'TRACKING is never wrong',
      'no protection level is false',
      'the error stays below 12 cm',
      'the robot is DEGRADED from 1 s',
      'the robot is LOST, carried, by 2 s',
      'the robot never says TRACKING from 1 s',
      'the robot stands from 1 s to 2 s',
      'at least 1 fixes are used',
      'it is told that tile-hash-mismatch',
    ])
      expect(() => check(world, sentence), sentence).toThrow(/2.00 s|1.00 s TRACKING/);
    expect(() => check(world, 'the error stays below 12 cm from 5 s')).toThrow(/no result between/);
  });
});
