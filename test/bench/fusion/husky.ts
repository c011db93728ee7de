import { replay } from '../../../src/commands/replay.ts';
import { sub } from '../../../src/math/vec3.ts';
import { dataPath } from '../data.ts';
import { note } from '../measure.ts';
import type { Row } from '../row.ts';

/** Seconds from the start of the bag, and how long no fix comes. */
const [FROM, LASTS] = [170, 60];

/**
 * The Husky without fixes for a minute in the middle: where it is then, against the run with all fixes. Over the plane:
 * the heights of its fixes wander by 40 m over a level campus, and the run with fixes goes with them.
 */
export async function husky(): Promise<Row[]> {
  const bag = dataPath('robot-husky-gps-imu-odom', 'test1.bag');
  if (!bag) {
    note('fusion: without the Husky; set DILLY_DATA');
    return [];
  }
  const whole = (await replay(bag, { set: [], threads: '1' })).record;
  const outages = `replay.degrade.gnss={outages: [{at: ${FROM}, for: ${LASTS}}]}`;
  const blind = (await replay(bag, { set: [outages], threads: '1' })).record;
  const start = whole.frames[0]!.stamp;
  const seconds = (stamp: bigint) => Number(stamp - start) / 1e9;
  const places = new Map(whole.frames.map(({ stamp, pose }) => [stamp, pose?.position]));
  const apart = blind.frames.flatMap(({ stamp, pose, protectionLevel }) => {
    const there = places.get(stamp);
    if (!pose || !there) return [];
    const [x, y, z] = sub(pose.position, there);
    return [{ time: seconds(stamp), away: Math.hypot(x, y), height: z, level: protectionLevel ?? 0 }];
  });
  const at = (time: number) => apart.find((one) => one.time >= time)!;
  const text = (time: number) => {
    const { away, height, level } = at(time);
    return `${away.toFixed(2)} m (height ${height.toFixed(1)} m, level ${level.toFixed(1)} m)`;
  };
  note(
    `fusion.husky: apart over the plane as the fixes end ${text(FROM)}, as they return ${text(FROM + LASTS)}, 10 s later ${text(FROM + LASTS + 10)}`,
  );
  const bar = { of: 'value', at: 'most', limit: 3 } as const;
  const back = apart.filter(({ time }) => time >= FROM + LASTS + 1 && time < FROM + LASTS + 11);
  return [
    {
      id: 'fusion.husky.blind',
      value: at(FROM + LASTS).away,
      unit: 'm over the plane from the run with all fixes, before the first that returns',
      bar,
    },
    {
      id: 'fusion.husky.rejoins',
      value: Math.max(...back.map(({ away }) => away)),
      unit: 'm most, from 1 s after the fixes return on',
      bar,
    },
  ];
}
