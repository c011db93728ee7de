import { expect } from 'vitest';
import { crossingConfig } from '../../src/crossing/crossing-config.ts';
import type { Resource } from '../../src/crossing/session-types.ts';
import type { LiftState } from '../../src/types/building.ts';
import type { SignalPhase } from '../../src/types.ts';
import type { World } from './world.ts';

/** What each sentence of a scenario does or checks: a pattern and its meaning. */
type Sentence = readonly [pattern: RegExp, meaning: (world: World, ...words: string[]) => void];

const robotOf = (world: World, name: string) => {
  const session = world.robots.get(name);
  if (!session) throw new Error(`robot ${name} has not asked for anything yet`);
  return session;
};
const buildingOf = (world: World, id: string) => {
  const building = world.buildings.get(id);
  if (!building) throw new Error(`nobody has asked for ${id} yet`);
  return building;
};
const phases = 'stop|walk|clearance|dark|fault|unknown';

const vendor: Sentence[] = [
  [
    new RegExp(`^the vendor says (${phases})(?:, ([\\d.]+) s left)?$`),
    (world, phase, left) => {
      const endsAtMs = left === undefined ? undefined : world.nowMs + 1000 * Number(left);
      world.word = { phase: phase as SignalPhase, endsAtMs };
    },
  ],
  [
    new RegExp(`^the vendor says (${phases}), but its time left is refused: .+$`),
    (world, phase) => {
      world.word = { phase: phase as SignalPhase, endsAtMs: undefined };
    },
  ],
  [
    /^the vendor falls silent$/,
    (world) => {
      world.word = undefined;
    },
  ],
  [
    /^the clock of the vendor stops$/,
    (world) => {
      world.frozenAtMs = world.nowMs;
    },
  ],
];

const street: Sentence[] = [
  [
    new RegExp(`^the camera sees (${phases})$`),
    (world, phase) => {
      world.camera = phase as SignalPhase;
    },
  ],
  [
    /^the camera is occluded by (.+)$/,
    (world, what) => {
      world.camera = 'occluded';
      world.hiddenBy = what!;
    },
  ],
  [
    /^there is no camera$/,
    (world) => {
      world.camera = 'none';
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
      const { verifiedAt: _, ...unsurveyed } = world.signal;
      world.signal = unsurveyed;
    },
  ],
  [
    /^the map in use becomes version (\d+)$/,
    (world, version) => {
      world.mapVersion = Number(version);
    },
  ],
  [
    /^the road is ([\d.]+) m wide$/,
    (world, width) => {
      world.signal = { ...world.signal, crossingLength: Number(width) };
    },
  ],
  [
    /^the robot comes from ([\d.]+) m before the stop line$/,
    (world, metres) => {
      world.toStopLine = Number(metres);
    },
  ],
  [
    /^the feed alone may not decide$/,
    (world) => {
      world.config = crossingConfig.parse({ rule: { feedAlone: 'never' } });
    },
  ],
];

const building: Sentence[] = [
  [
    /^robot (\w+) asks for door ([\w-]+)$/,
    (world, robot, id) => world.ask(robot!, { kind: 'door', id: id! }, 3),
  ],
  [
    /^robot (\w+) asks for lift ([\w-]+) from (\w+) to (\w+)$/,
    (world, robot, id, from, to) =>
      world.ask(robot!, { kind: 'lift', id: id!, from: from!, to: to! } satisfies Resource, 10),
  ],
  [/^robot (\w+) moves (?:in|out)$/, (world, robot) => world.give(robot!, { kind: 'enter' })],
  [/^robot (\w+) stands in the car$/, (world, robot) => world.give(robot!, { kind: 'aboard' })],
  [/^robot (\w+) is clear of the door$/, (world, robot) => world.give(robot!, { kind: 'cleared' })],
  [/^robot (\w+) cancels$/, (world, robot) => world.give(robot!, { kind: 'cancel' })],
  [
    /^(?:door|lift) ([\w-]+) stays shut$/,
    (world, id) => {
      buildingOf(world, id!).stuck = true;
    },
  ],
  [
    /^(?:door|lift) ([\w-]+) falls silent$/,
    (world, id) => {
      buildingOf(world, id!).silent = true;
    },
  ],
  [
    /^(?:door|lift) ([\w-]+) answers again$/,
    (world, id) => {
      buildingOf(world, id!).silent = false;
    },
  ],
  [
    /^lift ([\w-]+) goes into mode (FIRE|EMERGENCY|OFFLINE|AGV)$/,
    (world, id, mode) => {
      buildingOf(world, id!).mode = mode as LiftState['mode'];
    },
  ],
];

const checks: Sentence[] = [
  [/^the verdict is GO$/, (world) => expect(world.verdict).toMatchObject({ go: true })],
  [
    /^the verdict is WAIT, ([a-z-]+)$/,
    (world, reason) => expect(world.verdict).toMatchObject({ go: false, reason }),
  ],
  [/^the verdict reads "(.+)"$/, (world, text) => expect(world.verdict.text).toContain(text)],
  [
    /^the robot is (APPROACHING|WAITING|GO|CLEARING|CLEARED)$/,
    (world, phase) => expect(world.crossing.phase).toBe(phase),
  ],
  [
    /^the robot never was (APPROACHING|WAITING|GO|CLEARING|CLEARED)$/,
    (world, phase) => expect(world.phases).not.toContain(phase),
  ],
  [
    /^the robot never stood on the road$/,
    (world) => expect(world.phases.slice(world.phases.indexOf('CLEARING'))).toEqual(['CLEARING', 'CLEARED']),
  ],
  [/^an operator was told ([a-z-]+)$/, (world, kind) => expect(world.told).toContain(kind)],
  [/^no operator was told anything$/, (world) => expect(world.told).toEqual([])],
  [
    /^the session of robot (\w+) is ([A-Z_]+)(?:, ([a-z-]+))?$/,
    (world, robot, phase, reason) => {
      const { phase: found, reason: why } = robotOf(world, robot!);
      expect([found, why]).toEqual([phase, reason]);
    },
  ],
  [
    /^(?:door|lift) ([\w-]+) is held for (?:robot )?(\w+)$/,
    (world, id, robot) => expect(buildingOf(world, id!).holder).toBe(robot === 'nobody' ? '' : `${robot}/1`),
  ],
];

const SENTENCES = [...vendor, ...street, ...building, ...checks];

/**
 * Does what a sentence says, or checks it. `at N s …` lets time pass until then; `then …` without a time lets 2 s
 * pass, in which the vendor speaks twice.
 */
export function perform(world: World, sentence: string): void {
  const [, seconds, then, rest] = /^(?:at ([\d.]+) s,? )?(then )?(.+)$/.exec(sentence)!;
  if (seconds !== undefined && 1000 * Number(seconds) < world.nowMs)
    throw new Error(`"${sentence}": it is ${world.nowMs / 1000} s already; put the sentences in order`);
  if (seconds !== undefined) world.until(Number(seconds));
  else if (then) world.until(world.nowMs / 1000 + 2);
  for (const [pattern, meaning] of SENTENCES) {
    const match = pattern.exec(rest!);
    if (match) return void meaning(world, ...match.slice(1));
  }
  throw new Error(`"${rest}" means nothing; test/scenarios/sentences.ts lists what can be said`);
}
