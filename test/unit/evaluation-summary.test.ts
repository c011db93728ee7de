import { describe, expect, it } from 'vitest';
import { consistencyOf } from '../../src/evaluation/consistency.ts';
import { RunRecorder } from '../../src/evaluation/run-record.ts';
import { summarise } from '../../src/evaluation/summarise.ts';
import type { PoseSink } from '../../src/ports.ts';
import type { FrameResult, LocalizationState, Pose, UpdateRecord } from '../../src/types.ts';
import { syntheticRun } from './evaluation-synthetic-run.ts';

const FACTS = { title: 'run', input: 'a.mcap', mapId: 'demo', config: {} };
const OUTCOME = { realTimeFactor: 2, wallSeconds: 1, rssPeakBytes: 1000, eventLoopDelayP99Ms: 4 };

function frame(tenths: number, state: LocalizationState, pose?: Pose, ms = 10): FrameResult {
  return {
    stamp: BigInt(tenths) * 100_000_000n,
    frame: tenths,
    state,
    ...(pose && { pose }),
    stages: { register: ms },
  };
}

function update(change: Partial<UpdateRecord>): UpdateRecord {
  return {
    stamp: 0n,
    sensor: 'gnss',
    accepted: true,
    nis: 3,
    dof: 3,
    innovation: 0,
    correction: 0,
    ...change,
  };
}

describe('summary', () => {
  it('is the object of the contract, by hand', () => {
    const at = (x: number): Pose => ({ position: [x, 0, 0], orientation: [0, 0, 0, 1] });
    const recorder = new RunRecorder({ ...FACTS, start: -1_000_000_000n });
    const sink: PoseSink = recorder;
    sink.frame(frame(0, 'INITIALISING', undefined, 10));
    sink.frame(frame(5, 'TRACKING', at(1), 20));
    sink.frame(frame(7, 'TRACKING', at(2), 30));
    sink.frame(frame(10, 'LOST', undefined, 40));
    sink.refused('too-late', 'first');
    sink.refused('non-finite', 'other');
    sink.refused('too-late', 'second');
    const record = recorder.finish({
      ...OUTCOME,
      reference: [
        { stamp: 500_000_000n, pose: at(1.1) },
        { stamp: 700_000_000n, pose: at(2.3) },
      ],
      trajectory: { path: 'out/trajectory.tum', sha256: 'ab' },
    });
    // errors 0.1 and 0.3 m: median 0.2, p95 0.1 + 0.95·0.2 = 0.29, rmse √((0.01 + 0.09)/2) = √0.05
    // INITIALISING 0–0.5 s, TRACKING 0.5–1.0 s, LOST is the last frame; first pose 0.5 s after 0, input began at −1 s
    expect(summarise(record)).toEqual({
      input: 'a.mcap',
      map: 'demo',
      frames: 4,
      tracked: 2,
      refused: { 'non-finite': 1, 'too-late': 2 },
      points: null,
      ape: {
        median: expect.closeTo(0.2, 12),
        p95: expect.closeTo(0.29, 12),
        p99: expect.closeTo(0.298, 12),
        max: expect.closeTo(0.3, 12),
        rmse: expect.closeTo(Math.sqrt(0.05), 12),
      },
      yaw: { median: 0, p95: 0, max: 0 },
      matched: 2,
      firstPose: { seconds: 1.5, frame: 5 },
      states: { INITIALISING: 0.5, TRACKING: 0.5, LOST: 0 },
      protection: null,
      realTimeFactor: 2,
      stages: { register: { median: 25, p99: expect.closeTo(39.7, 12) } },
      eventLoopDelay: { p99: 4 },
      rssPeak: 1000,
      trajectory: 'out/trajectory.tum',
      trajectorySha256: 'ab',
      nis: {},
    });
    expect(record.refusedExamples).toEqual({ 'non-finite': 'other', 'too-late': 'first' });
  });

  it('says null where nothing is known', () => {
    const empty = summarise(new RunRecorder(FACTS).finish(OUTCOME));
    expect(empty).toMatchObject({
      frames: 0,
      ape: null,
      yaw: null,
      matched: null,
      firstPose: null,
      trajectory: null,
    });
    const unmatched = summarise(new RunRecorder(FACTS).finish({ ...OUTCOME, reference: [] }));
    expect(unmatched).toMatchObject({ ape: null, matched: 0 });
  });

  it('holds each pose against the level that it said, by hand', () => {
    const at = (x: number): Pose => ({ position: [x, 0, 7], orientation: [0, 0, 0, 1] });
    const recorder = new RunRecorder(FACTS);
    recorder.frame({ ...frame(0, 'TRACKING', at(1)), protectionLevel: 0.2 });
    recorder.frame({ ...frame(1, 'TRACKING', at(2)), protectionLevel: 0.4 });
    recorder.frame({ ...frame(2, 'DEGRADED', at(3)), protectionLevel: 9 });
    recorder.frame({ ...frame(3, 'TRACKING', at(4)) });
    recorder.frame({ ...frame(90, 'TRACKING', at(4)), protectionLevel: 1 });
    const low = (x: number): Pose => ({ position: [x, 0, 0], orientation: [0, 0, 0, 1] });
    const reference = [1.1, 2.5, 3.1, 4].map((x, k) => ({ stamp: BigInt(k) * 100_000_000n, pose: low(x) }));
    // Height does not count; errors 0.1 (level 0.2), 0.5 (0.4), 0.1 (9); the last has no reference. Levels 0.2 0.4 1.
    expect(summarise(recorder.finish({ ...OUTCOME, reference })).protection).toEqual({
      poses: 4,
      judged: 3,
      above: 1,
      level: { median: 0.4, p95: expect.closeTo(0.94, 9), max: 1 },
    });
  });

  it('is the same text for the same run, and plain JSON', () => {
    const text = JSON.stringify(summarise(syntheticRun()));
    expect(JSON.stringify(summarise(syntheticRun()))).toBe(text);
    expect(JSON.parse(text).ape.median).toBeGreaterThan(0);
  });
});

describe('consistency', () => {
  it('counts by sensor and reason, and judges accepted updates by the χ² band of their own dof', () => {
    // 95 % band of χ² with 3 dof: [0.2158, 9.3484] (tables)
    const nis = consistencyOf([
      update({ nis: 0.2 }),
      update({ nis: 0.22 }),
      update({ nis: 9.3 }),
      update({ nis: 9.4 }),
      update({ accepted: false, nis: 99, reason: 'gate' }),
      update({ accepted: false, nis: Number.NaN, reason: 'no-fix' }),
      update({ accepted: false, nis: 99, reason: 'gate' }),
      update({ sensor: 'odometry', accepted: false, reason: 'too-late' }),
    ]);
    expect(nis.gnss).toEqual({
      count: 7,
      accepted: 4,
      mean: expect.closeTo((0.2 + 0.22 + 9.3 + 9.4) / 4, 12),
      dof: 3,
      withinBand95: 0.5,
      rejected: { gate: 2, 'no-fix': 1 },
    });
    expect(nis.odometry).toMatchObject({ accepted: 0, mean: null, withinBand95: null });
  });

  it('finds 95 % of well-modelled noise in the band', () => {
    const { registration, gnss } = summarise(syntheticRun({ seconds: 600 })).nis;
    expect(registration!.withinBand95).toBeCloseTo(0.95, 1);
    expect(registration!.mean).toBeCloseTo(6, 0);
    expect(Object.keys(gnss!.rejected)).toEqual(['innovation-gate']);
  });
});
