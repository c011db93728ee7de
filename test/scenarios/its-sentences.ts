import { expect } from 'vitest';
import type { SignalPhase } from '../../src/types.ts';
import { ROAD } from './its-street.ts';
import type { ItsWorld } from './its-world.ts';

/** What each sentence of a scenario does or checks: a pattern and its meaning. */
type Sentence = readonly [
  pattern: RegExp,
  meaning: (world: ItsWorld, ...words: string[]) => void | Promise<void>,
];

const VENDORS = ['mqtt', 'city', 'national'];
const FAULTS: Readonly<Record<string, object>> = {
  'falls silent': { silence: true },
  'answers with a page of HTML': { html: true },
  'says that its quota is used up': { quota: true },
  'stops its clock': { frozenClock: true },
  'counts in a unit that is wrong by ten': { wrongUnit: true },
  'answers a byte a second': { dripping: true },
  'answers with 10 MB': { huge: true },
  'answers with damaged bytes': { garbage: true },
  'answers for another intersection': { wrongId: true },
  'flaps between walk and stop': { flapping: true },
  'shows the light of the other road': { disagreement: true },
  'is well again': {},
};
const said = Object.keys(FAULTS).join('|');

async function spoil(world: ItsWorld, change: object): Promise<void> {
  await world.begin();
  world.city.setFaults({ ...world.city.faults, ...change });
}

const outside: Sentence[] = [
  [
    new RegExp(`^vendor (${VENDORS.join('|')}) (${said})$`),
    (world, vendor, fault) => spoil(world, { [vendor!]: FAULTS[fault!] }),
  ],
  [
    new RegExp(`^every vendor (${said})$`),
    (world, fault) => spoil(world, Object.fromEntries(VENDORS.map((vendor) => [vendor, FAULTS[fault!]]))),
  ],
  [/^the broker is killed$/, (world) => spoil(world, { broker: { down: true } })],
  [/^the broker is started again$/, (world) => spoil(world, { broker: { down: false } })],
  [
    /^(.+) hides the light$/,
    (world, what) => {
      world.hidden = what;
    },
  ],
  [
    /^nothing hides the light$/,
    (world) => {
      world.hidden = undefined;
    },
  ],
  [
    /^the camera sees (stop|walk)$/,
    (world, phase) => {
      world.camera = phase as SignalPhase;
    },
  ],
  [
    /^(.+) is in the way$/,
    (world, what) => {
      world.obstacle = what;
    },
  ],
  [
    /^the way is clear$/,
    (world) => {
      world.obstacle = undefined;
    },
  ],
  [
    /^nobody has surveyed the head$/,
    (world) => {
      world.surveyed = false;
    },
  ],
  [
    /^the map in use becomes version (\d+)$/,
    (world, version) => {
      world.mapVersion = Number(version);
    },
  ],
  [
    /^the robot comes from ([\d.]+) m before the road$/,
    (world, metres) => {
      world.x = ROAD.from - 0.5 - Number(metres);
    },
  ],
  [
    /^the robot starts behind the road$/,
    (world) => {
      world.x = ROAD.to + 3;
    },
  ],
  [
    /^the robot starts before the lift$/,
    (world) => {
      world.x = 80;
    },
  ],
  [/^the doors do not open$/, (world) => spoil(world, { door: { stuck: true } })],
  [
    /^the lift goes into mode (FIRE|EMERGENCY|OFFLINE|AGV)$/,
    (world, mode) => spoil(world, { lift: { mode } }),
  ],
  [/^another robot takes the lift$/, (world) => world.otherTakes('one')],
  [/^the other robot releases the lift$/, (world) => world.otherReleases('one')],
];

const crossed = '(APPROACHING|WAITING|GO|CLEARING|CLEARED)';
const checks: Sentence[] = [
  [
    new RegExp(`^the crossing is ${crossed}(?:, ([a-z-]+))?$`),
    (world, phase, reason) => {
      expect(world.crossing()).toMatchObject({ phase, ...(reason && { reason }) });
    },
  ],
  [new RegExp(`^it comes to ${crossed}$`), (world, phase) => world.wait(() => world.phases.at(-1) === phase)],
  [/^the robot is over the road$/, (world) => world.wait(() => world.x > ROAD.to + 1)],
  [
    new RegExp(`^the crossing never was ${crossed}$`),
    (world, phase) => void expect(world.phases).not.toContain(phase),
  ],
  [/^the robot stands$/, (world) => void expect(world.robot.advice).toMatchObject({ motion: 'stop' })],
  [
    /^the robot stands and says "(.+)"$/,
    async (world, text) => {
      await world.wait(() => world.robot.advice.motion === 'stop', 60);
      expect(world.robot.advice.reason).toContain(text);
    },
  ],
  [/^the robot moves$/, (world) => void expect(world.robot.advice.motion).not.toBe('stop')],
  [/^the robot is before the road$/, (world) => void expect(world.x + 0.5).toBeLessThanOrEqual(ROAD.from)],
  [/^the robot arrives$/, (world) => world.wait(() => world.events.some(({ kind }) => kind === 'arrived'))],
  [
    /^(?:door|lift) (\w+) comes to ([A-Z_]+)(?:, ([a-z-]+))?$/,
    async (world, id, phase, reason) => {
      const isIt = (one: { phase?: unknown; reason?: unknown }) =>
        one.phase === phase && (!reason || one.reason === reason);
      await world.wait(() => world.sessions(id!).some(isIt));
    },
  ],
  [
    /^(?:door|lift) (\w+) never was ([A-Z_]+)$/,
    (world, id, phase) => void expect(world.sessions(id!).map((one) => one.phase)).not.toContain(phase),
  ],
  [
    /^an operator was told ([a-z-]+)$/,
    (world, kind) => void expect(world.events.map((event) => event.kind)).toContain(kind),
  ],
  [
    /^no operator was alarmed$/,
    (world) => void expect(world.events.filter(({ severity }) => severity === 'alarm')).toEqual([]),
  ],
  [
    /^(vendor|broker) (\w+) is (ok|degraded|down)$/,
    (world, kind, name, state) =>
      void expect(world.status?.health.find((row) => row.name === `${kind}:${name}`)).toMatchObject({
        state,
      }),
  ],
];

const SENTENCES = [...outside, ...checks];

/** Does what a sentence says, or checks it. `at N s …` lets time pass until then. */
export async function perform(world: ItsWorld, sentence: string): Promise<void> {
  const [, seconds, rest] = /^(?:at ([\d.]+) s,? )?(.+)$/.exec(sentence)!;
  if (seconds !== undefined && Number(seconds) < world.seconds - 0.05)
    throw new Error(`it is ${world.seconds} s already; put the sentences in order`);
  if (seconds !== undefined) await world.until(Number(seconds));
  for (const [pattern, meaning] of SENTENCES) {
    const match = pattern.exec(rest!);
    if (match) return meaning(world, ...match.slice(1));
  }
  throw new Error(`"${rest}" means nothing; test/scenarios/its-sentences.ts lists what can be said`);
}
