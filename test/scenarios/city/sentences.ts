import { expect } from 'vitest';
import { block, vehicle } from '../../../src/adapters/sim/city/solid.ts';
import { yawOf } from '../../../src/math/so3.ts';
import { damagedMap, servedMap, wallMap } from './maps.ts';
import type { Moment } from './moments.ts';
import { type CityWorld, type Event, SMALL } from './world.ts';

type Sentence = readonly [pattern: RegExp, meaning: (world: CityWorld, ...words: string[]) => void];

const PAVEMENT = -9.5;

/** What stands ready before the drive begins. */
const given: Sentence[] = [
  [
    /^a drive of at most ([\d.]+) s$/,
    (world, s) => {
      world.seconds = Number(s);
    },
  ],
  [
    /^seed (\d+)$/,
    (world, n) => {
      world.seed = Number(n);
    },
  ],
  [
    /^a robot on the pavement, ([\d.]+) m before the crossing$/,
    (world, m) => {
      world.start = [44 - Number(m), PAVEMENT, 0];
    },
  ],
  [
    /^heavy rain of ([\d.]+) mm\/h$/,
    (world, mm) => {
      world.rain = Number(mm);
    },
  ],
  [
    /^a street half full of trucks that are not in the map$/,
    (world) => {
      // Nose to tail along the kerb, and a second row across the road: half of what the pavement sees.
      for (const [row, from] of [
        [-5.6, -34],
        [5.6, -30],
      ] as const)
        for (let u = from; u < 36; u += 8.6) world.extras.push(...vehicle('truck', u, row, 0));
    },
  ],
  [
    /^a hoarding that hides the facade beside the way$/,
    (world) => void world.extras.push(block('hoarding', 'paint', [-26, -11.6, 0], [24, -11.4, 3.5])),
  ],
  [
    /^a plain long wall with something to hold on to only where the robot begins$/,
    (world) => {
      world.openMap = wallMap;
    },
  ],
  [
    /^a LiDAR that sees (\d+) m$/,
    (world, metres) => {
      world.lidar = { ...SMALL, maxRange: Number(metres) };
    },
  ],
  [
    /^a map from the map service$/,
    (world) => {
      world.openMap = servedMap;
    },
  ],
  [
    /^a map whose tile (\S+) is damaged$/,
    (world, id) => {
      world.openMap = () => damagedMap(id!);
    },
  ],
  [
    /^no satellite is seen$/,
    (world) =>
      void world.faults.push((drive) => {
        drive.faults.gnssSilent = true;
      }),
  ],
  [
    /^a robot that goes to the lobby and back, (\d+) times$/,
    (world, times) => {
      world.pois = Array.from({ length: Number(times) }, () => ['lobby', 'hub']).flat();
    },
  ],
  [
    /^a look at the memory every ([\d.]+) s$/,
    (world, s) => {
      world.memory.every = Number(s);
    },
  ],
];

type Doing = readonly [pattern: RegExp, meaning: (world: CityWorld, ...words: string[]) => Event['run']];

/** What happens at a time. */
const when: Doing[] = [
  [
    /^fixes are ([\d.]+) m off$/,
    (_, m) => (drive) => {
      drive.faults.gnssOffset = [0.6 * Number(m), 0.8 * Number(m)];
    },
  ],
  [
    /^fixes are right again$/,
    () => (drive) => {
      drive.faults.gnssOffset = [0, 0];
    },
  ],
  [
    /^the LiDAR falls silent$/,
    () => (drive) => {
      drive.faults.lidarSilent = true;
    },
  ],
  [
    /^the LiDAR speaks again$/,
    () => (drive) => {
      drive.faults.lidarSilent = false;
    },
  ],
  [
    /^the IMU falls silent$/,
    () => (drive) => {
      drive.faults.imuSilent = true;
    },
  ],
  [
    /^the IMU speaks again$/,
    () => (drive) => {
      drive.faults.imuSilent = false;
    },
  ],
  [
    /^somebody carries the robot ([-\d.]+) m on in ([\d.]+) s$/,
    (_, m, s) => (drive) => drive.lift(Number(m), 0, 0, Number(s)),
  ],
  [/^the robot is switched to a place ([-\d.]+) m on$/, (_, m) => (drive) => drive.carry(Number(m), 0, 0)],
  [/^the map service dies$/, (world) => () => world.map.endService!()],
  [
    /^an operator shows the robot its place, ([\d.]+) m off$/,
    (_, m) => async (drive, runtime) => {
      const [x, y] = drive.body.pose.position;
      const yaw = yawOf(drive.body.pose.orientation);
      const answer = await runtime.command({ kind: 'relocalise', x: x + Number(m), y, yaw });
      expect(answer).toMatchObject({ ok: true });
    },
  ],
  [/^the runtime is started again$/, () => (_, runtime) => runtime.restart()],
  [
    /^it rains ([\d.]+) mm\/h$/,
    (_, mm) => (drive) => {
      drive.rain = Number(mm);
    },
  ],
];

const worst = (moments: readonly Moment[]) => Math.max(...moments.map(({ error = 0 }) => error));
const isPlaced = ({ state }: Moment) => state === 'TRACKING' || state === 'DEGRADED';

/** What was seen. */
const then: Sentence[] = [
  [/^the delivery is done$/, ({ result }) => expect(result.delivered).toBe(true)],
  [/^the delivery is not done$/, ({ result }) => expect(result.delivered).toBe(false)],
  [
    /^nothing forbidden is done$/,
    ({ result }) => expect([result.wallsCrossed, result.enteredOnRed]).toEqual([0, 0]),
  ],
  [
    // An alarm is due within 0.3 s: so long, TRACKING may be told by one whom somebody has just carried away.
    /^TRACKING is never wrong$/,
    ({ moments }) => {
      let since = Number.NaN;
      for (const { at, state, error = 0 } of moments) {
        if (state !== 'TRACKING' || error < 0.5) since = at;
        expect(at - since, `TRACKING with an error above 50 cm from ${since} s to ${at} s`).toBeLessThan(
          0.35,
        );
      }
    },
  ],
  [
    /^no protection level is false$/,
    ({ moments }) =>
      expect(moments.filter((m) => isPlaced(m) && m.level !== undefined && m.error! > m.level)).toEqual([]),
  ],
  [
    /^the error stays below ([\d.]+) cm(?: from ([\d.]+) s(?: to ([\d.]+) s)?)?$/,
    (world, cm, from = '0', to = 'Infinity') =>
      expect(worst(world.between(Number(from), Number(to)).filter(isPlaced))).toBeLessThan(Number(cm) / 100),
  ],
  [
    /^the error exceeds ([\d.]+) cm$/,
    ({ moments }, cm) => expect(worst(moments)).toBeGreaterThan(Number(cm) / 100),
  ],
  [
    /^the robot is (\w+) from ([\d.]+) s(?: to ([\d.]+) s)?$/,
    (world, state, from, to = 'Infinity') =>
      expect([...new Set(world.between(Number(from), Number(to)).map((m) => m.state))]).toEqual([state]),
  ],
  [
    /^the robot is (\w+), ([\w-]+), by ([\d.]+) s$/,
    (world, state, reason, by) => {
      const found = world.between(0, Number(by)).map((m) => [m.state, m.reason]);
      expect(found).toContainEqual([state, reason]);
    },
  ],
  [
    /^the robot is (\w+) by ([\d.]+) s$/,
    (world, state, by) =>
      expect(world.between(Number(by) - 0.15, Number(by) + 0.15).map((m) => m.state)).toContain(state),
  ],
  [
    /^the robot never says (\w+) from ([\d.]+) s(?: to ([\d.]+) s)?$/,
    (world, state, from, to = 'Infinity') =>
      expect(world.between(Number(from), Number(to)).filter((m) => m.state === state)).toEqual([]),
  ],
  [
    /^the robot stands from ([\d.]+) s to ([\d.]+) s$/,
    ({ speeds }, from, to) => {
      const then = speeds.filter(({ at }) => at >= Number(from) && at <= Number(to));
      expect(then.length).toBeGreaterThan(0);
      expect(Math.max(...then.map(({ speed }) => speed))).toBeLessThan(0.05);
    },
  ],
  [
    /^the robot is faster than ([\d.]+) m\/s at some time from ([\d.]+) s$/,
    (world, speed, from) =>
      expect(Math.max(...world.between(Number(from), Infinity).map((m) => m.speed))).toBeGreaterThan(
        Number(speed),
      ),
  ],
  [
    /^no fix is used from ([\d.]+) s to ([\d.]+) s$/,
    ({ updates }, from, to) =>
      expect(
        updates.filter(
          (u) => u.sensor === 'gnss' && u.accepted && u.at >= Number(from) && u.at <= Number(to),
        ),
      ).toEqual([]),
  ],
  [
    /^at least (\d+) fixes are used(?: from ([\d.]+) s)?$/,
    ({ updates }, n, from = '0') =>
      expect(
        updates.filter((u) => u.sensor === 'gnss' && u.accepted && u.at >= Number(from)).length,
      ).toBeGreaterThanOrEqual(Number(n)),
  ],
  [
    /^it is told that (.+)$/,
    ({ health }, text) =>
      expect(
        [...health].some((row) => row.includes(text!)),
        [...health].join('\n'),
      ).toBe(true),
  ],
  [
    /^at least (\d+) tiles are loaded$/,
    ({ result }, n) => expect(result.tilesLoaded).toBeGreaterThanOrEqual(Number(n)),
  ],
  [
    /^the memory grows by less than ([\d.]+) MB an hour$/,
    ({ memory }, mb) => expect(memory.growth('heap') / 1e6).toBeLessThan(Number(mb)),
  ],
  [
    /^the process grows by less than ([\d.]+) MB an hour$/,
    ({ memory }, mb) => expect(memory.growth('outside') / 1e6).toBeLessThan(Number(mb)),
  ],
];

function meaningOf<T>(text: string, sentences: readonly (readonly [RegExp, T])[]): [T, string[]] {
  for (const [pattern, meaning] of sentences) {
    const match = pattern.exec(text);
    if (match) return [meaning, match.slice(1)];
  }
  throw new Error(`"${text}" means nothing; test/scenarios/city/sentences.ts lists what can be said`);
}

export interface Scenario {
  readonly given?: readonly string[] | undefined;
  readonly when?: readonly string[] | undefined;
  readonly then: readonly string[];
}

/** Sets up what is given, and when what happens. Throws on a sentence that means nothing, whichever it is. */
export function prepare(world: CityWorld, scenario: Scenario): void {
  for (const sentence of scenario.given ?? []) {
    const [meaning, words] = meaningOf(sentence, given);
    meaning(world, ...words);
  }
  for (const sentence of scenario.when ?? []) {
    const [, at, rest] = /^at ([\d.]+) s (.+)$/.exec(sentence) ?? [];
    if (rest === undefined) throw new Error(`"${sentence}": expected "at N s ..."`);
    const [meaning, words] = meaningOf(rest, when);
    world.events.push({ at: Number(at), run: meaning(world, ...words) });
  }
  for (const sentence of scenario.then) meaningOf(sentence, then);
}

/** Holds what was seen against what is said; the message of a failure says what was seen. */
export function check(world: CityWorld, sentence: string): void {
  const [meaning, words] = meaningOf(sentence, then);
  try {
    meaning(world, ...words);
  } catch (error) {
    (error as Error).message = `"${sentence}"\n${(error as Error).message}\n${world.describe()}`;
    throw error;
  }
}
