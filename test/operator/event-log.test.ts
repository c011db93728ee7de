import { expect, it } from 'vitest';
import { EventLog } from '../../src/adapters/operator/event-log.ts';
import type { EventFrame } from '../../src/adapters/operator/wire.ts';

const frameOf = (seq: number) => ({ type: 'event', seq, text: 'a kept event' }) as unknown as EventFrame;

it('keeps of an event its own bytes and nothing around them', () => {
  const log = new EventLog(1000, 60_000);
  for (let k = 0; k < 100; k++) {
    const { bytes, seq } = log.append(k, frameOf);
    // Of Node's pool a small buffer would hold 8 kB.
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(JSON.parse(bytes.toString())).toEqual(frameOf(seq));
  }
});

it('forgets by count and by time, and numbers on', () => {
  const log = new EventLog(10, 1000);
  for (let k = 0; k < 30; k++) log.append(10 * k, frameOf);
  expect([log.before, log.last]).toEqual([20, 30]);
  expect([log.at(20), log.at(21)?.seq, log.at(30)?.seq, log.at(31)]).toEqual([undefined, 21, 30, undefined]);
  expect(log.since(280)).toEqual([frameOf(29), frameOf(30)]);
  log.expire(1255);
  expect([log.before, log.at(26), log.at(27)?.seq]).toEqual([26, undefined, 27]);
});
