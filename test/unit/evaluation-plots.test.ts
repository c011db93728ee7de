import fc from 'fast-check';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { rasterOf } from '../../src/evaluation/plots/raster.ts';
import { coarsen, spansOf } from '../../src/evaluation/plots/spans.ts';
import {
  breakGaps,
  type Place,
  type Point,
  thin,
  thinDots,
  thinPlaces,
  thinWay,
} from '../../src/evaluation/plots/thin.ts';
import type { LocalizationState } from '../../src/types.ts';

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 3000 });
const series = values.map((ys) => ys.map((y, x): Point => [x, y]));

describe('thinning', () => {
  it('keeps the extremes and the order, and is bounded', () => {
    fc.assert(
      fc.property(series, fc.constantFrom(thin, thinDots), (points, thinned) => {
        const kept = thinned(points, 50).map(([x, y]) => [x, y!] as const);
        const ys = kept.map(([, y]) => y);
        expect(Math.max(...ys)).toBe(Math.max(...points.map(([, y]) => y!)));
        expect(Math.min(...ys)).toBe(Math.min(...points.map(([, y]) => y!)));
        expect(kept.length).toBeLessThanOrEqual(5 * 51);
        expect(kept.every(([x, y]) => points[x]![1] === y)).toBe(true);
        if (thinned === thin) expect(kept.every(([x], i) => i === 0 || x > kept[i - 1]![0])).toBe(true);
      }),
    );
  });

  it('keeps a gap, and takes what is not finite for one', () => {
    const points = Array.from({ length: 1000 }, (_, x): Point => [x, x >= 400 && x < 600 ? Number.NaN : 1]);
    expect(thin(points, 20).some(([x, y]) => x >= 400 && x < 600 && y === null)).toBe(true);
    expect(thin([[0, Number.POSITIVE_INFINITY]], 10)).toEqual([[0, null]]);
    expect(thin([], 10)).toEqual([]);
  });

  it('breaks a line over an outage', () => {
    expect(
      breakGaps([
        [0, 1],
        [0.1, 1],
        [0.2, 1],
        [5, 1],
      ]),
    ).toEqual([
      [0, 1],
      [0.1, 1],
      [0.2, 1],
      [0.2, null],
      [5, 1],
    ]);
  });

  it('draws a way that was driven a hundred times about once, and its gaps as gaps', () => {
    const lap = (i: number): Place => [50 * Math.cos(i / 100), 50 * Math.sin(i / 100)];
    const way = Array.from({ length: 62_832 }, (_, i) => (i > 30_000 && i < 40_000 ? null : lap(i)));
    const kept = thinWay(way, 0.3, 4000);
    expect(kept.length).toBeLessThanOrEqual(4000);
    const lengths = kept.flatMap((place, i) => {
      const before = kept[i - 1];
      return place && before ? [Math.hypot(place[0] - before[0], place[1] - before[1])] : [];
    });
    // steps stay near the half metre of the frames: no chord through the loop
    expect(Math.max(...lengths)).toBeLessThan(2);
    // and together they reach all round: 2π·50 m
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBeGreaterThan(300);
  });

  it('thins places to the limit', () => {
    const places = Array.from({ length: 10_000 }, (_, i): Place => [i % 100, Math.floor(i / 100)]);
    expect(thinPlaces(places, 1, 500).length).toBeLessThanOrEqual(500);
  });
});

describe('states', () => {
  const frames = (states: LocalizationState[]) =>
    states.map((state, frame) => ({ stamp: BigInt(frame) * 1_000_000_000n, frame, state, stages: {} }));

  it('are stretches that meet', () => {
    expect(spansOf(frames(['TRACKING', 'TRACKING', 'LOST', 'TRACKING']), 0n)).toEqual([
      { state: 'TRACKING', from: 0, to: 2 },
      { state: 'LOST', from: 2, to: 3 },
      { state: 'TRACKING', from: 3, to: 3 },
    ]);
  });

  it('never lose a short loss when coarsened', () => {
    const states: LocalizationState[] = Array.from({ length: 1000 }, (_, i) =>
      i === 501 ? 'LOST' : 'TRACKING',
    );
    const coarse = coarsen(spansOf(frames(states), 0n), 999, 10);
    expect(coarse.map(({ state }) => state)).toEqual(['TRACKING', 'LOST', 'TRACKING']);
    expect(coarse[1]).toMatchObject({ from: expect.closeTo(499.5), to: expect.closeTo(599.4) });
  });
});

describe('raster', () => {
  it('puts north up and east right, and is empty where no point is', () => {
    const bounds = { west: 0, east: 10, south: 0, north: 10 };
    // one point north-east, one outside, one that is no number
    const png = rasterOf(Float32Array.from([9.5, 9.5, 0, 50, 50, 0, Number.NaN, 1, 0]), bounds, 10, 10)!;
    const { data } = PNG.sync.read(png);
    const opaque = [...Array(100).keys()].filter((pixel) => data[4 * pixel + 3]! > 0);
    expect(opaque).toEqual([9]);
    expect(rasterOf(new Float32Array(), bounds, 10, 10)).toBeUndefined();
  });
});
