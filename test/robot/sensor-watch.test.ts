import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SensorWatch } from '../../src/robot/sensor-watch.ts';
import type { SensorMessage } from '../../src/types.ts';

const SILENCE = 3;
const good = (channel: string, kind = 'imu') => ({ kind, channel, stamp: 0n }) as unknown as SensorMessage;
const bad = (channel: string) =>
  ({
    ...{ kind: 'refused', channel, stamp: 0n, reason: 'not-finite' },
    detail: 'expected numbers, found NaN',
  }) as unknown as SensorMessage;
const states = (watch: SensorWatch, nowMs: number) =>
  Object.fromEntries(watch.rows(nowMs, SILENCE).map(({ name, state }) => [name, state]));

it('calls a sensor down once it was silent for longer than that, and ok again with its next message', () => {
  const watch = new SensorWatch();
  expect(watch.rows(0, SILENCE)).toEqual([]);
  watch.heard(good('imu'), 1000);
  watch.heard(good('points'), 1000);
  expect(states(watch, 4000)).toEqual({ 'sensor:imu': 'ok', 'sensor:points': 'ok' });
  watch.heard(good('points'), 4000);
  expect(states(watch, 4001)).toEqual({ 'sensor:imu': 'down', 'sensor:points': 'ok' });
  expect(watch.rows(11_000, SILENCE)[0]!.text).toBe('last good message 10.0 s ago');
  watch.heard(good('imu'), 12_000);
  expect(states(watch, 12_000)).toEqual({ 'sensor:imu': 'ok', 'sensor:points': 'down' });
});

it('calls one degraded while some of its messages are refused, with the reason, and down where all are', () => {
  const watch = new SensorWatch();
  for (let ms = 0; ms <= 5000; ms += 100) {
    watch.heard(bad('a'), ms);
    watch.heard(ms % 200 === 0 ? good('b') : bad('b'), ms);
  }
  const [a, b] = watch.rows(5000, SILENCE);
  expect(a).toMatchObject({ state: 'down' });
  expect(a!.text).toBe('never a good message; refused: not-finite: expected numbers, found NaN');
  expect(b).toMatchObject({ state: 'degraded' });
  watch.heard(good('b'), 8001);
  expect(states(watch, 8001)['sensor:b']).toBe('ok');
});

it('asks no second message of what comes once', () => {
  const watch = new SensorWatch();
  watch.heard(good('mount', 'mount'), 0);
  watch.heard(good('pose', 'pose'), 0);
  expect(watch.rows(60_000, SILENCE)).toEqual([]);
});

it('never calls a sensor better for having waited', () => {
  const rank = { ok: 0, degraded: 1, down: 2 };
  const heard = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 10_000 })), { minLength: 1 });
  fc.assert(
    fc.property(heard, fc.integer({ min: 0, max: 20_000 }), (messages, wait) => {
      const watch = new SensorWatch();
      const sorted = [...messages].sort((a, b) => a[1] - b[1]);
      for (const [isGood, ms] of sorted) watch.heard(isGood ? good('x') : bad('x'), ms);
      const last = sorted.at(-1)![1];
      const at = (ms: number) => rank[watch.rows(ms, SILENCE)[0]!.state];
      // A refusal that was long ago is forgiven: only what is down stays so.
      if (at(last) === rank.down) expect(at(last + wait)).toBe(rank.down);
      if (wait > 1000 * SILENCE) expect(at(last + wait)).toBe(rank.down);
    }),
    { seed: 6, numRuns: 300 },
  );
});
