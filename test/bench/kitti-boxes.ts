import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Vec3 } from '../../src/types.ts';

/** A labelled box: where its bottom's middle is, axes along its length, width and height, all in the Velodyne frame. */
export interface Box {
  readonly frame: number;
  readonly track: number;
  readonly type: string;
  readonly bottom: Vec3;
  readonly along: readonly [Vec3, Vec3, Vec3];
  /** length, width, height, metres */
  readonly size: Vec3;
  /** from the camera, metres */
  readonly depth: number;
}

/**
 * KITTI tracking labels (the devkit's readme.txt: rectified frame of camera 0, x right, y down, z ahead; x y z is the
 * middle of the bottom, ry turns about y, `h w l` in metres) in the frame of the scans.
 */
export async function readBoxes(labels: string, drive: string): Promise<Box[]> {
  const calibration = await readFile(join(drive, 'calib.txt'), 'utf8');
  const row = (key: string) => {
    const line = calibration
      .split('\n')
      .find((one) => one.startsWith(`${key} `) || one.startsWith(`${key}:`));
    return line!
      .trim()
      .split(/[\s:]+/)
      .slice(1)
      .map(Number);
  };
  const [R, V] = [row('R_rect'), row('Tr_velo_cam')];
  const direction = (d: Vec3): Vec3 => {
    const unrectified = [0, 1, 2].map((k) => R[k]! * d[0] + R[3 + k]! * d[1] + R[6 + k]! * d[2]);
    return [0, 1, 2].map(
      (k) => V[k]! * unrectified[0]! + V[4 + k]! * unrectified[1]! + V[8 + k]! * unrectified[2]!,
    ) as unknown as Vec3;
  };
  const shift = direction(
    [0, 1, 2].map(
      (k) => R[3 * k]! * V[3]! + R[3 * k + 1]! * V[7]! + R[3 * k + 2]! * V[11]!,
    ) as unknown as Vec3,
  );
  const boxes: Box[] = [];
  for (const line of (await readFile(labels, 'utf8')).trim().split('\n')) {
    const field = line.split(' ');
    if (field[2] === 'DontCare') continue;
    const [h, w, l, x, y, z, ry] = field.slice(10, 17).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const at = direction([x, y, z]);
    boxes.push({
      frame: Number(field[0]),
      track: Number(field[1]),
      type: field[2]!,
      bottom: [at[0] - shift[0], at[1] - shift[1], at[2] - shift[2]],
      along: [
        direction([Math.cos(ry), 0, -Math.sin(ry)]),
        direction([Math.sin(ry), 0, Math.cos(ry)]),
        direction([0, -1, 0]),
      ],
      size: [l, w, h],
      depth: z,
    });
  }
  return boxes;
}

/** Is a point in a box that is larger by `grow` on its sides, and begins `from` above its bottom? Metres. */
export function isInside({ bottom, along, size }: Box, [x, y, z]: Vec3, grow: number, from: number): boolean {
  const d = [x - bottom[0], y - bottom[1], z - bottom[2]] as const;
  const on = (k: 0 | 1 | 2) => d[0] * along[k][0] + d[1] * along[k][1] + d[2] * along[k][2];
  const up = on(2);
  return (
    Math.abs(on(0)) <= size[0] / 2 + grow &&
    Math.abs(on(1)) <= size[1] / 2 + grow &&
    up >= from &&
    up <= size[2] + grow
  );
}
