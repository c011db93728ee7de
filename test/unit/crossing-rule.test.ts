import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossingConfig } from '../../src/crossing/crossing-config.ts';
import { type CrossingInput, crossingSeconds, disagreement, mayCross } from '../../src/crossing/go-rule.ts';
import type { SignalPhase, SignalState } from '../../src/types.ts';
import { aged, answered, config, fine, SIGNAL, SOURCE_EPOCH } from './crossing-cases.ts';

const NOW = 100_000;
const ask = (change: Partial<CrossingInput> = {}, more: Partial<SignalState> = {}) =>
  mayCross({ ...fine(NOW, more), ...change }, NOW, config);
/** The last of two answers, changed; at NOW. */
const last = (more: Partial<SignalState>) => aged(answered(NOW - 1000), answered(NOW, more));

describe('mayCross', () => {
  it('says GO when everything holds, and why', () => {
    expect(ask()).toEqual({
      go: true,
      // 30 − 1 of lag − 0.5 of clocks; 1 + 13 / 1.2 + 3
      text: 'the light shows walk for 28.5 s more, 14.8 s needed, source mqtt-spat, 0.0 s old; the camera agrees',
    });
  });

  it.each<[string, Partial<CrossingInput>, RegExp]>([
    ['no-signal', { signal: undefined }, /no signal/],
    [
      'head-not-surveyed',
      { signal: { ...SIGNAL, verifiedAt: undefined as unknown as string } },
      /checked on the street/,
    ],
    ['head-not-surveyed', { signal: { ...SIGNAL, verifiedAt: 'soon' } }, /checked on the street/],
    ['map-version-differs', { mapVersion: 8 }, /version 7, in use is 8/],
    ['map-version-differs', { mapVersion: undefined }, /in use is none/],
    ['map-version-differs', { signalMapVersion: undefined, mapVersion: undefined }, /unknown/],
    ['no-answer', { answer: undefined }, /no source/],
    [
      'phase-stop',
      { answer: last({ phase: 'stop' }) },
      /^the light shows stop, source mqtt-spat, 0\.0 s old$/,
    ],
    ['phase-clearance', { answer: last({ phase: 'clearance' }) }, /shows clearance/],
    ['phase-dark', { answer: last({ phase: 'dark' }) }, /shows dark/],
    ['phase-fault', { answer: last({ phase: 'fault' }) }, /shows fault/],
    ['phase-unknown', { answer: last({ phase: 'unknown' }) }, /shows unknown/],
    ['answer-stale', { answer: aged(answered(NOW - 9000), answered(NOW - 8000)) }, /9\.0 s old/],
    ['answer-stale', { answer: aged(answered(NOW), answered(NOW + 1)) }, /later than now/],
    ['source-time-unproven', { answer: aged(answered(NOW)) }, /first answer/],
    [
      'source-time-stuck',
      { answer: last({ sourceTime: SOURCE_EPOCH + NOW - 1000, remaining: { min: 40 } }) },
      /did not advance/,
    ],
    ['source-time-jumped', { answer: last({ sourceTime: SOURCE_EPOCH + NOW + 9000 }) }, /ahead/],
    ['wrong-id', { signal: { ...SIGNAL, signalId: 'gangnam-13' } }, /asked about gangnam-13.*gangnam-12/],
    ['no-remaining', { answer: last({ remaining: undefined as unknown as { min: number } }) }, /no usable/],
    ['no-remaining', { answer: last({ remaining: { min: Number.NaN } }) }, /no usable/],
    ['no-remaining', { answer: last({ remaining: { min: Number.POSITIVE_INFINITY } }) }, /no usable/],
    ['timing-apart', { answer: last({ timingSourceTime: undefined as unknown as number }) }, /when/],
    ['timing-apart', { answer: last({ timingSourceTime: SOURCE_EPOCH + NOW - 3001 }) }, /3\.0 s apart/],
    ['timing-apart', { answer: last({ timingSourceTime: SOURCE_EPOCH + NOW + 3001 }) }, /3\.0 s apart/],
    ['timing-apart', { answer: last({ timingSourceTime: Number.NaN }) }, /apart/],
    [
      'time-too-short',
      { answer: last({ remaining: { min: 16.3 } }) },
      /walk for 14\.8 s more, 14\.8 s needed/,
    ],
    ['time-too-short', { signal: { ...SIGNAL, crossingLength: Number.NaN } }, /NaN/],
    ['no-camera', { camera: undefined }, /no camera/],
    ['no-camera', { camera: { kind: 'none' } }, /no camera/],
    ['no-camera', { camera: { kind: 'occluded', seenAtMs: NOW - 501 } }, /0\.5 s old/],
    ['no-camera', { camera: { kind: 'sees', phase: 'walk', seenAtMs: NOW + 1 } }, /old/],
    ['camera-unsure', { camera: { kind: 'sees', phase: 'unknown', seenAtMs: NOW } }, /cannot tell/],
    ['camera-disagrees', { camera: { kind: 'sees', phase: 'stop', seenAtMs: NOW } }, /the camera sees stop/],
    ['camera-disagrees', { camera: { kind: 'sees', phase: 'dark', seenAtMs: NOW } }, /the camera sees dark/],
    ['no-obstacle-check', { obstacles: undefined }, /nothing has looked/],
    ['no-obstacle-check', { obstacles: { veto: false, checkedAtMs: NOW - 501 } }, /0\.5 s ago/],
    ['obstacle', { obstacles: { veto: true, what: 'a bus', checkedAtMs: NOW } }, /^a bus is in the way$/],
  ])('waits with %s', (reason, change, text) => {
    const verdict = ask(change);
    expect(verdict).toMatchObject({ go: false, reason });
    expect(verdict.text).toMatch(text);
  });

  it('asks for exactly the time of the contract', () => {
    // 14.8333 needed + 1 s lag + 0.5 s clocks
    const needed = crossingSeconds(12, config) + 1.5;
    expect(ask({}, { remaining: { min: needed + 1e-6 } }).go).toBe(true);
    expect(ask({}, { remaining: { min: needed - 1e-6 } })).toMatchObject({ reason: 'time-too-short' });
  });

  it('lets the feed alone decide behind a truck only where the policy allows it', () => {
    const camera = { kind: 'occluded', by: 'a truck', seenAtMs: NOW } as const;
    expect(ask({ camera }).go).toBe(true);
    const never = crossingConfig.parse({ rule: { feedAlone: 'never' } });
    expect(mayCross({ ...fine(NOW), camera }, NOW, never)).toEqual({
      go: false,
      reason: 'camera-occluded',
      text: 'a truck hides the light, and the feed alone may not decide',
    });
  });

  it('names the first reason in the order of the contract', () => {
    const broken: [string, Partial<CrossingInput>][] = [
      ['head-not-surveyed', { signal: { ...SIGNAL, verifiedAt: '' } }],
      ['map-version-differs', { mapVersion: 8 }],
      ['no-answer', { answer: undefined }],
      ['phase-stop', { answer: last({ phase: 'stop' }) }],
      ['time-too-short', { answer: last({ remaining: { min: 3 } }) }],
      ['no-camera', { camera: { kind: 'none' } }],
      ['obstacle', { obstacles: { veto: true, checkedAtMs: NOW } }],
    ];
    for (const [k, [reason]] of broken.entries()) {
      const all = Object.assign(
        {},
        ...broken
          .slice(k)
          .map(([, change]) => change)
          .reverse(),
      );
      expect(ask(all)).toMatchObject({ reason });
    }
  });
});

describe('the rule, whatever comes', () => {
  const phase = fc.oneof(
    { weight: 5, arbitrary: fc.constant<SignalPhase>('walk') },
    fc.constantFrom<SignalPhase>('stop', 'clearance', 'dark', 'fault', 'unknown'),
  );
  const around = fc.integer({ min: -12_000, max: 500 }).map((by) => NOW + by);
  const often = <T>(value: T, other: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 12, arbitrary: fc.constant(value) }, other);
  const state: fc.Arbitrary<SignalState> = fc.record(
    {
      signalId: often(SIGNAL.signalId, fc.constant('gangnam-13')),
      phase,
      remaining: fc.record({ min: fc.double({ min: 0, max: 60 }) }),
      sourceTime: around.map((t) => SOURCE_EPOCH + t),
      timingSourceTime: around.map((t) => SOURCE_EPOCH + t),
      receivedAtMs: around,
      provider: fc.constantFrom('mqtt-spat', 'city-http'),
      raw: fc.constant(null),
    },
    { requiredKeys: ['signalId', 'phase', 'sourceTime', 'receivedAtMs', 'provider', 'raw'] },
  );
  const good = fc
    .record({
      lag: fc.nat(1500),
      gap: fc.nat(3500),
      min: fc.double({ min: 10, max: 40, noNaN: true }),
      phase,
    })
    .map(({ lag, gap, min, phase }) =>
      [4000, 3000, 1000].map((ago) =>
        answered(NOW - ago + 500, {
          phase,
          remaining: { min: min + ago / 1000 },
          sourceTime: SOURCE_EPOCH + NOW - ago + 500 - lag,
          timingSourceTime: SOURCE_EPOCH + NOW - ago + 500 - lag - gap,
        }),
      ),
    );
  const answers = fc.oneof({ weight: 6, arbitrary: good }, fc.array(state, { maxLength: 4 }));
  const seenAtMs = fc.oneof({ weight: 12, arbitrary: fc.integer({ min: NOW - 550, max: NOW }) }, around);
  const input: fc.Arbitrary<CrossingInput> = answers.chain((states) =>
    fc.record({
      signal: often({ ...SIGNAL }, fc.constant({ ...SIGNAL, verifiedAt: '' })),
      signalMapVersion: often(7, fc.constant(8)),
      mapVersion: often(7, fc.constant(8)),
      answer: fc.constant(states.length > 0 ? aged(...states) : undefined),
      camera: fc.oneof(
        fc.record({ kind: fc.constant('sees' as const), phase, seenAtMs }),
        fc.record({ kind: fc.constant('occluded' as const), seenAtMs }),
        fc.constant({ kind: 'none' as const }),
      ),
      obstacles: fc.record({ veto: often(false, fc.constant(true)), checkedAtMs: seenAtMs }),
    }),
  );
  const runs = { seed: 6, numRuns: 3000 };

  /** Each input without one thing, or with one thing older by `ms`. */
  function poorer(given: CrossingInput, ms: number): CrossingInput[] {
    const { answer, camera, obstacles, signal } = given;
    const { verifiedAt: _, ...unsurveyed } = signal!;
    const changes: Partial<CrossingInput>[] = [
      { signal: undefined },
      { signal: unsurveyed },
      { signalMapVersion: undefined },
      { mapVersion: undefined },
      { answer: undefined },
      { camera: undefined },
      { camera: { kind: 'none' } },
      { obstacles: undefined },
    ];
    if (obstacles) changes.push({ obstacles: { ...obstacles, checkedAtMs: obstacles.checkedAtMs - ms } });
    if (camera && camera.kind !== 'none')
      changes.push({ camera: { ...camera, seenAtMs: camera.seenAtMs - ms } });
    if (answer) {
      const { remaining: _r, ...untimed } = answer.state;
      const { timingSourceTime: _t, ...unstamped } = answer.state;
      const older = { ...answer.state, receivedAtMs: answer.state.receivedAtMs - ms };
      for (const state of [untimed, unstamped, older]) changes.push({ answer: { ...answer, state } });
      changes.push({ answer: { ...answer, lateSeconds: answer.lateSeconds + ms / 1000 } });
    }
    return changes.map((change) => ({ ...given, ...change }));
  }

  /** An input from the future is no input yet, so that its age may only count from NOW on. */
  const isPast = ({ answer, camera, obstacles }: CrossingInput) =>
    (answer?.state.receivedAtMs ?? 0) <= NOW &&
    (camera?.kind === 'none' || (camera?.seenAtMs ?? 0) <= NOW) &&
    (obstacles?.checkedAtMs ?? 0) <= NOW;

  it('never turns WAIT into GO by removing or ageing an input', () => {
    fc.assert(
      fc.property(input.filter(isPast), fc.nat(5000), (given, ms) => {
        const before = mayCross(given, NOW, config);
        const after = poorer(given, ms).map((less) => mayCross(less, NOW, config).go);
        expect(after.some((go) => go && !before.go)).toBe(false);
      }),
      runs,
    );
  });

  it('never turns WAIT into GO by waiting', () => {
    fc.assert(
      fc.property(input.filter(isPast), fc.nat(20_000), (given, ms) => {
        expect(mayCross(given, NOW + ms, config).go && !mayCross(given, NOW, config).go).toBe(false);
      }),
      runs,
    );
  });

  it('says GO only in a walk that lasts for the whole crossing, with every input there', () => {
    let gone = 0;
    fc.assert(
      fc.property(input, (given) => {
        if (!mayCross(given, NOW, config).go) return;
        gone++;
        const { state } = given.answer!;
        expect(state.phase).toBe('walk');
        expect(state.signalId).toBe(given.signal!.signalId);
        expect(state.receivedAtMs + 1000 * state.remaining!.min).toBeGreaterThan(
          NOW + 1000 * crossingSeconds(given.signal!.crossingLength, config),
        );
        expect(given.obstacles!.veto).toBe(false);
        expect(given.camera).toSatisfy(
          (view: CrossingInput['camera']) =>
            view?.kind === 'occluded' || (view?.kind === 'sees' && view.phase === 'walk'),
        );
      }),
      runs,
    );
    // else the properties above would say nothing
    expect(gone).toBeGreaterThan(50);
  });
});

describe('disagreement', () => {
  const seen = (feed: SignalPhase, camera: SignalPhase) =>
    disagreement(
      { ...fine(NOW, { phase: feed }), camera: { kind: 'sees', phase: camera, seenAtMs: NOW } },
      NOW,
      config,
    );

  it('is told when one of the two says walk and the other something else that it knows', () => {
    expect(seen('walk', 'stop')).toEqual({ feed: 'walk', camera: 'stop' });
    expect(seen('stop', 'walk')).toEqual({ feed: 'stop', camera: 'walk' });
    for (const [feed, camera] of [
      ['walk', 'walk'],
      ['stop', 'clearance'],
      ['walk', 'unknown'],
      ['unknown', 'walk'],
    ] as const)
      expect(seen(feed, camera)).toBeUndefined();
  });

  it('is not told of an old picture, an old answer, or another signal', () => {
    const given = { ...fine(NOW), camera: { kind: 'sees', phase: 'stop', seenAtMs: NOW } } as const;
    expect(disagreement(given, NOW + 501, config)).toBeUndefined();
    const camera = { ...given.camera, seenAtMs: NOW + 8000 };
    expect(disagreement({ ...given, camera }, NOW + 8000, config)).toBeUndefined();
    const signal = { ...SIGNAL, signalId: 'gangnam-13' };
    expect(disagreement({ ...given, signal }, NOW, config)).toBeUndefined();
    expect(disagreement({ ...given, camera: { kind: 'none' } }, NOW, config)).toBeUndefined();
  });
});
