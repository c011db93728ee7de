import { describe, expect, it } from 'vitest';
import { DOOR, Driven, door, LIFT, lift, OURS } from './session-cases.ts';

const granted = () => new Driven(DOOR).at(0, 'begin').answered(1, 'granted');
const open = () => granted().at(2, door(2000));
const passing = () => open().at(3, 'enter');
const inLift = () =>
  new Driven(LIFT).at(0, 'begin').answered(1, 'granted').at(2, lift(2000)).at(3, 'enter').at(6, 'aboard');

describe('a session at a door', () => {
  it('goes the way of the contract', () => {
    const run = new Driven(DOOR)
      .at(0, 'begin')
      .answered(1, 'queued')
      .answered(5, 'granted')
      .at(6, door(6000));
    run.at(7, 'enter').at(9, 'cleared').answered(10, 'released');
    expect(run.phases).toEqual([
      'REQUESTED',
      'QUEUED',
      'GRANTED',
      'OPEN_CONFIRMED',
      'PASSING',
      'CLEARED',
      'RELEASED',
    ]);
    expect(run.session.reason).toBeUndefined();
    expect(run.told).toEqual([]);
    expect(run.sent[0]).toEqual({ kind: 'acquire', resourceId: 'lobby-door', sessionId: OURS, sequence: 1 });
    expect(run.sent.at(-1)).toEqual({ ...run.sent[0], kind: 'release', sequence: 2 });
  });

  it('repeats an unanswered request by the same sequence, also while it waits', () => {
    const run = new Driven(DOOR).at(0, 'begin').until(3).answered(3.5, 'queued').until(6);
    expect(new Set(run.sent.map(({ sequence }) => sequence))).toEqual(new Set([1]));
    expect(run.sent.length).toBeGreaterThan(4);
  });

  it('begins once', () => {
    const run = new Driven(DOOR).at(0, 'begin').at(0.1, 'begin');
    expect(run.sent).toHaveLength(1);
  });

  it.each([
    ['another session', { sessionId: 'robot-b/9' }],
    ['an older request', { sequence: 0 }],
    ['no lease', { leaseSeconds: 0 }],
    ['a lease without end', { leaseSeconds: Number.POSITIVE_INFINITY }],
    ['a lease that is not a number', { leaseSeconds: Number.NaN }],
  ])('does not heed a grant for %s', (_, more) => {
    expect(new Driven(DOOR).at(0, 'begin').answered(1, 'granted', more).session.phase).toBe('REQUESTED');
  });

  it('asks for more time when half the lease is gone, and has it', () => {
    const run = granted().at(2, door(2000)).at(3, 'enter').until(31);
    expect(run.sent.at(-1)).toMatchObject({ kind: 'acquire', sequence: 2 });
    run.answered(32, 'granted').until(62);
    expect(run.session).toMatchObject({ phase: 'PASSING', leaseUntilMs: 92_000 });
    expect(run.sent.at(-1)).toMatchObject({ sequence: 3 });
  });

  it.each([
    ['CLOSED', { mode: 'CLOSED' as const }],
    ['MOVING', { mode: 'MOVING' as const }],
    ['OFFLINE', { mode: 'OFFLINE' as const }],
    ['UNKNOWN', { mode: 'UNKNOWN' as const }],
    ['open for another', { sessionId: 'robot-b/9' }],
    ['another door', { doorId: 'side-door' }],
    ['of long ago', { receivedAtMs: -2000 }],
    ['from the future', { receivedAtMs: 9000 }],
  ])('does not go in when the door is %s', (_, more) => {
    expect(granted().at(2, door(2000, more)).at(2.5, 'enter').session.phase).toBe('GRANTED');
  });

  it('does not go in before it is granted, however open the door is', () => {
    const run = new Driven(DOOR).at(0, 'begin').at(1, door(1000)).at(1.5, 'enter');
    expect(run.session.phase).toBe('REQUESTED');
  });

  it('does not go in by a state that has become old, and does by a new one', () => {
    const run = open().until(6).at(6.5, 'enter');
    expect(run.session).toMatchObject({
      phase: 'GRANTED',
      text: expect.stringMatching(/4\.5 s ago|4\.0 s ago/),
    });
    expect(run.at(7, door(7000)).at(7.1, 'enter').session.phase).toBe('PASSING');
  });

  it('does not go in by a lease that ends at once', () => {
    const run = new Driven(DOOR).at(0, 'begin').answered(1, 'granted', { leaseSeconds: 9 }).at(2, door(2000));
    expect(run.at(2.1, 'enter').session.phase).toBe('OPEN_CONFIRMED');
    expect(run.until(12).session).toMatchObject({ phase: 'FAILED', reason: 'lease-lost' });
  });

  it('takes a state that arrives late for what it is', () => {
    const run = open().at(2.5, door(1500, { mode: 'CLOSED' }));
    expect(run.session.phase).toBe('OPEN_CONFIRMED');
  });

  it.each([
    ['no-answer', 10, () => new Driven(DOOR).at(0, 'begin')],
    ['queue-too-long', 601, () => new Driven(DOOR).at(0, 'begin').answered(1, 'queued')],
    ['never-opened', 121, () => granted().answered(2, 'granted', { leaseSeconds: 900 })],
    ['lease-lost', 61, () => granted()],
    ['passing-too-long', 93, () => passing().answered(3, 'granted', { leaseSeconds: 900 })],
  ])('fails with %s after %s s, tells it, and releases', (reason, seconds, make) => {
    const run = make().until(seconds - 1);
    expect(run.session.phase).not.toBe('FAILED');
    run.until(seconds);
    expect(run.session).toMatchObject({ phase: 'FAILED', reason });
    expect(run.told).toEqual([reason]);
    if (run.session.inside) run.at(seconds + 0.5, 'cleared');
    expect(run.releases).toBe(1);
    expect(run.answered(seconds + 0.9, 'released').session).toMatchObject({ phase: 'RELEASED', reason });
  });

  it('fails when the robot does not move in, however the door flaps', () => {
    const run = open();
    for (let t = 3; t < 22; t++) run.at(t, door(1000 * t, { mode: t % 2 ? 'MOVING' : 'OPEN' }));
    expect(run.session.phase).toMatch(/GRANTED|OPEN_CONFIRMED/);
    expect(run.at(22, door(22_000)).session).toMatchObject({ phase: 'FAILED', reason: 'not-entered' });
  });

  it('says who took what was granted', () => {
    const run = granted().answered(2, 'granted', { leaseSeconds: 900 });
    for (let t = 3; t <= 121; t++) run.at(t, door(1000 * t, { sessionId: 'robot-b/9' }));
    expect(run.session).toMatchObject({
      reason: 'taken',
      text: expect.stringMatching(/held for robot-b\/9/),
    });
  });

  it('is refused with the words of the vendor', () => {
    const run = new Driven(DOOR).at(0, 'begin').answered(1, 'refused');
    expect(run.session).toMatchObject({ phase: 'REFUSED', text: 'lobby-door refuses: no robots' });
    expect(run.told).toEqual(['refused']);
    expect(run.answered(2, 'released').session).toMatchObject({ phase: 'RELEASED', reason: 'refused' });
  });

  it('gives up what the vendor takes back, but leaves first', () => {
    expect(open().answered(3, 'refused').session).toMatchObject({ phase: 'FAILED', reason: 'lease-lost' });
    const inside = passing().answered(4, 'released').answered(5, 'refused');
    expect(inside.session).toMatchObject({ phase: 'PASSING', reason: 'lease-lost' });
    expect(inside.told).toEqual(['lease-lost']);
    expect(inside.at(6, 'cleared').session.phase).toBe('CLEARED');
  });

  it('leaves when the lease runs out while it is inside, and tells it', () => {
    const run = passing().until(70);
    expect(run.session).toMatchObject({ phase: 'PASSING', reason: 'lease-lost' });
    expect(run.told).toEqual(['lease-lost']);
  });
});

describe('cancel', () => {
  it.each([
    ['REQUESTED', () => new Driven(DOOR).at(0, 'begin')],
    ['QUEUED', () => new Driven(DOOR).at(0, 'begin').answered(1, 'queued')],
    ['GRANTED', granted],
    ['OPEN_CONFIRMED', open],
  ])('from %s releases at once, and again until it is acknowledged', (phase, make) => {
    const run = make();
    expect(run.session.phase).toBe(phase);
    run.at(3, 'cancel').until(8);
    expect(run.session).toMatchObject({ phase: 'CLEARED', reason: 'cancelled' });
    expect(run.releases).toBe(6);
    expect(new Set(run.sent.slice(-6).map(({ sequence }) => sequence)).size).toBe(1);
    expect(run.answered(9, 'released').session.phase).toBe('RELEASED');
  });

  it('from IDLE asks nobody', () => {
    const run = new Driven(DOOR).at(0, 'cancel');
    expect(run.session).toMatchObject({ phase: 'RELEASED', reason: 'cancelled' });
    expect(run.sent).toEqual([]);
  });

  it('inside leaves first', () => {
    const run = passing().at(4, 'cancel');
    expect(run.session).toMatchObject({ phase: 'PASSING', reason: 'cancelled' });
    expect(run.releases).toBe(0);
    expect(run.at(5, 'cleared').releases).toBe(1);
  });

  it('of a robot that is stuck inside lets the lease run out; until then nobody else gets in', () => {
    const run = passing().until(93);
    expect(run.session).toMatchObject({ phase: 'FAILED', inside: true });
    const before = run.sent.length;
    run.until(100).answered(100, 'granted').until(131);
    expect(run.sent.length).toBeGreaterThan(before);
    expect(run.sent.at(-1)!.kind).toBe('acquire');
    expect(run.session.phase).toBe('FAILED');
    const sent = run.at(132, 'cancel').sent.length;
    run.until(251);
    expect(run.session).toMatchObject({ phase: 'RELEASED', reason: 'passing-too-long' });
    expect(run.sent.length).toBe(sent);
  });

  it('ends when nobody acknowledges: by then the lease has run out', () => {
    const run = granted().at(2, 'cancel').until(119);
    expect(run.session.phase).toBe('CLEARED');
    expect(run.until(121).session.phase).toBe('RELEASED');
    expect(run.told).toEqual(['not-released']);
  });

  it('is not undone by a grant that comes late', () => {
    const run = new Driven(DOOR).at(0, 'begin').at(1, 'cancel').answered(2, 'granted', { sequence: 1 });
    expect(run.session.phase).toBe('CLEARED');
    expect(run.answered(3, 'granted').session.phase).toBe('CLEARED');
  });
});

describe('a session at a lift', () => {
  it('rides: in at one floor, out at the other, one session', () => {
    const run = inLift();
    expect(run.sent.at(-1)).toMatchObject({ kind: 'acquire', floor: 'L3', sequence: 2 });
    run.answered(7, 'granted').at(8, lift(8000));
    // still at L1 with its door open: not where it wants to go out
    expect(run.session.phase).toBe('GRANTED');
    run
      .at(20, lift(20_000, { currentFloor: 'L3' }))
      .at(21, 'enter')
      .at(24, 'cleared')
      .answered(25, 'released');
    expect(run.phases.slice(2)).toEqual([
      'OPEN_CONFIRMED',
      'PASSING',
      'GRANTED',
      'OPEN_CONFIRMED',
      'PASSING',
      'CLEARED',
      'RELEASED',
    ]);
    expect(run.session.reason).toBeUndefined();
  });

  it.each([
    ['held for another', { sessionId: 'robot-b/9' }],
    ['held for nobody', { sessionId: '' }],
    ['at another floor', { currentFloor: 'L2' }],
    ['closed', { door: 'CLOSED' as const }],
    ['closing', { door: 'MOVING' as const }],
    ['moving with an open door', { motion: 'UP' as const }],
    ['out of order', { mode: 'OFFLINE' as const }],
    ['another lift', { liftId: 'lift-2' }],
  ])('does not go in when it is %s', (_, more) => {
    const run = new Driven(LIFT)
      .at(0, 'begin')
      .answered(1, 'granted')
      .at(2, lift(2000, more))
      .at(2.5, 'enter');
    expect(run.session.phase).toBe('GRANTED');
  });

  it('does not go in after it was taken away', () => {
    const run = new Driven(LIFT).at(0, 'begin').answered(1, 'granted').at(2, lift(2000));
    expect(run.session.phase).toBe('OPEN_CONFIRMED');
    run.at(3, lift(3000, { sessionId: 'robot-b/9' })).at(3.1, 'enter');
    expect(run.session).toMatchObject({
      phase: 'GRANTED',
      text: 'lift lift-1 is held for robot-b/9',
    });
  });

  it.each(['FIRE', 'EMERGENCY'] as const)('in %s nobody goes in', (mode) => {
    const reason = mode.toLowerCase();
    const run = new Driven(LIFT).at(0, 'begin').answered(1, 'granted').at(2, lift(2000, { mode }));
    expect(run.session).toMatchObject({ phase: 'FAILED', reason });
    expect(run.told).toEqual([reason]);
    expect(run.releases).toBe(1);
    expect(open().at(3, { kind: 'alarm', mode }).session).toMatchObject({ phase: 'FAILED', reason });
    expect(new Driven(LIFT).at(0, lift(0, { mode })).at(1, 'begin').session.phase).toBe('FAILED');
    expect(new Driven(LIFT).at(0, { kind: 'alarm', mode }).session.phase).toBe('RELEASED');
  });

  it.each(['FIRE', 'EMERGENCY'] as const)(
    'in %s who is in the door keeps leaving, and does not ride',
    (mode) => {
      const run = new Driven(LIFT).at(0, 'begin').answered(1, 'granted').at(2, lift(2000)).at(3, 'enter');
      run.at(4, lift(4000, { mode })).at(5, 'aboard');
      expect(run.session).toMatchObject({ phase: 'PASSING', reason: mode.toLowerCase(), aboard: false });
      expect(run.told).toEqual([mode.toLowerCase()]);
      expect(run.at(6, 'cleared').releases).toBe(1);
    },
  );

  it.each(['FIRE', 'EMERGENCY'] as const)('in %s who is in the car leaves where it opens', (mode) => {
    const fire = { mode, currentFloor: 'L2', sessionId: '' };
    const run = inLift().at(8, lift(8000, { ...fire, door: 'CLOSED', motion: 'DOWN' }));
    expect(run.at(8.1, 'enter').session).toMatchObject({ phase: 'GRANTED', aboard: true });
    expect(run.at(9, lift(9000, fire)).at(9.1, 'enter').session.phase).toBe('PASSING');
    expect(run.at(12, 'cleared').session.phase).toBe('CLEARED');
  });

  it('rides to the end when it is cancelled on the way', () => {
    const run = inLift().at(7, 'cancel').answered(7.5, 'granted');
    run
      .at(20, lift(20_000, { currentFloor: 'L3' }))
      .at(21, 'enter')
      .at(24, 'cleared');
    expect(run.session).toMatchObject({ phase: 'CLEARED', reason: 'cancelled' });
  });

  it('backs out again when it was cancelled on the way in', () => {
    const run = new Driven(LIFT).at(0, 'begin').answered(1, 'granted').at(2, lift(2000)).at(3, 'enter');
    expect(run.at(4, 'cancel').at(5, 'aboard').at(6, 'cleared').session).toMatchObject({
      phase: 'CLEARED',
      reason: 'cancelled',
      aboard: false,
    });
  });

  it('says when it came out by the door through which it went in', () => {
    const run = new Driven(LIFT).at(0, 'begin').answered(1, 'granted').at(2, lift(2000)).at(3, 'enter');
    expect(run.at(4, 'cleared').session).toMatchObject({ phase: 'CLEARED', reason: 'not-entered' });
  });
});
