import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { progressOn, routeTiles, type XY } from '../../src/map/route-tiles.ts';
import { distanceToTile, parseTileId } from '../../src/map/tile-grid.ts';
import { type PlanInput, type PlanLimits, planTiles } from '../../src/map/tile-plan.ts';

const tileSize = 20;
const limits: PlanLimits = {
  holdRadius: 60,
  keepFactor: 1.2,
  lookAhead: 20,
  memoryBytes: 1e9,
  fetchRadius: 100,
};
/** Every fifth tile is missing; the others differ in size. */
const map = {
  tileSize,
  memoryOf(id: string): number | undefined {
    const { i, j } = parseTileId(id);
    const kind = (((3 * i + 7 * j) % 5) + 5) % 5;
    return kind === 0 ? undefined : 1000 * kind;
  },
};
const near = (position: XY, radius: number) => {
  const ids: string[] = [];
  for (let i = -30; i < 30; i++)
    for (let j = -30; j < 30; j++)
      if (distanceToTile(...position, `${i}_${j}`, tileSize) <= radius) ids.push(`${i}_${j}`);
  return ids.filter((id) => map.memoryOf(id) !== undefined);
};
const coordinate = fc.double({ min: -450, max: 450, noNaN: true });
const place = fc.tuple(coordinate, coordinate);
const shortLines = fc.array(
  fc.tuple(fc.integer({ min: -100, max: 100 }), fc.integer({ min: -100, max: 100 })),
  {
    minLength: 2,
    maxLength: 3,
  },
);
const lines = fc.array(place, { minLength: 2, maxLength: 6 });
const ids = fc
  .array(fc.tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -30, max: 30 })), { maxLength: 200 })
  .map((all) => all.map(([i, j]) => `${i}_${j}`).filter((id) => map.memoryOf(id) !== undefined));
const inputs = fc.record({
  position: place,
  speed: fc.double({ min: 0, max: 3, noNaN: true }),
  held: ids.map((all) => new Set(all)),
  line: fc.option(lines, { nil: undefined }),
});
const withRoute = ({ line, ...rest }: { line?: XY[] | undefined } & Omit<PlanInput, 'route'>): PlanInput => ({
  ...rest,
  route: line && routeTiles(line, limits.holdRadius, tileSize),
});
const options = { seed: 4, numRuns: 60 };

describe('a plan of tiles', () => {
  it('has all of the map within the hold radius, and never drops one of them', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { hold, drop, short } = planTiles(withRoute(input), map, limits);
        const needed = near(input.position, limits.holdRadius);
        expect(hold).toEqual(expect.arrayContaining(needed));
        expect(drop.filter((id) => needed.includes(id))).toEqual([]);
        expect(short).toBe(0);
      }),
      options,
    );
  });

  it('keeps to the memory, and drops within the radius only what is too much', () => {
    fc.assert(
      fc.property(inputs, fc.integer({ min: 0, max: 150_000 }), (input, memoryBytes) => {
        const plan = planTiles(withRoute(input), map, { ...limits, memoryBytes });
        const needed = near(input.position, limits.holdRadius);
        expect(plan.hold.reduce((sum, id) => sum + map.memoryOf(id)!, 0)).toBeLessThanOrEqual(memoryBytes);
        expect(plan.short).toBe(needed.filter((id) => !plan.hold.includes(id)).length);
        // Then nothing but what is needed now has a place.
        if (plan.short > 0) expect(plan.hold.filter((id) => !needed.includes(id))).toEqual([]);
      }),
      options,
    );
  });

  it('divides: hold = held − drop + load; nothing twice, nothing that the map has not', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { hold, drop, load, prefetch } = planTiles(withRoute(input), map, limits);
        const kept = [...input.held].filter((id) => !drop.includes(id));
        expect([...hold].sort()).toEqual([...kept, ...load].sort());
        expect(new Set([...hold, ...prefetch]).size).toBe(hold.length + prefetch.length);
        for (const id of [...hold, ...prefetch]) expect(map.memoryOf(id)).toBeDefined();
      }),
      options,
    );
  });

  it('loads by time of arrival, then by distance', () => {
    const line: XY[] = [
      [0, 0],
      [400, 0],
    ];
    const route = routeTiles(line, limits.holdRadius, tileSize);
    const from = new Map(route.tiles.map((tile) => [tile.id, tile.from]));
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 400, noNaN: true }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (x, speed) => {
          const { load, prefetch } = planTiles(
            { position: [x, 1], speed, held: new Set(), route },
            map,
            limits,
          );
          const key = (id: string): [number, number] => {
            const distance = distanceToTile(x, 1, id, tileSize);
            return [distance <= limits.holdRadius ? 0 : Math.max(0, from.get(id)! - x), distance];
          };
          for (let k = 1; k < load.length; k++) {
            const [a, b] = [key(load[k - 1]!), key(load[k]!)];
            expect(a[0] < b[0] || (a[0] === b[0] && a[1] <= b[1])).toBe(true);
          }
          const arrivals = prefetch.map((id) => from.get(id)!);
          expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
        },
      ),
      options,
    );
  });

  it('does not swap to and fro at a border, nor where the memory is short', () => {
    fc.assert(
      fc.property(place, fc.constantFrom(20_000, 40_000, 1e6), lines, (start, memoryBytes, line) => {
        for (const route of [undefined, routeTiles(line, limits.holdRadius, tileSize)]) {
          let held = new Set<string>();
          const changes: number[] = [];
          for (let k = 0; k < 10; k++) {
            // 1 m to and fro over any border.
            const position: XY = [start[0] + (k % 2), start[1] - (k % 2)];
            const plan = planTiles({ position, speed: k % 2, held, route }, map, { ...limits, memoryBytes });
            changes.push(plan.load.length + plan.drop.length);
            held = new Set(plan.hold);
          }
          expect(changes.slice(4)).toEqual(changes.slice(4).map(() => 0));
        }
      }),
      { ...options, numRuns: 60 },
    );
  });

  it('plans by the place alone once the robot is further from the route than it sees', () => {
    const route = routeTiles(
      [
        [0, 0],
        [100, 0],
      ],
      limits.holdRadius,
      tileSize,
    );
    const off = planTiles({ position: [0, 61], speed: 1, held: new Set(), route }, map, limits);
    expect(off.onRoute).toBe(false);
    expect(off).toEqual(planTiles({ position: [0, 61], speed: 1, held: new Set() }, map, limits));
    expect(planTiles({ position: [0, 59], speed: 1, held: new Set(), route }, map, limits).onRoute).toBe(
      true,
    );
  });
});

describe('the tiles of a route', () => {
  it('are all that come within the radius, no further than half a step beyond it', () => {
    fc.assert(
      fc.property(shortLines, (line) => {
        const { tiles } = routeTiles(line, 60, tileSize);
        const beside = (id: string) => {
          // The distance of a square from a line, found by looking every 0.5 m.
          let least = Number.POSITIVE_INFINITY;
          for (let k = 1; k < line.length; k++) {
            const [[ax, ay], [bx, by]] = [line[k - 1]!, line[k]!];
            const steps = Math.ceil(2 * Math.hypot(bx - ax, by - ay)) + 1;
            for (let n = 0; n <= steps; n++) {
              const t = n / steps;
              least = Math.min(least, distanceToTile(ax + t * (bx - ax), ay + t * (by - ay), id, tileSize));
            }
          }
          return least;
        };
        const found = new Set(tiles.map(({ id }) => id));
        expect(found.size).toBe(tiles.length);
        for (const { id } of tiles.filter((_, k) => k % 7 === 0))
          expect(beside(id)).toBeLessThanOrEqual(62.5 + 0.25);
        for (let i = -12; i < 12; i += 2)
          for (let j = -12; j < 12; j += 2)
            if (!found.has(`${i}_${j}`)) expect(beside(`${i}_${j}`)).toBeGreaterThan(60 - 0.25);
      }),
      { ...options, numRuns: 8 },
    );
  });

  it('say where on the way the robot is', () => {
    const line: XY[] = [
      [0, 0],
      [100, 0],
      [100, 50],
    ];
    expect(progressOn(line, [30, -4])).toEqual({ along: 30, beside: 4 });
    expect(progressOn(line, [103, 20])).toEqual({ along: 120, beside: 3 });
    expect(progressOn(line, [100, 80])).toEqual({ along: 150, beside: 30 });
    expect(progressOn([], [0, 0]).beside).toBe(Number.POSITIVE_INFINITY);
    expect(progressOn([[3, 4]], [0, 0])).toEqual({ along: 0, beside: 5 });
  });
});
