import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparisonTable } from '../../src/evaluation/comparison.ts';
import { tablesOf } from '../../src/evaluation/figures.ts';
import { escapeText } from '../../src/evaluation/html.ts';
import { writeReport } from '../../src/evaluation/report.ts';
import { type FixRecord, type RunRecord, RunRecorder } from '../../src/evaluation/run-record.ts';
import type { Vec3 } from '../../src/types.ts';
import { syntheticRun } from './evaluation-synthetic-run.ts';

const EMPTY = new RunRecorder({
  title: 'Nothing <img src=x>',
  input: 'a & b.mcap',
  mapId: null,
  config: {},
}).finish({
  realTimeFactor: 0,
  wallSeconds: 0.1,
  rssPeakBytes: 1,
  eventLoopDelayP99Ms: 0,
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function report(record: RunRecord, name: string) {
  const files = await writeReport(record, join(folder, name));
  return { files, html: await readFile(files.html, 'utf8'), png: await readFile(files.png!) };
}

describe('report', { timeout: 60_000 }, () => {
  it('of a run is one page without anything from outside, and pictures', async () => {
    const { files, html, png } = await report(syntheticRun(), 'full');
    expect(files.plots).toHaveLength(9);
    expect(html).not.toMatch(/<script|<link|@import|url\((?!#)|(?:src|href)="(?!data:)/);
    expect(html).not.toContain('class="missing"');
    for (const text of [
      'Loop round the block',
      'innovation-gate',
      'stamp-not-rising',
      'registration.maxDistance',
    ]) {
      expect(html).toContain(text);
    }
    expect(html).toContain('NaN in point 17 &lt;script&gt;');
    // A number that was not known must not reach a drawing.
    expect(html.replaceAll('found NaN in point', '')).not.toMatch(/NaN|undefined|Infinity/);
    const { width, height, data } = PNG.sync.read(png);
    expect(height).toBeGreaterThan(width);
    expect(new Set(data.subarray(0, 4 * width * 400)).size).toBeGreaterThan(50);
  });

  it('gives every drawing its own names, and the same run the same bytes', async () => {
    const first = await report(syntheticRun(), 'first');
    const second = await report(syntheticRun(), 'second');
    expect(second.html === first.html).toBe(true);
    expect(second.png.equals(first.png)).toBe(true);
    const ids = [...first.html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('of two configurations shows both on one page, figure by figure', async () => {
    const record = syntheticRun({ seconds: 20 });
    const other = { name: 'lidar.voxelSize=1 <b>', record: syntheticRun({ seconds: 30 }) };
    const { html } = {
      html: await readFile((await writeReport(record, join(folder, 'two'), other)).html, 'utf8'),
    };
    expect(html).toContain('lidar.voxelSize=1 &lt;b&gt;');
    expect(html).toContain('errors above their level');
    const table = tablesOf(record, other)[0]!;
    // The same noise by the same seed, for half as long again.
    expect(table.rows.find(([name]) => name === 'frames tracked')).toEqual([
      'frames tracked',
      String(record.frames.filter(({ state }) => state === 'TRACKING').length),
      String(other.record.frames.filter(({ state }) => state === 'TRACKING').length),
      expect.stringMatching(/^\+\d+$/),
    ]);
    const same = comparisonTable(record, { name: 'same', record }).rows.map(
      ([, , , difference]) => difference,
    );
    for (const difference of same) expect(difference).toMatch(/^(–|0(\.0+)?.*)$/);
  });

  it('of nothing is still made, and says so', async () => {
    const { files, html, png } = await report(EMPTY, 'empty');
    expect(files.plots).toEqual([]);
    expect(html).toContain('No reference was given');
    expect(html).toContain('The run has no frames.');
    expect(html).toContain('there is nothing to draw');
    expect(html).toContain('Nothing &lt;img src=x&gt;');
    expect(PNG.sync.read(png).width).toBeGreaterThan(1000);
  });

  it.each([
    ['reference', 'No reference was given', 7],
    ['mapPoints', 'No map points were recorded', 9],
  ] as const)('without %s says so', async (field, words, plots) => {
    const { files, html } = await report({ ...syntheticRun(), [field]: undefined }, `without-${field}`);
    expect(html).toContain(words);
    expect(files.plots).toHaveLength(plots);
  });

  it('of a run that was never tracked says so', async () => {
    const run = syntheticRun({ seconds: 20 });
    const frames = run.frames.map(({ stamp, frame, stages }) => ({
      stamp,
      frame,
      stages,
      state: 'LOST' as const,
    }));
    const { html } = await report({ ...run, frames }, 'lost');
    expect(html).toContain('No frame had a pose');
    expect(html).toContain('0.0 %');
  });

  it('takes the smallest of runs: one frame without stages, one update without a NIS', async () => {
    const recorder = new RunRecorder({ title: 'one', input: 'one.mcap', mapId: null, config: {} });
    const pose = { position: [5, 5, 0], orientation: [0, 0, 0, 1] } as const;
    recorder.frame({ stamp: 5n, frame: 0, state: 'TRACKING', pose, stages: {} });
    const measured = { nis: Number.NaN, dof: 0, innovation: 0, correction: 0 };
    recorder.update({ stamp: 4n, sensor: 'stationary', accepted: true, ...measured });
    const outcome = { realTimeFactor: 1, wallSeconds: 1, rssPeakBytes: 1, eventLoopDelayP99Ms: 0 };
    const { files, html } = await report(recorder.finish(outcome), 'one');
    expect(html).toContain('No frame was timed.');
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
    expect(files.plots.map((path) => basename(path))).toEqual(['map.png', 'states.png', 'corrections.png']);
  });

  // The renderer gives up on what is wholly outside a picture.
  it.each<[string, (run: RunRecord) => Partial<RunRecord>]>([
    ['a thousand kilometres off', (run) => changed(run, (value) => value + 1e6)],
    ['just above the axes', (run) => changed(run, (value) => value + 1.5)],
    ['above the axes', (run) => changed(run, (value) => value + 15)],
    ['of the largest numbers', (run) => changed(run, () => 1e300)],
    ['below all axes', (run) => changed(run, () => -1e6)],
    ['not numbers', (run) => changed(run, () => Number.NaN)],
    ['infinite', (run) => changed(run, () => Number.POSITIVE_INFINITY)],
    ['not numbers now and then', (run) => changed(run, (value, n) => (n % 3 === 0 ? Number.NaN : value))],
    ['of which the fixes are far and rejected', ({ fixes }) => ({ fixes: fixes.map(farRejected) })],
    [
      'of which some fixes are far and rejected',
      ({ fixes }) => ({ fixes: fixes.map((fix, n) => (n % 3 === 0 ? farRejected(fix) : fix)) }),
    ],
    ['apart from the map', () => ({ mapPoints: Float32Array.of(1e6, -1e6, 0) })],
    ['before the start', ({ start }) => ({ start: start! + 10n ** 15n })],
    ['long after the start', ({ start }) => ({ start: start! - 10n ** 15n })],
    [
      'one of each',
      ({ frames, updates, fixes }) => ({
        frames: frames.slice(-1),
        updates: updates.slice(-1),
        fixes: fixes.slice(-1),
        reference: [],
      }),
    ],
    ['none', () => ({ frames: [], updates: [], fixes: [], reference: [], mapPoints: new Float32Array() })],
  ])('of values %s has its picture', async (name, change) => {
    const run = syntheticRun({ seconds: 5 });
    const { png } = await report({ ...run, ...change(run) }, name);
    expect(PNG.sync.read(png).width).toBeGreaterThan(1000);
  });

  it('of 20,000 frames stays small', async () => {
    const { html } = await report(syntheticRun({ seconds: 2000 }), 'long');
    expect(html.length).toBeLessThan(2_000_000);
    expect(html).toContain('show a part of the points');
  });
});

/** A run whose measured values went through `of`. */
function changed(run: RunRecord, of: (value: number, n: number) => number): Partial<RunRecord> {
  const vec = (v: Vec3, n: number): Vec3 => [of(v[0], n), of(v[1], n), of(v[2], n)];
  return {
    frames: run.frames.map(({ pose, registration, stages, protectionLevel, ...rest }, n) => ({
      ...rest,
      ...(protectionLevel && { protectionLevel: of(protectionLevel, n) }),
      stages: Object.fromEntries(Object.entries(stages).map(([stage, ms]) => [stage, of(ms, n)])),
      ...(pose && { pose: { ...pose, position: vec(pose.position, n) } }),
      ...(registration && {
        registration: {
          ...registration,
          inlierRatio: of(registration.inlierRatio, n),
          residual: of(registration.residual, n),
          iterations: of(registration.iterations, n),
        },
      }),
    })),
    updates: run.updates.map((update, n) => ({
      ...update,
      nis: of(update.nis, n),
      correction: of(update.correction, n),
    })),
    fixes: run.fixes.map((fix, n) => ({ ...fix, position: vec(fix.position, n) })),
  };
}

function farRejected(fix: FixRecord): FixRecord {
  return { ...fix, accepted: false, position: [1e6, 1e6, 0] };
}

describe('text', () => {
  it('cannot leave its place, nor void the picture', () => {
    expect(escapeText(`<a href="x" onclick='y'>&`)).toBe(
      '&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;',
    );
    expect(escapeText('a\u0000b\u001bc\ud800d\n')).toBe('a\ufffdb\ufffdc\ufffdd\n');
  });
});
