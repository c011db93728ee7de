import type { GnssFix, ImuSample, Odometry, PointCloud2, SensorMessage } from '../../src/types.ts';

/** A change to a recorded drive; it must not write to the messages that it is given. */
export type Spoil = (messages: readonly SensorMessage[]) => SensorMessage[];

interface Values {
  points: PointCloud2;
  gnss: GnssFix;
  imu: ImuSample;
  odometry: Odometry;
}

/** Changes the values of `count` messages of a kind, from the `first` of that kind on. */
export function spoil<K extends keyof Values>(
  kind: K,
  first: number,
  count: number,
  change: (value: Values[K]) => Partial<Values[K]>,
): Spoil {
  return (messages) => {
    let index = 0;
    return messages.map((message) => {
      if (message.kind !== kind || index++ < first || index > first + count) return message;
      const value = message.value as Values[K];
      return { ...message, value: { ...value, ...change(value) } } as SensorMessage;
    });
  };
}

/** Sends `count` messages of a kind twice. */
export function twice(kind: keyof Values, first: number, count: number): Spoil {
  return (messages) => {
    let index = 0;
    return messages.flatMap((message) => {
      if (message.kind !== kind || index++ < first || index > first + count) return [message];
      return [message, { ...message, arrival: message.arrival + 1n }];
    });
  };
}

/** A cloud whose points (x y z float32 at the start of each) are what `move` makes of them; undefined leaves one. */
export function movePoints(
  move: (x: number, y: number, z: number, i: number) => readonly [number, number, number] | undefined,
): (cloud: PointCloud2) => Partial<PointCloud2> {
  return ({ data, pointStep }) => {
    const bytes = data.slice();
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + pointStep <= bytes.length; at += pointStep) {
      const [x, y, z] = [0, 4, 8].map((offset) => view.getFloat32(at + offset, true)) as [
        number,
        number,
        number,
      ];
      const moved = move(x, y, z, at / pointStep);
      moved?.forEach((value, axis) => {
        view.setFloat32(at + 4 * axis, value, true);
      });
    }
    return { data: bytes };
  };
}
