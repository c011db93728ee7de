import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routeTiles, type XY } from '../../src/map/route-tiles.ts';
import { distanceToTile } from '../../src/map/tile-grid.ts';

const metres = fc.double({ min: -200, max: 200, noNaN: true });
const lines = fc.array(fc.tuple(metres, metres), { minLength: 1, maxLength: 5 });

const corridorTiles = (line: readonly XY[], radius: number, tileSize: number) =>
  routeTiles(line, radius, tileSize).tiles.map(({ id }) => id);

describe('the tiles of a route', () => {
  it('holds every tile that a place of the line is near to, none that is far, each once', () => {
    fc.assert(
      fc.property(lines, fc.double({ min: 1, max: 60, noNaN: true }), (line, radius) => {
        const tiles = corridorTiles(line, radius, 20);
        expect(new Set(tiles).size).toBe(tiles.length);
        const dense = line.flatMap((b, k) => {
          const a = line[Math.max(0, k - 1)]!;
          return Array.from({ length: 50 }, (_, n) => [
            a[0] + ((b[0] - a[0]) * n) / 49,
            a[1] + ((b[1] - a[1]) * n) / 49,
          ]);
        });
        const away = (id: string) => Math.min(...dense.map(([x, y]) => distanceToTile(x!, y!, id, 20)));
        for (const id of tiles) expect(away(id)).toBeLessThanOrEqual(radius + 2.5 + 600 / 49);
        for (let i = -14; i <= 14; i++)
          for (let j = -14; j <= 14; j++)
            if (away(`${i}_${j}`) <= radius) expect(tiles).toContain(`${i}_${j}`);
      }),
      { seed: 4, numRuns: 40 },
    );
  });

  it('comes in order of travel', () => {
    expect(
      corridorTiles(
        [
          [10, 10],
          [70, 10],
        ],
        5,
        20,
      ),
    ).toEqual(['0_0', '1_0', '2_0', '3_0']);
    expect(
      corridorTiles(
        [
          [70, 10],
          [10, 10],
        ],
        5,
        20,
      ),
    ).toEqual(['3_0', '2_0', '1_0', '0_0']);
    expect(corridorTiles([], 5, 20)).toEqual([]);
  });
});
