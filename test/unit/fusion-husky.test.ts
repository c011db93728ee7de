import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fusionSchema } from '../../src/localization/fusion-config.ts';
import { HeadingAlignment, headingAlignmentSchema } from '../../src/localization/heading-alignment.ts';
import { PoseFilter } from '../../src/localization/pose-filter.ts';
import { enuFrame, normalGravity } from '../../src/math/geodesy.ts';
import { quatFromRpy, quatRotate } from '../../src/math/so3.ts';
import { mean, median } from '../../src/math/statistics.ts';
import { norm, sub } from '../../src/math/vec3.ts';
import type { Stamp, UpdateRecord, Vec3 } from '../../src/types.ts';
import { realData } from '../data.ts';
import { diagonal } from './fusion-simulation.ts';

const DATA = realData('robot-husky-gps-imu-odom');
type Row = { arrival: Stamp; stamp: Stamp; at: (name: string) => number };

function table(name: string): Row[] {
  const file = join(DATA ?? '', `${name}.csv.gz`);
  const [header, ...lines] = gunzipSync(readFileSync(file)).toString().trim().split('\n');
  const names = header!.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    // Seconds with nine decimals: without the point they are nanoseconds.
    const ns = (i: number) => BigInt(cells[i]!.replace('.', ''));
    return { arrival: ns(0), stamp: ns(1), at: (column) => Number(cells[names.indexOf(column)]) };
  });
}

describe.skipIf(!DATA)('Husky, 395 s of GNSS, IMU and odometry without LiDAR', () => {
  it('is smooth, gated, and ends within 1 m of the fixes at rest', () => {
    const [fixes, imu, odometry] = [table('fix'), table('imu'), table('odom')];
    const first = fixes[0]!;
    const [lat, lon] = [first.at('lat'), first.at('lon')];
    const frame = enuFrame({ lat, lon, ellipsoidalHeight: first.at('alt') });
    const enu = (row: Row) => frame.toEnu(row.at('lat'), row.at('lon'), row.at('alt'));
    // Upstream's launch file mounts the IMU turned +90° about x, then −90° about z.
    const q_base_imu = quatFromRpy(Math.PI / 2, 0, -Math.PI / 2);
    const filter = new PoseFilter(fusionSchema.parse({ imu: { gravity: normalGravity(lat) } }));
    const alignment = new HeadingAlignment(headingAlignmentSchema.parse({}));
    const records: UpdateRecord[] = [];
    const positions: Vec3[] = [];
    const vector = (row: Row, prefix: string): Vec3 => [
      row.at(`${prefix}x`),
      row.at(`${prefix}y`),
      row.at(`${prefix}z`),
    ];
    const send: [Row, () => UpdateRecord | null][] = [
      ...imu.map((row): [Row, () => UpdateRecord | null] => {
        const angularVelocity = quatRotate(q_base_imu, vector(row, 'w'));
        const linearAcceleration = quatRotate(q_base_imu, vector(row, 'a'));
        const sample = { stamp: row.stamp, angularVelocity, linearAcceleration };
        return [
          row,
          () => {
            alignment.imu(sample);
            return filter.imu(sample);
          },
        ];
      }),
      ...odometry.map((row): [Row, () => UpdateRecord | null] => [
        row,
        () => {
          alignment.odometry(row.stamp, vector(row, 'v'), vector(row, 'w'));
          return filter.odometry(row.stamp, vector(row, 'v'), vector(row, 'w'));
        },
      ]),
      ...fixes.map((row): [Row, () => UpdateRecord | null] => [
        row,
        () => {
          const sigmas = ['cov_ee', 'cov_nn', 'cov_uu'].map((name) => Math.sqrt(row.at(name)));
          const fix = [row.stamp, enu(row), [...diagonal(...sigmas)], [0, 0, 0], row.at('status')] as const;
          if (filter.initialized) return filter.gnss(...fix);
          const result = alignment.gnss(...fix);
          if (result.ok) filter.initialize(result.stamp, result.pose, result.covariance, result.velocity);
          return null;
        },
      ]),
    ];
    for (const [row, call] of send.sort(([a], [b]) => Number(a.arrival - b.arrival))) {
      const record = call();
      if (!filter.initialized) continue;
      if (record) records.push(record);
      const position = filter.stateAt(row.stamp)?.pose.position;
      if (position && row.stamp >= filter.newestStamp!) positions.push(position);
    }
    const jumps = positions.slice(1).map((position, i) => norm(sub(position, positions[i]!)));
    expect(Math.max(...jumps)).toBeLessThan(0.5);
    const rest = fixes.slice(-3).map(enu);
    const [east, north] = positions.at(-1)!;
    const away = Math.hypot(east - median(rest.map(([x]) => x)), north - median(rest.map(([, y]) => y)));
    expect(away).toBeLessThan(1);
    for (const sensor of ['gnss', 'odometry', 'stationary']) {
      const own = records.filter((record) => record.sensor === sensor);
      expect(mean(own.map(({ nis, dof }) => nis / dof))).toBeLessThan(1);
      expect(own.filter(({ accepted }) => !accepted).length).toBeLessThan(0.01 * own.length);
    }
  });
});
