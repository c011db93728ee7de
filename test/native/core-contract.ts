import { describe, expect, it } from 'vitest';
import type { Core } from '../../src/core.ts';
import { refusalReason } from '../../src/types.ts';
import { decodeContract } from './decode-contract.ts';
import { faultContract } from './fault-contract.ts';
import { placesContract } from './places-contract.ts';
import { searchContract } from './search-contract.ts';
import { sweepContract } from './sweep-contract.ts';
import { tileContract } from './tile-contract.ts';

/** What every core promises, whoever implements it: the same tests for the portable one and the native one. */
export function coreContract(name: string, makeCore: () => Core): void {
  describe(`${name} core`, () => {
    const core = makeCore();
    searchContract(core);
    sweepContract(core);
    decodeContract(core);
    tileContract(core);
    placesContract(core);
    faultContract(core);
    handlesContract(core);
  });
}

/** The reason with which `work` is refused, now or later; undefined when it is not. */
export async function reasonOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return refusalReason(error) ?? `not a refusal: ${error}`;
  }
}

const STILL = { kind: 'still' } as const;
const IDENTITY = { position: [0, 0, 0], orientation: [0, 0, 0, 1] } as const;

function handlesContract(core: Core): void {
  const positions = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 10);

  it('copies the arrays of a cloud, both ways', () => {
    const given = positions.slice();
    const cloud = core.cloud({ positions: given });
    given.fill(0);
    cloud.arrays().positions.fill(9);
    expect(cloud.arrays().positions).toEqual(positions);
    expect([cloud.size, cloud.hasTimes, cloud.hasNormals]).toEqual([3, false, false]);
  });

  it('refuses arrays that do not fit or are not finite', async () => {
    const times = Float32Array.of(0, 1);
    expect(await reasonOf(() => core.cloud({ positions: Float32Array.of(1, 2) }))).toBe('bad-argument');
    expect(await reasonOf(() => core.cloud({ positions, times }))).toBe('bad-argument');
    expect(await reasonOf(() => core.cloud({ positions: Float32Array.of(1, Number.NaN, 3) }))).toBe(
      'not-finite',
    );
    const normals = Float32Array.of(0, 0, 1, 0, 0, Number.POSITIVE_INFINITY, 0, 0, 1);
    expect(await reasonOf(() => core.cloud({ positions, normals }))).toBe('not-finite');
  });

  it('says how far points spread along their principal axes', () => {
    // ±a along x, ±b along y, ±c along z: six points, so that σ² = 2 a² / 6 along each
    const far = 1000;
    const cross = (a: number, b: number, c: number) =>
      core.cloud({
        positions: Float32Array.from(
          [a, 0, 0, -a, 0, 0, 0, b, 0, 0, -b, 0, 0, 0, c, 0, 0, -c].map((v) => v + far),
        ),
      });
    const sigmas = cross(4, 1, 2).spread;
    for (const [i, a] of [1, 2, 4].entries()) expect(sigmas[i]).toBeCloseTo(a / Math.sqrt(3), 6);
    expect(cross(4, 2, 0).spread[0]).toBeCloseTo(0, 6);
    expect(core.cloud({ positions: new Float32Array(0) }).spread).toEqual([0, 0, 0]);
  });

  it('refuses the handle of another core', async () => {
    const foreign = {
      size: 0,
      hasTimes: false,
      timeRange: undefined,
      hasNormals: false,
      spread: [0, 0, 0] as const,
      arrays: () => ({ positions }),
      release() {},
    };
    expect(await reasonOf(() => core.downsample(foreign, 1))).toBe('bad-argument');
    expect(await reasonOf(() => core.kdTree(foreign))).toBe('bad-argument');
  });

  it('has no points once it is released, and calls that had it before go on', async () => {
    const normals = Float32Array.of(0, 0, 1, 0, 0, 1, 0, 0, 1);
    const cloud = core.cloud({ positions, normals });
    const map = core.tileMap(20);
    const tile = core.tile(cloud, [0, 0, 0]);
    const thin = core.downsample(cloud, 0.001);
    cloud.release();
    cloud.release();
    expect([cloud.size, cloud.hasNormals, cloud.spread, cloud.arrays().positions.length]).toEqual([
      0,
      false,
      [0, 0, 0],
      0,
    ]);
    expect((await thin).size).toBe(3);
    map.add('0_0', await tile);
    expect(map.points).toBe(3);
    expect((await core.downsample(cloud, 1)).size).toBe(0);
  });

  it('answers an aborted signal with the reason cancelled', async () => {
    const signal = AbortSignal.abort();
    const cloud = core.cloud({ positions, normals: Float32Array.of(0, 0, 1, 0, 0, 1, 0, 0, 1) });
    const map = core.tileMap(20);
    map.add('0_0', await core.tile(cloud, [0, 0, 0]));
    const options = {
      kernelStart: 1,
      kernelEnd: 1,
      maxIterations: 9,
      translationEpsilon: 1e-3,
      rotationEpsilon: 1e-3,
    };
    const limits = {
      origin: [0, 0, 0],
      box: [0, 0, 0, 9, 9, 9],
      boxTolerance: 0,
      normalTolerance: 0,
    } as const;
    const works = {
      decodePcd: () => core.decodePcd(new Uint8Array(), signal),
      deskew: () => core.deskew(cloud, IDENTITY, STILL, signal),
      thin: () => core.thin([{ cloud, T_base_sensor: IDENTITY, motion: STILL }], 1, signal),
      downsample: () => core.downsample(cloud, 1, signal),
      estimateNormals: () => core.estimateNormals(cloud, 3, signal),
      firstFault: () => core.firstFault(cloud, limits, signal),
      kdTree: () => core.kdTree(cloud, signal),
      tile: () => core.tile(cloud, [0, 0, 0], signal),
      align: () => map.align(cloud, IDENTITY, options, signal),
    };
    for (const [name, work] of Object.entries(works))
      expect([name, await reasonOf(work)]).toEqual([name, 'cancelled']);
  });
}
