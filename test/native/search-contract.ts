import { expect, it } from 'vitest';
import type { Core, Neighbours } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { distributions, scatter } from './clouds.ts';
import { reasonOf } from './core-contract.ts';

/** The k-d tree against brute force. */
export function searchContract(core: Core): void {
  const random = new Random(11);
  for (const [name, positions] of Object.entries(distributions(random, 700))) {
    const own = positions.slice(0, 60);
    const queries = Float32Array.from([...own, ...scatter(20, () => [random.uniform(-25, 25), 1, 0])]);

    it.each([1, 2, 10, 300])(`finds the ${name} points' %i nearest as brute force does`, async (k) => {
      const tree = await core.kdTree(core.cloud({ positions }));
      expect(tree.size).toBe(700);
      const found = tree.knn(queries, k);
      for (let q = 0; 3 * q < queries.length; q++) {
        const expected = bruteForce(positions, queries.subarray(3 * q, 3 * q + 3)).slice(0, k);
        expectSame(row(found, q, k), expected);
      }
    });

    it(`finds all ${name} points within a radius, nearest first`, async () => {
      const tree = await core.kdTree(core.cloud({ positions }));
      for (const radius of [0, 1, 6]) {
        const found = tree.radius([queries[0]!, queries[1]!, queries[2]!], radius);
        const all = bruteForce(positions, queries.subarray(0, 3));
        // What lies within rounding of the border may go either way.
        const inside = all.filter(({ d2 }) => d2 <= radius * radius * (1 - 1e-5));
        const border = all.filter(({ d2 }) => d2 <= radius * radius * (1 + 1e-5));
        expect(found.indices.length).toBeGreaterThanOrEqual(inside.length);
        expect(found.indices.length).toBeLessThanOrEqual(border.length);
        expectSame(found, border.slice(0, found.indices.length));
      }
    });
  }

  it('orders equal distances by index, exactly', async () => {
    const positions = scatter(400, () => [
      Math.round(random.uniform(-2, 2)),
      Math.round(random.uniform(-2, 2)),
      0,
    ]);
    const tree = await core.kdTree(core.cloud({ positions }));
    for (const k of [1, 7, 50]) {
      const { indices } = tree.knn(Float32Array.of(0, 0, 0), k);
      const expected = bruteForce(positions, [0, 0, 0]).slice(0, k);
      expect([...indices]).toEqual(expected.map(({ index }) => index));
    }
  });

  it('says −1 where there are fewer, and answers from an empty tree', async () => {
    const few = await core.kdTree(core.cloud({ positions: Float32Array.of(1, 0, 0, 2, 0, 0) }));
    expect([...few.knn(Float32Array.of(0, 0, 0), 5).indices]).toEqual([0, 1]);
    const none = await core.kdTree(core.cloud({ positions: new Float32Array() }));
    expect(none.size).toBe(0);
    expect([...none.knn(Float32Array.of(0, 0, 0), 1).indices]).toEqual([-1]);
    expect(none.radius([0, 0, 0], 9).indices.length).toBe(0);
  });

  it('refuses queries that are not finite, k below 1 and a negative radius', async () => {
    const tree = await core.kdTree(core.cloud({ positions: Float32Array.of(1, 0, 0) }));
    expect(await reasonOf(() => tree.knn(Float32Array.of(0, Number.NaN, 0), 1))).toBe('not-finite');
    expect(await reasonOf(() => tree.knn(Float32Array.of(0, 0, 0), 0))).toBe('bad-argument');
    expect(await reasonOf(() => tree.knn(Float32Array.of(0, 0), 1))).toBe('bad-argument');
    expect(await reasonOf(() => tree.radius([0, 0, 0], -1))).toBe('bad-argument');
    expect(await reasonOf(() => tree.radius([0, Number.NaN, 0], 1))).toBe('bad-argument');
  });
}

interface Ranked {
  readonly index: number;
  readonly d2: number;
}

function bruteForce(positions: Float32Array, query: ArrayLike<number>): Ranked[] {
  const all: Ranked[] = [];
  for (let index = 0; 3 * index < positions.length; index++) {
    const d2 = [0, 1, 2].reduce((sum, a) => sum + (positions[3 * index + a]! - query[a]!) ** 2, 0);
    all.push({ index, d2 });
  }
  return all.sort((a, b) => a.d2 - b.d2 || a.index - b.index);
}

function row({ indices, squaredDistances }: Neighbours, query: number, k: number): Neighbours {
  const [from, to] = [query * k, query * k + k];
  return { indices: indices.subarray(from, to), squaredDistances: squaredDistances.subarray(from, to) };
}

/** The same distances to float32's precision, in rising order, equal ones by index, and no point twice. */
function expectSame({ indices, squaredDistances }: Neighbours, expected: readonly Ranked[]): void {
  expect(indices.length).toBe(expected.length);
  expect(new Set(indices).size).toBe(indices.length);
  expected.forEach(({ d2 }, rank) => {
    expect(Math.abs(squaredDistances[rank]! - d2)).toBeLessThanOrEqual(1e-5 * d2 + 1e-9);
    if (rank === 0) return;
    expect(squaredDistances[rank]!).toBeGreaterThanOrEqual(squaredDistances[rank - 1]!);
    if (squaredDistances[rank] === squaredDistances[rank - 1])
      expect(indices[rank]!).toBeGreaterThan(indices[rank - 1]!);
  });
}
