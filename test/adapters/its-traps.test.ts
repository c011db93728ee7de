import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cityRow } from '../../src/adapters/its/city-rows.ts';
import { type HttpFeed, HttpVendor } from '../../src/adapters/its/http-vendor.ts';
import { cityFeed, nationalFeed } from '../../src/adapters/its/korean-feeds.ts';
import { crosswalkGroups } from '../../src/adapters/its/map-uper.ts';
import { readPayload } from '../../src/adapters/its/payload.ts';
import { spatToUper } from '../../src/adapters/its/simulate/spat-write.ts';
import { type SpatIntersection, STATUS_BITS, spatStates } from '../../src/adapters/its/spat.ts';
import { machineTiming } from '../../src/adapters/its/timing.ts';
import { crossingConfig } from '../../src/crossing/crossing-config.ts';
import { mayCross } from '../../src/crossing/go-rule.ts';
import { ageSignal } from '../../src/crossing/signal-ageing.ts';
import type { SignalState } from '../../src/types.ts';
import { realData } from '../data.ts';
import { httpConfig, listen } from './its-fakes.ts';
import { cityRecord, mapBytes, signal } from './its-samples.ts';

/*
 * The traps of the real feeds, one test each, on real bytes changed as little as the trap needs; without DILLY_DATA the
 * same on a hand-made message. CONTRIBUTING.md has the list.
 */

type Body = Record<string, unknown>;

/** The record of a real answer of T-Data in which the head wt walks, as its server sent it. */
function fusion(): Body {
  const file = realData('v2x-korea/tdata-fusion-itst123-wiremock.json');
  if (file) return JSON.parse(readFileSync(file, 'utf8')).response.jsonBody;
  return cityRecord({
    itstId: '123',
    etPdsgRmdrCs: null,
    wtPdsgStatNm: 'protected-Movement-Allowed',
    wtPdsgRmdrCs: 300.0,
  });
}

/** The same record as KLID spells it. */
function klid(row: Body, id = { stdgCd: '1100000000', crsrdId: '123' }): unknown {
  const time = new Date(Number(row.trsmUtcTime) + 9 * 3_600_000).toISOString();
  const fields = Object.entries(row)
    .filter(([key]) => /sg(?:RmdrCs|StatNm)$/.test(key))
    .map(([key, value]) => [key.replace('RmdrCs', 'RmndCs').replace('StatNm', 'SttsNm'), value]);
  const item = { ...id, totDt: time.replaceAll(/\D/g, '').slice(0, 14), ...Object.fromEntries(fields) };
  return {
    header: { resultCode: 'K0', resultMsg: 'NORMAL_SERVICE' },
    body: { pageNo: 1, numOfRows: 10, totalCount: 1, items: { item: [item] } },
  };
}

interface Heard {
  readonly states: SignalState[];
  readonly reasons: string[];
}

/** What a vendor makes of bodies that come one after the other over HTTP. */
async function hear(
  bodies: readonly (string | object)[],
  { national = false, unitsPerSecond = 10, status = 200 } = {},
): Promise<Heard> {
  let next = 0;
  const { url, server } = await listen((_, response) => {
    const body = bodies[next++]!;
    response.statusCode = status;
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  const kind = national ? 'national-http' : 'city-http';
  const feed: HttpFeed = national ? nationalFeed(url, 'KEY') : cityFeed(url, 'KEY', 'fusion');
  const heard: Heard = { states: [], reasons: [] };
  const context = {
    timing: machineTiming,
    chance: Math.random,
    onStates: () => {},
    onNote: (_: string, { reason }: { reason: string }) => void heard.reasons.push(reason),
  };
  const vendor = new HttpVendor(httpConfig(kind, url, { unitsPerSecond }), context, feed);
  const ours = signal({ externalId: national ? '1100000000:123' : '123', head: 'wt' });
  vendor.watch([ours]);
  try {
    for (const _ of bodies) {
      const answer = await vendor.ask([ours], machineTiming.nowMs() + 2000);
      if (answer.ok) heard.states.push(...answer.states);
      else heard.reasons.push(answer.reason);
    }
  } finally {
    await vendor.close();
    server.close();
  }
  return heard;
}

/** The record for 8 s, one a second, its count falling by `fall` a second. */
const falling = (fall: number, start = 300): Body[] =>
  Array.from({ length: 8 }, (_, second) => {
    const body = fusion();
    const trsmUtcTime = Number(body.trsmUtcTime) + 1000 * second;
    return { ...body, trsmUtcTime, wtPdsgRmdrCs: start - fall * second };
  });

const lefts = ({ states }: Heard) => states.map(({ remaining }) => remaining?.min);

describe('a trap of the Korean feeds', () => {
  it('the count is in tenths of a second, and is used only once it was seen to fall so', async () => {
    const none = [undefined, undefined, undefined, undefined, undefined];
    expect(lefts(await hear(falling(10)))).toEqual([...none, 25, 24, 23]);
  });

  it.each([0, 1, 100])('a count that falls by %d a second is never used', async (fall) => {
    const heard = await hear(falling(fall, 3000));
    expect(heard.states.map(({ phase }) => phase)).toEqual(Array(8).fill('walk'));
    expect(lefts(heard)).toEqual(Array(8).fill(undefined));
    expect(heard.reasons).toContain('unit-wrong');
  });

  it('KLID may count in thousandths: then it is used only where that is configured', async () => {
    const bodies = falling(1000, 30_000).map((row) => klid(row) as object);
    expect(lefts(await hear(bodies, { national: true }))).toEqual(Array(8).fill(undefined));
    const told = await hear(bodies, { national: true, unitsPerSecond: 1000 });
    expect(lefts(told).slice(5)).toEqual([25, 24, 23]);
  });

  it.each([36_000, 36_001, 65_535, -1, null, ''])('%j means unknown, proven unit or not', async (raw) => {
    const bodies = falling(10);
    const { states } = await hear([...bodies.slice(0, 7), { ...bodies[7], wtPdsgRmdrCs: raw }]);
    expect(states[6]!.remaining?.min).toBe(24);
    expect(states[7]).not.toHaveProperty('remaining');
  });

  it('the remaining time is that of whatever state shows', async () => {
    const bodies = falling(10).map((row) => ({ ...row, wtPdsgStatNm: 'stop-And-Remain' }));
    expect((await hear(bodies)).states.at(-1)).toMatchObject({ phase: 'stop', remaining: { min: 23 } });
  });

  it.each([
    ['PROTECTED-movement-ALLOWED', 'walk'],
    ['protected-clearance', 'clearance'],
    ['permissive-clearance', 'clearance'],
    ['protected-Movement-Allowed ', 'walk'],
    ['protected-Movement-Allowed-x', 'unknown'],
    ['Movement-Allowed', 'unknown'],
    ['green', 'unknown'],
  ])('the state %j is %s', async (wtPdsgStatNm, phase) => {
    expect((await hear([{ ...fusion(), wtPdsgStatNm }])).states[0]!.phase).toBe(phase);
  });

  it('timing alone has no states', async () => {
    const timing = Object.fromEntries(Object.entries(fusion()).filter(([key]) => !key.endsWith('StatNm')));
    expect((await hear([timing])).reasons).toEqual(['no-such-head', 'no-such-head']);
    const real = realData('v2x-korea/tdata-timing-itst2691-20230802.json');
    if (!real) return;
    // Its stamp has the form 1.690902000151E12.
    expect(cityRow(readFileSync(real), '2691').sourceTime).toBe(1_690_902_000_151);
  });

  it('KLID spells its fields its own way, wraps its rows, and stamps in Korean time', async () => {
    const { states } = await hear([klid(fusion()) as object], { national: true });
    const second = Math.floor(Number(fusion().trsmUtcTime) / 1000) * 1000;
    expect(states[0]).toMatchObject({ phase: 'walk', sourceTime: second });
  });

  it('an id of KLID is unique within its municipality only', async () => {
    const other = klid(fusion(), { stdgCd: '2600000000', crsrdId: '123' }) as object;
    expect((await hear([other], { national: true })).reasons).toEqual(['wrong-id']);
  });

  it.each([
    ['an HTML page with status 200', '<!DOCTYPE html><html><body>점검 중</body></html>', 200, 'html-body'],
    ['a quota inside JSON', { responseCode: 429, message: 'Rate limit exceeded.' }, 200, 'quota'],
    ['another intersection', { ...fusion(), itstId: '124' }, 200, 'wrong-id'],
    ['404 for a key that is not approved', '{}', 404, 'not-approved'],
  ])('%s', async (_, body, status, reason) => {
    expect((await hear([body], { status })).reasons).toEqual([reason]);
  });

  it('a lag of 2 to 5 s that all answers share is taken off the time left', () => {
    const config = crossingConfig.parse({});
    const state = (at: number, min: number): SignalState => ({
      ...{ signalId: 's1', phase: 'walk', remaining: { min }, provider: 'city', raw: null },
      ...{ sourceTime: 1e12 + at - 4000, timingSourceTime: 1e12 + at - 4000, receivedAtMs: at },
    });
    const verdict = (min: number) => {
      const answer = ageSignal(
        ageSignal(undefined, state(0, min + 1), config.ageing),
        state(1000, min),
        config.ageing,
      );
      return mayCross(
        {
          ...{ signal: signal(), signalMapVersion: 1, mapVersion: 1, answer },
          camera: { kind: 'occluded', seenAtMs: 1000 },
          obstacles: { veto: false, checkedAtMs: 1000 },
        },
        1000,
        config,
      );
    };
    // 1 s + 13 m at 1.2 m/s + 3 s margin, 0.5 s for the clocks, 5 s for what lies unseen: 20.33 s.
    expect(verdict(20.3)).toMatchObject({ go: false, reason: 'time-too-short' });
    expect(verdict(20.4)).toMatchObject({ go: true });
  });
});

/** A real SPaT in UPER of intersection 12111. */
function spat(): Uint8Array {
  const file = realData('v2x-j2735/ode/spat-valid.uper.hex');
  if (file) return Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
  const movements = [1, 2].map((signalGroup) => ({
    ...{ signalGroup, eventState: signalGroup === 2 ? 'protected-movement-allowed' : 'stop-and-remain' },
    ...{ minEnd: { tenths: 22_120 }, maxEnd: { tenths: 22_121 } },
  }));
  return spatToUper([{ id: 12_111, status: 0, timeStamp: 35_176, movements }]);
}

/** 35.176 s after a minute, and 2195.176 s after the hour. */
const WALL = Date.UTC(2024, 11, 10, 17, 36, 35, 176);
const walker = signal({ externalId: '12111', head: '2' });

function spatOf(bytes: Uint8Array): SpatIntersection {
  const read = readPayload(bytes);
  if (read.kind !== 'spat') throw new Error('a MAP');
  return read.intersections[0]!;
}
function stateOf(bytes: Uint8Array, wall = WALL): SignalState | undefined {
  const receipt = { provider: 'mqtt', receivedAtMs: 7, receivedWallMs: wall };
  return spatStates([spatOf(bytes)], [walker], receipt).states[0];
}
/** The message with another second of the minute and another end of group 2, written out again. */
function moved(timeStamp: number, tenths: number): Uint8Array {
  const one = spatOf(spat());
  const end = { minEnd: { tenths }, maxEnd: { tenths } };
  const movements = one.movements.map((m) => (m.signalGroup === 2 ? { ...m, ...end } : m));
  return spatToUper([{ ...one, timeStamp, movements }]);
}

describe('a trap of J2735', () => {
  it('the message as it came: group 2 walks for 16.8 s more', () => {
    const state = stateOf(spat());
    expect(state).toMatchObject({ phase: 'walk', sourceTime: WALL });
    expect(state!.remaining!.min).toBeCloseTo(16.824, 6);
  });

  it('each bit of the status that means a fault is one, in the very bytes', () => {
    const fault = /manual|stopTime|failure|preempt|standby|^off$/;
    const seen = new Map<string, string>();
    const whole = spat();
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Uint8Array.from(whole);
      flipped[bit >> 3]! ^= 0x80 >> (bit & 7);
      let one: SpatIntersection;
      try {
        one = spatOf(flipped);
      } catch {
        continue;
      }
      const name = one.id === 12_111 ? STATUS_BITS[Math.log2(one.status)] : undefined;
      if (name) seen.set(name, stateOf(flipped)!.phase);
    }
    expect([...seen.keys()].sort()).toEqual([...STATUS_BITS].sort());
    for (const [name, phase] of seen)
      expect([name, phase]).toEqual([
        name,
        fault.test(name) ? 'fault' : name.startsWith('noValidSPAT') ? 'unknown' : 'walk',
      ]);
  });

  it('the marks count tenths of the hour and wrap at 36000', () => {
    const wall = Date.UTC(2024, 11, 10, 17, 59, 55);
    for (const [tenths, left] of [
      [35_999, 4.9],
      [0, 5],
      [120, 17],
    ] as const)
      expect(stateOf(moved(55_000, tenths), wall)!.remaining!.min).toBeCloseTo(left, 6);
    // Over for 5 s.
    expect(stateOf(moved(55_000, 35_900), wall)!.remaining!.min).toBe(0);
    for (const unknown of [36_000, 36_001, 36_111])
      expect(stateOf(moved(55_000, unknown), wall)).not.toHaveProperty('remaining');
  });

  it('a group that stands over no crosswalk of the MAP is a light for cars', () => {
    const groups = (bytes: Uint8Array) => {
      const read = readPayload(bytes);
      return read.kind === 'map' ? [...crosswalkGroups(read.intersections[0]!)] : undefined;
    };
    expect(groups(mapBytes('0001', 10))).toEqual([10]);
    expect(groups(mapBytes('0000', 10))).toEqual([]);
    const file = realData('v2x-j2735/ode/map-valid.uper.hex');
    if (!file) return;
    const whole = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
    const read = readPayload(whole);
    const lanes = read.kind === 'map' ? read.intersections[0]!.lanes : [];
    const forCars = lanes.filter(({ type }) => type === 'vehicle').flatMap(({ connections }) => connections);
    expect(forCars.length).toBeGreaterThan(0);
    for (const { signalGroup } of forCars) expect(groups(whole)).not.toContain(signalGroup);
  });
});
