import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CrossingState,
  type CrossingStep,
  newCrossing,
  type OperatorEvent,
  stepCrossing,
} from '../../src/crossing/crossing-guard.ts';
import { config, fine } from './crossing-cases.ts';

/** A step at `nowMs`, everything fine but what is changed. */
type Step = [nowMs: number, toStopLine: number | undefined, change?: Partial<CrossingStep>];
const blocked = { obstacles: { veto: true, checkedAtMs: 1e9 } };
const stop = (nowMs: number): Partial<CrossingStep> => ({
  answer: fine(nowMs, { phase: 'stop' }).answer,
  camera: { kind: 'sees', phase: 'stop', seenAtMs: nowMs },
});

function walk(...steps: Step[]): { state: CrossingState; phases: string; events: OperatorEvent['kind'][] } {
  let state = newCrossing;
  const phases: string[] = [];
  const events: OperatorEvent['kind'][] = [];
  for (const [nowMs, toStopLine, change] of steps) {
    const next = stepCrossing(state, { ...fine(nowMs), toStopLine, ...change }, nowMs, config);
    state = next.state;
    phases.push(state.phase);
    events.push(...next.events.map(({ kind }) => kind));
  }
  return { state, phases: phases.join(' '), events };
}

describe('stepCrossing', () => {
  it('goes over the road: near, GO, past the line, rear at the far kerb', () => {
    // 12 m of road and 1 m of robot
    const { phases, events } = walk(
      [0, 30],
      [1000, 9],
      [2000, 0.1],
      [3000, -0.1],
      [4000, -12.9],
      [5000, -13],
    );
    expect(phases).toBe('APPROACHING GO GO CLEARING CLEARING CLEARED');
    expect(events).toEqual([]);
  });

  it('waits with the reason of the rule, and goes when it holds', () => {
    const { phases, state } = walk([0, 5, stop(0)], [1000, 1, stop(1000)]);
    expect(phases).toBe('WAITING WAITING');
    expect(state).toMatchObject({ reason: 'phase-stop', text: expect.stringMatching(/light shows stop/) });
    expect(walk([0, 5, stop(0)], [1000, 1]).phases).toBe('WAITING GO');
  });

  it('takes GO back before the stop line, and never past it', () => {
    expect(walk([0, 1], [100, 0.05, stop(100)]).phases).toBe('GO WAITING');
    const past = walk([0, 1], [100, -0.05, stop(100)], [200, -2, { answer: undefined, signal: undefined }]);
    expect(past.phases).toBe('GO CLEARING CLEARING');
    expect(past.state.text).toMatch(/^crossing, not to be stopped by: the map knows no signal/);
  });

  it('leaves a road whose signal is no longer given', () => {
    expect(walk([0, 1], [100, -1], [9000, -13, { signal: undefined }]).phases).toBe('GO CLEARING CLEARED');
  });

  it('goes on clearing while it does not know where it is', () => {
    expect(walk([0, 1], [100, -1], [200, undefined], [300, Number.NaN]).phases).toBe(
      'GO CLEARING CLEARING CLEARING',
    );
  });

  it('waits while it does not know where it is before the road', () => {
    expect(walk([0, 1], [100, undefined])).toMatchObject({
      phases: 'GO WAITING',
      state: { reason: 'place-unknown' },
    });
    expect(walk([0, Number.NaN]).phases).toBe('WAITING');
  });

  it('stands when it rolled over the stop line without GO, and tells an operator once', () => {
    const steps: Step[] = [
      [0, 0.1, stop(0)],
      [100, -0.2, stop(100)],
      [200, -0.2, stop(200)],
    ];
    const { phases, state, events } = walk(...steps);
    expect(phases).toBe('WAITING WAITING WAITING');
    expect(state).toMatchObject({ reason: 'stop-line-passed' });
    expect(state.text).toMatch(/^0\.2 m over the stop line without GO: the light shows stop/);
    expect(events).toEqual(['stop-line-passed']);
    expect(walk(...steps, [300, -0.2]).phases).toMatch(/CLEARING$/);
  });

  it('leaves the road when it finds itself wholly on it, as after a restart', () => {
    const { phases, events } = walk([0, -4, stop(0)], [100, -5, stop(100)], [200, -13, stop(200)]);
    expect(phases).toBe('CLEARING CLEARING CLEARED');
    expect(events).toEqual(['on-road-without-go']);
  });

  it('waits at once when the camera disagrees, and tells it when that lasts longer than the feed lags', () => {
    const seen = (nowMs: number): Step => [
      nowMs,
      4,
      { camera: { kind: 'sees', phase: 'stop', seenAtMs: nowMs } },
    ];
    // mqtt-spat: 1 s
    const lasting = [seen(100), seen(600), seen(1100), seen(1200), seen(1300)];
    expect(walk(...lasting.slice(0, 3))).toMatchObject({ phases: 'WAITING WAITING WAITING', events: [] });
    expect(walk(...lasting).events).toEqual(['camera-disagrees']);
    const again = [[1400, 4] as Step, seen(1500), seen(2600)];
    expect(walk(...lasting, ...again).events).toEqual(['camera-disagrees', 'camera-disagrees']);
    expect(walk(seen(100), seen(600), [700, 4], seen(800), seen(1300)).events).toEqual([]);
  });

  it('tells when it is on the road for longer than a crossing takes', () => {
    // past the line at 100 ms; 14.83 s
    expect(walk([0, 1], [100, -1], [14_900, -9]).events).toEqual([]);
    expect(walk([0, 1], [100, -1], [15_000, -9], [16_000, -9]).events).toEqual(['clearing-late']);
  });

  it('never waits on the road, and is on the road by a GO or told', () => {
    const step = fc.record(
      {
        toStopLine: fc.oneof(fc.double({ min: -15, max: 12 }), fc.constant(undefined)),
        change: fc.constantFrom<'stop' | 'silent' | 'blocked' | 'fine' | 'lost'>(
          'stop',
          'silent',
          'blocked',
          'fine',
          'fine',
          'fine',
          'lost',
        ),
      },
      { requiredKeys: ['toStopLine', 'change'] },
    );
    const drive = fc.oneof(
      fc.array(step, { maxLength: 30 }),
      // one that moves forward, as robots do
      fc
        .array(step, { minLength: 20, maxLength: 20 })
        .map((steps) =>
          steps.map((one, k) => ({ ...one, toStopLine: one.toStopLine === undefined ? undefined : 3 - k })),
        ),
    );
    let cleared = 0;
    fc.assert(
      fc.property(drive, (steps) => {
        let state = newCrossing;
        let permitted = false;
        for (const [k, { toStopLine, change }] of steps.entries()) {
          const nowMs = 100 * k;
          const changes = {
            fine: {},
            stop: stop(nowMs),
            silent: { answer: undefined },
            lost: { signal: undefined },
            blocked,
          }[change];
          const { state: next, events } = stepCrossing(
            state,
            { ...fine(nowMs), toStopLine, ...changes },
            nowMs,
            config,
          );
          if (state.phase === 'CLEARING') expect(next.phase).toMatch(/^CLEAR(ING|ED)$/);
          if (state.phase === 'CLEARED') expect(next.phase).toBe('CLEARED');
          permitted ||= next.phase === 'GO' || events.some(({ kind }) => kind === 'on-road-without-go');
          permitted ||= next.phase === 'CLEARING' && change === 'fine';
          if (next.phase === 'CLEARING') expect(permitted).toBe(true);
          if (next.phase === 'GO') expect(change).toBe('fine');
          if (next.phase === 'WAITING') expect(next.reason).toBeDefined();
          if (next.phase === 'CLEARED') cleared++;
          state = next;
        }
      }),
      { seed: 6, numRuns: 1000 },
    );
    expect(cleared).toBeGreaterThan(50);
  });
});
