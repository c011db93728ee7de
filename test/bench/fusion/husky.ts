import { replay } from '../../../src/commands/replay.ts';
import { norm, sub } from '../../../src/math/vec3.ts';
import { dataPath } from '../data.ts';
import { note } from '../measure.ts';
import type { Row } from '../row.ts';

/** Seconds from the start of the bag, and how long no fix comes. */
const [FROM, LASTS] = [170, 60];

/** The Husky without fixes for a minute in the middle: where it is then, against the run with all fixes. */
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
    return pose && there
      ? [{ time: seconds(stamp), away: norm(sub(pose.position, there)), level: protectionLevel ?? 0 }]
      : [];
  });
  const at = (time: number) => apart.find((one) => one.time >= time)?.away ?? Number.NaN;
  note(
    `fusion.husky: ${at(FROM).toFixed(2)} m apart as the fixes end, ${at(FROM + LASTS).toFixed(2)} m as they return, ${at(FROM + LASTS + 10).toFixed(2)} m 10 s later`,
  );
  return [
    {
      id: 'fusion.husky.rejoins',
      value: at(FROM + LASTS),
      unit: 'm from the run with all fixes when they return',
      bar: { of: 'value', at: 'most', limit: 3 },
    },
  ];
}
