import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LidarGroup, lidarGroupConfig } from '../../src/localization/lidar-group.ts';
import type { PointCloud2 } from '../../src/types.ts';

const MS = 1_000_000n;
const cloud = (frameId: string, ms: number): PointCloud2 => ({
  stamp: BigInt(ms) * MS,
  frameId,
  height: 1,
  width: 0,
  fields: [],
  isBigEndian: false,
  pointStep: 16,
  rowStep: 0,
  data: new Uint8Array(),
});
const at = (ms: number) => BigInt(ms) * MS;
const frames = ['front', 'rear'];
const config = lidarGroupConfig.parse({ frames, wait: 0.03, window: 0.06 });
const names = (groups: PointCloud2[][]) => groups.map((group) => group.map(({ frameId }) => frameId));

describe('LidarGroup', () => {
  it('lets each cloud be a scan of its own where no LiDARs are named, or it is none of them', () => {
    const alone = new LidarGroup(lidarGroupConfig.parse({}));
    expect(names(alone.add(cloud('front', 0), at(0)))).toEqual([['front']]);
    expect(names(new LidarGroup(config).add(cloud('roof', 0), at(0)))).toEqual([['roof']]);
    expect(new LidarGroup(config).missingFrom([cloud('roof', 0)])).toEqual([]);
  });

  it('gives a pair as soon as it is complete', () => {
    const group = new LidarGroup(config);
    expect(group.add(cloud('front', 0), at(100))).toEqual([]);
    expect(names(group.add(cloud('rear', 20), at(110)))).toEqual([['front', 'rear']]);
    expect(group.due(at(1000))).toEqual([]);
  });

  it('never keeps the first waiting beyond its deadline, and says who is missing', () => {
    const group = new LidarGroup(config);
    group.add(cloud('front', 0), at(100));
    expect(group.due(at(129))).toEqual([]);
    const [alone] = group.due(at(130));
    expect(names([alone!])).toEqual([['front']]);
    expect(group.missingFrom(alone!)).toEqual(['rear']);
    // What comes too late is a scan of its own.
    expect(group.add(cloud('rear', 5), at(140))).toEqual([]);
    expect(names(group.due(at(170)))).toEqual([['rear']]);
  });

  it('begins anew with the next turn of the same LiDAR, or with a stamp of another turn', () => {
    const group = new LidarGroup(config);
    group.add(cloud('front', 0), at(0));
    expect(names(group.add(cloud('front', 100), at(5)))).toEqual([['front']]);
    expect(names(group.add(cloud('rear', 161), at(6)))).toEqual([['front']]);
    expect(names(group.due(at(40)))).toEqual([['rear']]);
  });

  it('loses no cloud, doubles none, and holds none longer than it may, whatever comes when', () => {
    const arrival = fc.record({
      frame: fc.constantFrom('front', 'rear', 'left'),
      after: fc.integer({ min: 0, max: 40 }),
      late: fc.integer({ min: 0, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 40 }), (coming) => {
        const group = new LidarGroup(
          lidarGroupConfig.parse({ frames: ['front', 'rear', 'left'], wait: 0.03 }),
        );
        const came = new Map<PointCloud2, number>();
        const given: PointCloud2[] = [];
        let now = 1000;
        const take = (groups: PointCloud2[][]) => {
          for (const one of groups) {
            expect(new Set(one.map(({ frameId }) => frameId)).size).toBe(one.length);
            for (const each of one) expect(now - came.get(each)!).toBeLessThanOrEqual(30);
            given.push(...one);
          }
        };
        for (const { frame, after, late } of coming) {
          for (let ms = 0; ms < after; ms++, now++) take(group.due(at(now)));
          take(group.due(at(now)));
          const one = cloud(frame, now - late);
          came.set(one, now);
          take(group.add(one, at(now)));
        }
        for (let ms = 0; ms < 30; ms++) take(group.due(at(++now)));
        expect(new Set(given)).toEqual(new Set(came.keys()));
        expect(given.length).toBe(coming.length);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
