import type { Random } from '../../src/math/random.ts';
import type { SensorMessage } from '../../src/types.ts';

const START = 1_767_571_200_000_000_000n;

/** The IMU at 200 Hz. */
export function imuMessage(sequence: number): SensorMessage {
  const stamp = START + BigInt(sequence) * 5_000_000n;
  const value = {
    stamp,
    frameId: 'imu',
    angularVelocity: [0, 0, sequence],
    linearAcceleration: [0, 0, 9.8],
  } as const;
  return { channel: '/imu', arrival: stamp, sequence, kind: 'imu', value };
}

/** A cloud of x y z intensity at 10 Hz. */
export function cloudMessage(sequence: number, points: number, random: Random): SensorMessage {
  const values = Float32Array.from({ length: 4 * points }, () => random.uniform(-50, 50));
  const stamp = START + BigInt(sequence) * 100_000_000n;
  const value = {
    stamp,
    frameId: 'lidar',
    height: 1,
    width: points,
    fields: ['x', 'y', 'z', 'intensity'].map((name, k) => ({ name, offset: 4 * k, datatype: 7, count: 1 })),
    isBigEndian: false,
    pointStep: 16,
    rowStep: 16 * points,
    data: new Uint8Array(values.buffer),
  };
  return { channel: '/points', arrival: stamp, sequence, kind: 'points', value };
}
