import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  backTooSoon,
  contradiction,
  endedAsNamed,
  relate,
  settle,
  type Voice,
} from '../../src/adapters/its/agreement.ts';
import { itsConfig } from '../../src/adapters/its/its-config.ts';
import { openDoors, openIts } from '../../src/adapters/its/open-its.ts';
import { loadConfig } from '../../src/config.ts';
import type { SignalPhase, SignalState } from '../../src/types.ts';
import { T0 } from './its-samples.ts';

/** `seconds` after T0 the vendor said `phase` for `min` to `max` seconds more. */
function word(phase: SignalPhase, seconds: number, min?: number, max?: number): SignalState {
  const remaining = min === undefined ? {} : { remaining: { min, ...(max !== undefined && { max }) } };
  const sourceTime = T0 + seconds * 1000;
  const common = { timingSourceTime: sourceTime, receivedAtMs: 0, provider: 'x', raw: null };
  return { signalId: 's1', phase, ...remaining, sourceTime, ...common };
}

const state = fc
  .record({
    phase: fc.constantFrom<SignalPhase>('stop', 'walk', 'clearance', 'dark', 'fault', 'unknown'),
    seconds: fc.integer({ min: 0, max: 20 }),
    min: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
    more: fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined }),
  })
  .map(({ phase, seconds, min, more }) =>
    word(phase, seconds, min, min === undefined || more === undefined ? undefined : min + more),
  );
const voices: fc.Arbitrary<Voice[]> = fc
  .array(fc.record({ state, trusted: fc.boolean(), distrusted: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((all) =>
    all.map((voice, i) => ({ ...voice, trusted: voice.trusted && !voice.distrusted, vendor: `v${i}` })),
  );

describe('two words on one light', () => {
  it.each<[string, SignalState, SignalState, string]>([
    ['the same end', word('walk', 0, 20, 20), word('walk', 2, 18, 18), 'agree'],
    ['ends 4 s apart', word('walk', 0, 20, 20), word('walk', 2, 22, 22), 'disagree'],
    ['an end that may come later', word('walk', 0, 20), word('walk', 2, 30, 30), 'agree'],
    ['other phases', word('walk', 0, 20, 20), word('stop', 2, 30, 30), 'disagree'],
    ['a phase that ran out since', word('walk', 0, 2, 2), word('stop', 2, 30, 30), 'incomparable'],
    [
      'a phase at its end by a clock that is behind',
      word('stop', 0.2, 0, 0),
      word('walk', 0, 29, 29),
      'incomparable',
    ],
    [
      'a phase that comes before, at its end',
      word('walk', 0.2, 0, 0),
      word('stop', 0, 29, 29),
      'incomparable',
    ],
    [
      'a phase that cannot come before, at its end',
      word('clearance', 0.2, 0, 0),
      word('walk', 0, 29, 29),
      'disagree',
    ],
    ['a phase that ends soon after', word('stop', 0.2, 2, 2), word('walk', 0, 29, 29), 'disagree'],
    ['other phases at the same moment', word('walk', 0), word('stop', 0.4), 'disagree'],
    ['other phases some time apart', word('walk', 0), word('stop', 2), 'incomparable'],
    ['a word that says nothing', word('unknown', 0, 20), word('stop', 0, 20), 'incomparable'],
  ])('with %s', (_, a, b, relation) => {
    expect([relate(a, b, 3), relate(b, a, 3)]).toEqual([relation, relation]);
  });

  it('relate alike both ways, and each to itself', () => {
    fc.assert(
      fc.property(state, state, (a, b) => {
        if (a.sourceTime !== b.sourceTime) expect(relate(a, b, 3)).toBe(relate(b, a, 3));
        expect(relate(a, a, 3)).not.toBe('disagree');
      }),
      { seed: 6, numRuns: 2000 },
    );
  });
});

describe('a word after another', () => {
  it.each<[string, SignalState, SignalState, boolean]>([
    ['counts down', word('stop', 0, 20, 20), word('stop', 5, 15, 15), false],
    ['changes at its end', word('stop', 0, 20, 20), word('walk', 20, 25, 25), false],
    ['changes too early', word('stop', 0, 20, 20), word('walk', 10, 25, 25), true],
    ['is prolonged against its word', word('walk', 0, 10, 10), word('walk', 2, 30, 30), true],
    ['is prolonged as it may be', word('walk', 0, 10), word('walk', 2, 30), false],
    ['is cut short against its word', word('walk', 0, 30), word('walk', 2, 5, 5), true],
    ['falls out of order', word('walk', 0, 30, 30), word('fault', 2), false],
    ['is older', word('stop', 10, 20, 20), word('walk', 0, 5, 5), false],
    ['begins anew at its end', word('stop', 0, 2, 2), word('stop', 3, 30, 30), true],
    ['is of the next cycle', word('stop', 0, 2, 2), word('stop', 60, 30, 30), false],
    ['is of the phase after the next', word('stop', 0, 2, 2), word('clearance', 3, 10, 10), true],
    ['is of a phase later, long after', word('stop', 0, 2, 2), word('clearance', 20, 10, 10), false],
    ['leaves the clearance out', word('walk', 0, 2, 2), word('stop', 2, 30, 30), false],
    ['walks again out of the clearance', word('clearance', 0, 2, 2), word('walk', 2, 30, 30), true],
    ['said nothing of its end', word('stop', 0), word('walk', 1, 20, 20), false],
  ])('that %s', (_, before, after, contradicts) => {
    expect(contradiction(before, after, 3) !== undefined).toBe(contradicts);
  });
});

it('a phase is there again only after the others had their time', () => {
  expect(backTooSoon(word('stop', 0), word('stop', 3))).toBe('stop again after 3.0 s');
  expect(backTooSoon(word('stop', 0), word('stop', 30))).toBeUndefined();
  expect(backTooSoon(word('stop', 0), word('walk', 3))).toBeUndefined();
  expect(backTooSoon(word('fault', 0), word('fault', 3))).toBeUndefined();
});

it('a light that changes when its vendor said has kept its word; sooner, later or by no word it has not', () => {
  expect(endedAsNamed(word('stop', 0, 20, 20), word('walk', 20, 30), 3)).toBe(true);
  expect(endedAsNamed(word('stop', 0, 20, 20), word('walk', 18, 30), 3)).toBe(false);
  expect(endedAsNamed(word('stop', 0, 20, 20), word('walk', 24, 30), 3)).toBe(false);
  expect(endedAsNamed(word('stop', 0, 20, 40), word('walk', 30, 30), 3)).toBe(true);
  expect(endedAsNamed(word('stop', 0), word('walk', 20, 30), 3)).toBe(false);
  expect(endedAsNamed(word('stop', 0, 20, 20), word('unknown', 20), 3)).toBe(false);
});

describe('one word out of several', () => {
  it('is walk only where a vendor that is not distrusted says so, with the end that all of its mind allow', () => {
    let walks = 0;
    fc.assert(
      fc.property(voices, fc.boolean(), (all, alone) => {
        const settled = settle(all, 3, alone);
        if (settled.state.phase !== 'walk') return;
        walks++;
        const say = all.filter(({ state, distrusted }) => state.phase === 'walk' && !distrusted);
        expect(say.length).toBeGreaterThan(0);
        expect(all.some(({ state }) => ['fault', 'dark'].includes(state.phase))).toBe(false);
        if (settled.agreeing < 2) expect(alone || say.some(({ trusted }) => trusted)).toBe(true);
        const { remaining, timingSourceTime } = settled.state;
        if (!remaining) return;
        const end = timingSourceTime! + remaining.min * 1000;
        const kept = say.filter((voice) => !settled.outvoted.includes(voice));
        for (const { state } of kept)
          if (state.remaining && relate(state, settled.state, 3) === 'agree')
            expect(end).toBeLessThanOrEqual(
              Math.max(state.timingSourceTime! + state.remaining.min * 1000, timingSourceTime!),
            );
      }),
      { seed: 6, numRuns: 5000 },
    );
    expect(walks).toBeGreaterThan(200);
  });

  it('is walk against an older word of another phase that may be over only where two say so', () => {
    const voice = (vendor: string, said: SignalState, distrusted = false): Voice => ({
      vendor,
      state: said,
      trusted: !distrusted,
      distrusted,
    });
    const walk = voice('a', word('walk', 4, 25, 25));
    const over = word('clearance', 0, 3, 3);
    const phaseOf = (...all: Voice[]) => settle(all, 3, false).state.phase;
    expect(phaseOf(walk, voice('b', over))).toBe('clearance');
    expect(phaseOf(walk, voice('b', over), voice('c', word('walk', 4, 25, 25)))).toBe('walk');
    expect(phaseOf(walk, voice('b', over, true))).toBe('walk');
    expect(phaseOf(walk, voice('b', word('unknown', 0)))).toBe('walk');
  });

  it('is never walk while two that are believed equally stand against each other', () => {
    const voice = (vendor: string, said: SignalState): Voice => ({
      vendor,
      state: said,
      trusted: true,
      distrusted: false,
    });
    const settled = settle(
      [voice('a', word('walk', 0, 20, 20)), voice('b', word('stop', 0, 20, 20))],
      3,
      false,
    );
    expect(settled).toMatchObject({ state: { phase: 'unknown' }, reason: 'disagreement' });
    expect(settled.state).not.toHaveProperty('remaining');
  });
});

describe('the configuration of signals', () => {
  it('names what it does not know and secrets that are not there', async () => {
    const config = itsConfig.parse({
      vendors: [
        { kind: 'city-http', name: 'city', provider: 'seoul', url: 'http://127.0.0.1:1', keyEnv: 'NO_KEY' },
      ],
    });
    expect(() => openIts(config, {})).toThrow(/vendor city: expected the environment variable NO_KEY/);
    const watcher = { door() {}, lift() {}, note() {} };
    expect(() => openDoors(config, {}, watcher)).toThrow(/its\.doors/);
    await expect(loadConfig(undefined, ['its.querydistance=3'])).rejects.toThrow(/queryDistance/);
    const twice =
      '[{kind: national-http, name: a, provider: p, url: "http://x"}, {kind: national-http, name: a, provider: p, url: "http://x"}]';
    await expect(loadConfig(undefined, [`its.vendors=${twice}`])).rejects.toThrow(/names that differ/);
    const good = await loadConfig(undefined, [`its.vendors=${twice.replace('name: a', 'name: b')}`]);
    expect(good.its.vendors).toHaveLength(2);
  });
});
