import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arbiter, arbitrate, newArbiter, type SharingRules } from '../../src/crossing/queue-arbiter.ts';
import { newSession, stepSession } from '../../src/crossing/session.ts';
import { readiness } from '../../src/crossing/session-moves.ts';
import type { SessionAnswer, SessionEvent, SessionRequest } from '../../src/crossing/session-types.ts';
import { Random } from '../../src/math/random.ts';
import { Building } from '../scenarios/building.ts';
import { config, DOOR, door, LIFT, lift, OURS } from './session-cases.ts';

const RULES: SharingRules = { lease: 30, maxHold: 120, patience: 10, maxQueue: 8 };

/** A vendor's side, driven by hand: answers as `session kind`. */
class Shared {
  arbiter: Arbiter = newArbiter;
  ask(seconds: number, sessionId?: string, sequence = 1, kind: SessionRequest['kind'] = 'acquire'): string {
    const request = sessionId ? { kind, resourceId: 'lift-1', sessionId, sequence } : undefined;
    const ruling = arbitrate(this.arbiter, request, 1000 * seconds, RULES);
    this.arbiter = ruling.arbiter;
    return ruling.answers.map(words).join(', ');
  }
}

const words = (answer: SessionAnswer): string =>
  `${answer.sessionId} ${answer.kind}${answer.kind === 'granted' ? ` ${answer.leaseSeconds}` : ''}${answer.kind === 'queued' ? ` ${answer.position}` : ''}`;

describe('arbitrate', () => {
  it('grants one, lets the other wait, and grants that when the first releases', () => {
    const lift = new Shared();
    expect(lift.ask(0, 'a')).toBe('a granted 30');
    expect(lift.ask(1, 'b')).toBe('b queued 1');
    expect(lift.ask(2, 'c')).toBe('c queued 2');
    expect(lift.ask(3, 'a', 2, 'release')).toBe('a released, b granted 30');
  });

  it('answers a repeated request again and changes nothing', () => {
    const lift = new Shared();
    lift.ask(0, 'a');
    expect(lift.ask(10, 'a')).toBe('a granted 20');
    lift.ask(11, 'b');
    expect(lift.ask(12, 'b')).toBe('b queued 1');
    expect(lift.ask(13, 'a', 2, 'release')).toMatch(/^a released/);
    expect(lift.ask(14, 'a', 2, 'release')).toBe('a released');
    expect(lift.arbiter.holder?.sessionId).toBe('b');
  });

  it('does not let a request that comes late undo a release, nor a late release a renewal', () => {
    const lift = new Shared();
    lift.ask(0, 'a');
    lift.ask(1, 'a', 2, 'release');
    expect(lift.ask(2, 'a', 1)).toBe('');
    expect(lift.arbiter.holder).toBeUndefined();
    lift.ask(3, 'b', 5);
    expect(lift.ask(4, 'b', 4, 'release')).toBe('');
    expect(lift.ask(4, 'b', 4)).toBe('');
    expect(lift.arbiter.holder?.sessionId).toBe('b');
    lift.ask(5, 'c', 3);
    expect(lift.ask(6, 'c', 2, 'release') + lift.ask(6, 'c', 2)).toBe('');
    expect(lift.arbiter.queue).toHaveLength(1);
  });

  it('takes a release for one that it never heard of', () => {
    expect(new Shared().ask(0, 'a', 1, 'release')).toBe('a released');
  });

  it('prolongs a lease, beyond maxHold only while nobody waits', () => {
    const alone = new Shared();
    alone.ask(0, 'a');
    for (let k = 1; k <= 20; k++) expect(alone.ask(20 * k, 'a', 1 + k)).toBe('a granted 30');
    const shared = new Shared();
    shared.ask(0, 'a');
    for (let k = 1; k <= 110; k++) shared.ask(k, k % 5 === 0 ? 'b' : 'a', k % 5 === 0 ? 1 : 1 + k);
    expect(shared.ask(111, 'a', 200)).toBe('a granted 9');
    shared.ask(115, 'b');
    expect(shared.ask(120)).toBe('b granted 30');
  });

  it('forgets who waits in silence, and takes back what nobody prolongs', () => {
    const lift = new Shared();
    lift.ask(0, 'a');
    lift.ask(1, 'silent');
    lift.ask(15, 'b');
    lift.ask(24, 'b');
    expect(lift.ask(30)).toBe('b granted 30');
    expect(lift.ask(60)).toBe('');
    expect(lift.arbiter.holder).toBeUndefined();
  });

  it('refuses when the queue is full, in words', () => {
    const lift = new Shared();
    for (let k = 0; k <= 8; k++) lift.ask(0, `r${k}`);
    expect(lift.ask(1, 'late')).toBe('late refused');
  });

  it('forgets old releases', () => {
    const lift = new Shared();
    lift.ask(0, 'a', 1, 'release');
    lift.ask(600);
    expect(lift.arbiter.released).toEqual({});
  });

  it('has one holder at a time and starves nobody who keeps asking', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 6 }), (seed, robots) => {
        const random = new Random(seed);
        const lift = new Shared();
        /** grants to others since each robot began to wait */
        const passedOver = new Array<number>(robots).fill(0);
        const trip = new Array<number>(robots).fill(0);
        let grants = 0;
        for (let t = 0; t < 600; t++) {
          const before = lift.arbiter.holder?.sessionId;
          for (let r = 0; r < robots; r++) {
            const holds = lift.arbiter.holder?.sessionId === `${r}/${trip[r]}`;
            // a holder that is greedy: it prolongs for ever, and releases now and then
            const done = holds && random.uniform(0, 1) < 0.02;
            lift.ask(t, `${r}/${trip[r]}`, t + 1, done ? 'release' : 'acquire');
            if (done) trip[r]!++;
          }
          const now = lift.arbiter.holder?.sessionId;
          if (now === undefined || now === before) continue;
          grants++;
          for (let r = 0; r < robots; r++) passedOver[r] = now.startsWith(`${r}/`) ? 0 : passedOver[r]! + 1;
          expect(Math.max(...passedOver)).toBeLessThanOrEqual(2 * robots);
        }
        expect(grants).toBeGreaterThanOrEqual(4);
      }),
      { seed: 6, numRuns: 50 },
    );
  });
});

const anyEvent = (nowMs: number): fc.Arbitrary<SessionEvent> => {
  const session = fc.oneof({ weight: 5, arbitrary: fc.constant(OURS) }, fc.constantFrom('', 'robot-b/9'));
  const answer: fc.Arbitrary<SessionEvent> = fc.record({
    kind: fc.constant('answer' as const),
    answer: fc.oneof(
      ...(['queued', 'granted', 'refused', 'released'] as const).map((kind) =>
        fc.record({
          kind: fc.constant(kind),
          sessionId: session,
          sequence: fc.integer({ min: 0, max: 4 }),
          position: fc.constant(1),
          leaseSeconds: fc.constantFrom(5, 30, 60, 900),
          text: fc.constant(''),
        }),
      ),
    ) as fc.Arbitrary<SessionAnswer>,
  });
  const state = fc
    .record({
      currentFloor: fc.constantFrom('L1', 'L1', 'L3', 'L2'),
      door: fc.constantFrom('OPEN' as const, 'OPEN' as const, 'CLOSED' as const),
      mode: fc.oneof(
        { weight: 20, arbitrary: fc.constant('AGV' as const) },
        fc.constantFrom('FIRE' as const),
      ),
      sessionId: session,
    })
    .map((more) => lift(nowMs, more));
  const doorState = fc
    .record({
      mode: fc.constantFrom('OPEN' as const, 'OPEN' as const, 'CLOSED' as const),
      sessionId: session,
    })
    .map((more) => door(nowMs, more));
  const plain = fc.constantFrom<SessionEvent['kind']>(
    'begin',
    'enter',
    'enter',
    'enter',
    'aboard',
    'cleared',
    'tick',
    'cancel',
  );
  return fc.oneof(
    { weight: 4, arbitrary: answer },
    { weight: 4, arbitrary: state },
    { weight: 2, arbitrary: doorState },
    { weight: 5, arbitrary: plain.map((kind) => ({ kind }) as SessionEvent) },
  );
};

/** A passage as it should be, up to some step, and then whatever happens, each a while after the one before. */
const usual: [number, SessionEvent][] = [
  [0, { kind: 'begin' }],
  [100, { kind: 'answer', answer: { kind: 'granted', sessionId: OURS, sequence: 1, leaseSeconds: 60 } }],
  [200, lift(200)],
  [200, door(200)],
  [300, { kind: 'enter' }],
  [400, { kind: 'aboard' }],
  [500, lift(500, { currentFloor: 'L3' })],
];
const history = fc
  .tuple(
    fc.integer({ min: 0, max: usual.length }),
    fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 40 }),
  )
  .chain(([good, waits]) => {
    let nowMs = 500;
    const wild = waits.map((wait) => {
      nowMs += wait;
      return fc.tuple(fc.constant(nowMs), anyEvent(nowMs));
    });
    return fc.tuple(...wild).map((events) => [...usual.slice(0, good), ...events]);
  });

describe('any session, whatever a vendor says and in any order', () => {
  it('goes in only while the lift or door is open for its own session', () => {
    let entered = 0;
    for (const resource of [LIFT, DOOR])
      fc.assert(
        fc.property(history, (events) => {
          let session = newSession(resource, OURS);
          for (const [nowMs, event] of events) {
            const { state } = stepSession(session, event, nowMs, config);
            if (state.phase === 'PASSING' && session.phase !== 'PASSING') {
              entered++;
              expect(event.kind).toBe('enter');
              expect(readiness(state, nowMs, config)).toEqual({ ready: true });
              const leaving = state.aboard && (state.reason === 'fire' || state.reason === 'emergency');
              const { seen } = state;
              if (seen && 'liftId' in seen && !leaving) {
                expect(seen).toMatchObject({ sessionId: OURS, door: 'OPEN', mode: 'AGV' });
                expect(seen.currentFloor).toBe(state.aboard ? 'L3' : 'L1');
              }
              if (!state.aboard) expect(state.leaseUntilMs!).toBeGreaterThanOrEqual(nowMs + 10_000);
            }
            session = state;
          }
        }),
        { seed: 6, numRuns: 3000 },
      );
    expect(entered).toBeGreaterThan(100);
  });

  it('ends released after a cancel, whether the vendor answers or is dead, and releases unless it never asked', () => {
    for (const resource of [LIFT, DOOR])
      fc.assert(
        fc.property(history, fc.boolean(), fc.boolean(), (events, vendorAnswers, robotClears) => {
          let session = newSession(resource, OURS);
          let [asked, released, nowMs] = [0, 0, 0];
          const step = (event: SessionEvent) => {
            const { state, actions } = stepSession(session, event, nowMs, config);
            session = state;
            for (const action of actions) {
              if (action.kind !== 'send') continue;
              if (action.request.kind === 'acquire') asked = action.request.sequence;
              else released = action.request.sequence;
            }
          };
          for (const [atMs, event] of events) {
            nowMs = atMs;
            step(event);
          }
          step({ kind: 'cancel' });
          // 120 s of riding, 90 s of passing, 900 s of lease
          for (let k = 0; k < 1200 && session.phase !== 'RELEASED'; k++) {
            nowMs += 1000;
            if (robotClears && session.inside) step({ kind: 'cleared' });
            else if (vendorAnswers && released > asked)
              step({ kind: 'answer', answer: { kind: 'released', sessionId: OURS, sequence: released } });
            else step({ kind: 'tick' });
          }
          expect(session.phase).toBe('RELEASED');
          // a robot that never comes out of the door keeps it until the lease is over
          if (!session.inside && asked > 0) expect(released).toBeGreaterThan(asked);
        }),
        { seed: 6, numRuns: 1000 },
      );
  });

  it('has a deadline in every phase but the first and the last', () => {
    fc.assert(
      fc.property(history, (events) => {
        let session = newSession(LIFT, OURS);
        for (const [nowMs, event] of events) {
          session = stepSession(session, event, nowMs, config).state;
          if (!/IDLE|RELEASED/.test(session.phase))
            expect(session.deadlineMs).toBeLessThan(Number.POSITIVE_INFINITY);
          if (/^(REQ|QUE|GRA|OPEN|PASS)/.test(session.phase))
            expect(session.deadlineMs).toBeGreaterThan(nowMs);
        }
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});

describe('robots that want one lift, over a network that loses a third of everything', () => {
  it('enter one at a time, each by its own session, and none starves', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 4 }), (seed, robots) => {
        const random = new Random(seed);
        const arrives = () => random.uniform(0, 1) > 1 / 3;
        const car = new Building('lift-1', 8);
        const trips = new Array<number>(robots).fill(0);
        const fresh = (r: number) => newSession(LIFT, `${r}/${trips[r]}`);
        const sessions = trips.map((_, r) => fresh(r));
        let nowMs = 0;
        const step = (r: number, event: SessionEvent) => {
          const { state, actions } = stepSession(sessions[r]!, event, nowMs, config);
          const enters = state.phase === 'PASSING' && sessions[r]!.phase !== 'PASSING';
          sessions[r] = state;
          if (enters) expect(car.holder).toBe(state.sessionId);
          for (const action of actions)
            if (action.kind === 'send' && arrives()) deliver(car.hear(action.request, nowMs));
        };
        const deliver = (answers: readonly SessionAnswer[]) => {
          for (const answer of answers) {
            const r = Number(answer.sessionId.split('/')[0]);
            if (arrives()) step(r, { kind: 'answer', answer });
          }
        };
        for (let t = 0; t < 1500; t++) {
          nowMs = 1000 * t;
          deliver(car.hear(undefined, nowMs));
          for (let r = 0; r < robots; r++) {
            const session = sessions[r]!;
            if (session.phase === 'IDLE') step(r, { kind: 'begin' });
            else if (session.phase === 'RELEASED') {
              if (session.reason === undefined) trips[r]!++;
              sessions[r] = { ...fresh(r), sessionId: `${r}/${trips[r]}+${t}` };
            } else if (session.phase === 'FAILED' && session.inside && random.uniform(0, 1) < 0.05)
              // an operator drives it out
              step(r, { kind: 'cleared' });
            else if (session.phase === 'PASSING' && random.uniform(0, 1) < 0.3)
              step(r, { kind: session.aboard ? 'cleared' : 'aboard' });
            else if (arrives()) step(r, { kind: 'lift', state: car.lift(nowMs) });
            else step(r, { kind: 'enter' });
          }
          expect(sessions.filter(({ inside }) => inside).length).toBeLessThanOrEqual(1);
        }
        expect(Math.min(...trips)).toBeGreaterThanOrEqual(3);
      }),
      { seed: 6, numRuns: 30 },
    );
  });
});
