import { describe, expect, it } from 'vitest';
import type { Cloud, TileMap } from '../../src/core.ts';
import { initializationConfig } from '../../src/localization/initialization.ts';
import type { PoseEstimate } from '../../src/localization/pose-filter.ts';
import { registrationConfig } from '../../src/localization/registration.ts';
import { type Belief, ScanPlacing } from '../../src/localization/scan-placing.ts';
import type { Pose } from '../../src/types.ts';
import { aligned, place } from './aligned.ts';
import { diagonal } from './fusion-simulation.ts';

const scan = { size: 5000 } as Cloud;
const estimate = (x: number) =>
  ({ pose: place(x), covariance: diagonal(...Array<number>(15).fill(0.05)) }) as PoseEstimate;

/** A map whose basins end where `basin` says for a start at x (undefined: nowhere), with the best place at `best`. */
function mapWith(basin: (x: number) => number | undefined, best?: number) {
  return {
    points: 1000,
    align: async (_: Cloud, { position: [x] }: Pose) => {
      const end = basin(x);
      return aligned(end ?? x, end !== undefined);
    },
    places: async () => ({
      found: best === undefined ? [] : [{ T_map_base: place(best), coarse: 0.9, score: 0.9, surfaces: 0.9 }],
      nodes: 1,
      complete: true,
    }),
  } as unknown as TileMap;
}

async function placed(map: TileMap, belief: Partial<Belief>) {
  const placing = new ScanPlacing(registrationConfig.parse({}), initializationConfig.parse({}));
  const given = { predicted: estimate(0), priors: [], lost: false, elsewhere: false };
  const answer = await placing.place(0n, scan, { ...given, contested: undefined, ...belief } as Belief, {
    near: async () => map,
    around: async () => map,
  });
  const { found, anew = false, confirmed = false } = answer;
  return { at: found.ok ? found.T_map_base.position[0] : found.reason, anew, confirmed };
}

describe('where a scan puts the robot', () => {
  it('is where tracking ends, while nothing speaks against it', async () => {
    expect(
      await placed(
        mapWith(() => 0.1, 30),
        {},
      ),
    ).toEqual({ at: 0.1, anew: false, confirmed: false });
    // A scan behind a truck is no reason to search the town.
    const lonely = await placed(
      mapWith(() => undefined, 30),
      {},
    );
    expect(lonely).toMatchObject({ anew: false });
    expect(lonely.at).not.toBe(30);
  });

  it('is confirmed against dead reckoning by a start from there that ends at the same place', async () => {
    const one = mapWith(() => 0.1);
    expect(await placed(one, { contested: place(1) })).toEqual({ at: 0.1, anew: false, confirmed: true });
  });

  it('is looked for all around where the two starts end apart, and stays contested where nothing stands out', async () => {
    const two = (best?: number) => mapWith((x) => (x < 0.5 ? 0.1 : 1), best);
    expect(await placed(two(1), { contested: place(1) })).toEqual({ at: 1, anew: true, confirmed: false });
    expect(await placed(two(), { contested: place(1) })).toEqual({ at: 0.1, anew: false, confirmed: false });
  });

  it('is looked for all around once scans say that it is elsewhere, but tracking goes first', async () => {
    const far = mapWith((x) => (x > 20 ? 30 : undefined), 30);
    expect(await placed(far, { elsewhere: true })).toEqual({ at: 30, anew: true, confirmed: false });
    expect(
      await placed(
        mapWith(() => 0.1, 30),
        { elsewhere: true },
      ),
    ).toMatchObject({ at: 0.1, anew: false });
  });

  /** The best place of the search is 1; a start within 0.2 m of it ends in a hollow there with so many inliers. */
  const hollow = (inliers: number) => {
    const map = mapWith(() => undefined, 1);
    const align = async (_: Cloud, { position: [x] }: Pose) =>
      Math.abs(x - 1) < 0.2 ? aligned(1, true, inliers) : aligned(1.6, true);
    return { ...map, align } as unknown as TileMap;
  };
  const first = { predicted: undefined, priors: [{ T_map_base: place(0), sigmaPosition: 10, sigmaYaw: 3 }] };

  it('is, for a first pose, the best end of starts from all sides, and none where two are as good', async () => {
    expect(await placed(hollow(920), first)).toMatchObject({ at: 1.6, anew: true });
    expect(await placed(hollow(949), first)).toMatchObject({ at: 'ambiguous-first-pose' });
  });
});
