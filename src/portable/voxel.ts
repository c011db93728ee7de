import { Refusal } from '../types.ts';
import { PortableCloud } from './cloud.ts';

/** The native core packs a voxel's index in 3 × 21 bits. */
const REACH = 1_048_575;

/** Which cube each point lies in; cubes are numbered in the order in which they first occur. Throws as `downsample`. */
export function voxelGrid(
  { raw, size }: PortableCloud,
  voxelSize: number,
): { voxelOf: Uint32Array; count: number } {
  if (!(voxelSize > 0 && Number.isFinite(voxelSize))) {
    throw new Refusal('bad-voxel-size', `expected a positive voxel size in metres, found ${voxelSize}`);
  }
  // In float32, as the native core does it: a point on a border must fall to the same side.
  const inverse = Math.fround(1 / voxelSize);
  const voxels = new Map<string, number>();
  const voxelOf = new Uint32Array(size);
  for (let i = 0; i < size; i++) {
    const [a, b, c] = [0, 1, 2].map((k) => Math.floor(Math.fround(raw.positions[3 * i + k]! * inverse)));
    if (!(Math.abs(a!) < REACH && Math.abs(b!) < REACH && Math.abs(c!) < REACH)) {
      throw new Refusal(
        'point-out-of-range',
        `expected points within ${REACH} voxels of the origin, found one beyond at index ${i}`,
      );
    }
    const key = `${a},${b},${c}`;
    const voxel = voxels.get(key) ?? voxels.size;
    voxels.set(key, voxel);
    voxelOf[i] = voxel;
  }
  return { voxelOf, count: voxels.size };
}

/**
 * The mean point (with mean intensity and time; normals are left out) of each cube of `voxelSize` metres, in the order
 * in which the cubes first occur. Throws a Refusal `bad-voxel-size` or `point-out-of-range`.
 */
export function downsample(cloud: PortableCloud, voxelSize: number): PortableCloud {
  const { raw } = cloud;
  const { voxelOf, count } = voxelGrid(cloud, voxelSize);
  const mean = (values: Float32Array, perPoint: number) => means(values, perPoint, voxelOf, count);
  return new PortableCloud({
    positions: mean(raw.positions, 3),
    ...(raw.intensity && { intensity: mean(raw.intensity, 1) }),
    ...(raw.times && { times: mean(raw.times, 1) }),
  });
}

function means(values: Float32Array, perPoint: number, groupOf: Uint32Array, groups: number): Float32Array {
  const sums = new Float64Array(perPoint * groups);
  const counts = new Uint32Array(groups);
  groupOf.forEach((group, i) => {
    counts[group] = counts[group]! + 1;
    for (let k = 0; k < perPoint; k++)
      sums[perPoint * group + k] = sums[perPoint * group + k]! + values[perPoint * i + k]!;
  });
  return Float32Array.from(sums, (sum, at) => sum / counts[Math.floor(at / perPoint)]!);
}
