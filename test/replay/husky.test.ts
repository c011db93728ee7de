import { describe, expect, it } from 'vitest';
import { openSource } from '../../src/adapters/replay/open.ts';
import { replay } from '../../src/commands/replay.ts';
import { describeNis } from '../../src/commands/replay-text.ts';
import { median } from '../../src/math/statistics.ts';
import { norm, sub } from '../../src/math/vec3.ts';
import type { Stamp } from '../../src/types.ts';
import { realData } from '../data.ts';

const BAG = realData('robot-husky-gps-imu-odom/test1.bag');

/** Since when, to the end of a bag, its wheels have stood: slower than 1 cm/s. */
async function restingSince(path: string): Promise<Stamp> {
  const source = await openSource(path);
  let since: Stamp | undefined;
  for await (const message of source.messages()) {
    if (message.kind !== 'odometry') continue;
    const { stamp, linear } = message.value;
    since = norm(linear) < 0.01 ? (since ?? stamp) : undefined;
  }
  await source.close();
  if (since === undefined) throw new Error('expected a robot that stands at the end');
  return since;
}

describe.skipIf(!BAG)(
  'a replay of the Husky: 395 s of GNSS, IMU and odometry, no map, no mount of the IMU',
  () => {
    it('is smooth, gated, ends within 1 m of the fixes at rest, and tells the NIS of each sensor', async () => {
      const { summary, record } = await replay(BAG!, { set: [], threads: '1' });
      expect(summary.tracked).toBeGreaterThan(3800);
      expect(summary.firstPose!.seconds).toBeLessThan(15);

      // The robot drives at most 1 m/s: 0.1 m between results, and a fix moves the pose by no more than 0.4 m.
      const places = record.frames.flatMap(({ pose }) => (pose ? [pose.position] : []));
      const steps = places.slice(1).map((place, i) => norm(sub(place, places[i]!)));
      expect(Math.max(...steps)).toBeLessThan(0.5);

      // It stands for the last 0.7 s, with two fixes.
      const since = await restingSince(BAG!);
      const rest = record.fixes.filter(({ stamp }) => stamp >= since);
      expect(rest).toHaveLength(2);
      const [east, north] = places.at(-1)!;
      const away = Math.hypot(
        east - median(rest.map(({ position }) => position[0])),
        north - median(rest.map(({ position }) => position[1])),
      );
      expect(away).toBeLessThan(1);

      // Gated: what does not fit is not used, and nearly everything fits.
      for (const sensor of ['gnss', 'odometry', 'stationary'] as const) {
        const { count, accepted, mean, dof, rejected } = summary.nis[sensor]!;
        expect(mean!).toBeLessThan(dof);
        expect(count - accepted - (rejected['not-initialised'] ?? 0)).toBeLessThan(0.01 * count);
        expect(describeNis(summary)).toMatch(
          new RegExp(`^${sensor} +${accepted} +${count} +${mean!.toFixed(2)} `, 'm'),
        );
      }
      expect(summary.refused).toMatchObject({ 'imu-mount-unknown': 1, 'gnss-mount-unknown': 1 });
    }, 120_000);
  },
);
