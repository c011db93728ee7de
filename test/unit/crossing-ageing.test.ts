import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { phaseAge, seenAge, timingAge } from '../../src/crossing/signal-ageing.ts';
import { aged, answered, config, SOURCE_EPOCH } from './crossing-cases.ts';

const { ageing } = config;
/** An answer that took `lagMs` to come, from a source whose clock is `offMs` ahead. */
const late = (atMs: number, lagMs: number, offMs = 0) =>
  answered(atMs, {
    sourceTime: SOURCE_EPOCH + atMs - lagMs + offMs,
    timingSourceTime: SOURCE_EPOCH + atMs - lagMs + offMs,
  });

describe('ageSignal', () => {
  it('never takes an answer for younger than it is, wherever the source clock stands', () => {
    const lags = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(lags, fc.integer({ min: -1e9, max: 1e9 }), fc.nat(5000), (lagsMs, offMs, waitMs) => {
        // The premise of `plausibleLag`: of two answers in a row one may be quick; here one always is.
        const quick = Math.min(...lagsMs.slice(0, 2), 1000);
        const all = [quick, quick, ...lagsMs].map((lagMs, k) => late(30_000 * k, lagMs, offMs));
        const signal = aged(...all);
        const age = phaseAge(signal, signal.state.receivedAtMs + waitMs, ageing);
        // 1e-4 of drift in 30 s steps is 3 ms each, which may lower what is measured.
        expect(age * 1000).toBeGreaterThanOrEqual(lagsMs.at(-1)! + waitMs - 3 * all.length);
      }),
      { seed: 1 },
    );
  });

  it('gets older as time goes on, by as much', () => {
    const signal = aged(late(0, 500), late(1000, 500));
    expect(seenAge(signal, 1000)).toBe(0);
    expect(seenAge(signal, 4000)).toBe(3);
    // mqtt-spat: 1 s of lag
    expect(phaseAge(signal, 4000, ageing)).toBe(4);
  });

  it('counts what an answer is later than the quickest', () => {
    const signal = aged(late(0, 500), late(1000, 500), late(6000, 4500));
    expect(signal.clock).toBe('advanced');
    // a lag of 4500 ms instead of 500, less 5 s of drift at 1e-4
    expect(signal.lateSeconds).toBeCloseTo(3.9995, 9);
  });

  it('does not take a queue that grows for a clock that is slow', () => {
    const answers = Array.from({ length: 600 }, (_, k) => late(1000 * k, 500 + 50 * k));
    // 30 s late at the end; the drift allowed over 10 minutes is 0.06 s
    expect(aged(...answers).lateSeconds).toBeGreaterThan(29.8);
  });

  it('follows a source clock that drifts as quartz does', () => {
    // 80 ppm slow: 0.29 s an hour, which is not lateness
    const answers = Array.from({ length: 3600 }, (_, k) => late(1000 * k, 500, -0.08 * k));
    expect(aged(...answers).lateSeconds).toBeLessThan(0.001);
  });

  it('says that the first answer proves nothing', () => {
    expect(aged(late(0, 0)).clock).toBe('first');
  });

  it('takes a repeated answer for a copy: it stays as old as it was', () => {
    const again = { ...late(1000, 0), receivedAtMs: 5000 };
    const signal = aged(late(0, 0), late(1000, 0), again);
    expect(signal.clock).toBe('advanced');
    expect(seenAge(signal, 5000)).toBe(4);
  });

  it('takes an answer that is told again, amended by others, for the same one: neither stuck nor younger', () => {
    const { receivedAtMs, sourceTime } = late(1000, 0);
    const other = { ...late(1500, 0), provider: 'city-http' };
    for (const between of [[], [other]]) {
      const amended = { ...late(1000, 0), remaining: { min: 12 } };
      const signal = aged(late(0, 0), late(1000, 0), ...between, amended);
      expect(signal).toMatchObject({ clock: 'advanced', lateSeconds: 0, state: { remaining: { min: 12 } } });
      expect(seenAge(signal, 5000)).toBe(4);
      // What came later with the same stamp is another answer.
      const frozen = { ...amended, receivedAtMs: receivedAtMs + 1000, sourceTime, remaining: { min: 11 } };
      expect(aged(late(0, 0), late(1000, 0), amended, frozen).clock).toBe('stuck');
    }
  });

  it('sees a frozen clock under changing answers, and one that runs backwards', () => {
    const frozen = { ...late(2000, 1000), phase: 'stop' as const };
    expect(aged(late(0, 0), late(1000, 0), frozen).clock).toBe('stuck');
    expect(aged(late(0, 0), late(1000, 0), late(2000, 1500)).clock).toBe('stuck');
  });

  it('does not believe one stamp far ahead, and is not spoilt by it', () => {
    const slip = late(2000, 0, 3_600_000);
    expect(aged(late(0, 0), late(1000, 0), slip).clock).toBe('jumped');
    const after = aged(late(0, 0), late(1000, 0), slip, late(3000, 0), late(4000, 0));
    expect(after).toMatchObject({ clock: 'advanced', lateSeconds: 0 });
  });

  it('follows a clock that was set ahead, from the second answer on', () => {
    const set = [2000, 3000].map((atMs) => late(atMs, 0, 60_000));
    expect(aged(late(0, 0), late(1000, 0), ...set)).toMatchObject({ clock: 'advanced', lateSeconds: 0 });
  });

  it('takes a clock that was set back for lateness: it cannot tell them apart', () => {
    const set = [62_000, 63_000].map((atMs) => late(atMs, 0, -60_000));
    expect(aged(late(0, 0), late(1000, 0), ...set).lateSeconds).toBeCloseTo(60, 1);
  });

  it('keeps the clocks of providers apart', () => {
    const other = (atMs: number) => ({ ...late(atMs, 0, 5e6), provider: 'city-http' });
    expect(aged(late(0, 0), other(500), late(1000, 0))).toMatchObject({ clock: 'advanced', lateSeconds: 0 });
    expect(aged(late(0, 0), late(400, 0), other(500)).clock).toBe('first');
    // city-http: 5 s of lag
    expect(phaseAge(aged(other(0), other(1000)), 1000, ageing)).toBe(5);
  });

  it('has no age for an answer from the future, and none for a timing without a time', () => {
    expect(phaseAge(aged(late(0, 0), late(1000, 0)), 999, ageing)).toBeNaN();
    const { timingSourceTime: _, ...state } = late(1000, 0);
    expect(timingAge(aged(late(0, 0), state), 1000, ageing)).toBeNaN();
  });

  it('ages the timing from its own time, and never makes it younger than the phase', () => {
    const timed = (byMs: number) =>
      aged(late(0, 0), { ...late(5000, 0), timingSourceTime: SOURCE_EPOCH + 5000 + byMs });
    expect(timingAge(timed(-2500), 5000, ageing)).toBe(3.5);
    expect(timingAge(timed(2500), 5000, ageing)).toBe(1);
  });
});
