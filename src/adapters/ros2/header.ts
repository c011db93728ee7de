import type { Pose, Stamp, Vec3 } from '../../types.ts';

/** ROS messages as plain objects, shared by all that we publish. */
export function timeOf(stamp: Stamp): { sec: number; nanosec: number } {
  const nanosec = ((stamp % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { sec: Number((stamp - nanosec) / 1_000_000_000n), nanosec: Number(nanosec) };
}

export function header(stamp: Stamp, frame: string) {
  return { stamp: timeOf(stamp), frame_id: frame };
}

export function vector([x, y, z]: Vec3) {
  return { x, y, z };
}

export function poseOf({ position, orientation: [x, y, z, w] }: Pose) {
  return { position: vector(position), orientation: { x, y, z, w } };
}

export function transform(stamp: Stamp, frame: string, child: string, T_frame_child: Pose) {
  const { position, orientation } = poseOf(T_frame_child);
  return {
    header: header(stamp, frame),
    child_frame_id: child,
    transform: { translation: position, rotation: orientation },
  };
}

/** The array at offset 0 of a buffer of its own: rclnodejs sends the buffer from its start. */
export function whole<T extends Uint8Array | Float64Array>(array: T): T {
  return (
    array.byteOffset === 0 && array.byteLength === array.buffer.byteLength ? array : array.slice()
  ) as T;
}
