import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { PortableCloud } from './cloud.ts';
import { voxelGrid } from './voxel.ts';

/** These are those of native/include/dilly/surfels.hpp, where the reasons are. */
const SIZE = 1;
const POINTS = 6;
const THICKNESS = 0.15;
const FLAT = 4;
const WIDE = 0.1;

/** The mean and normal of each cube's points where they lie on a surface, in the order in which the cubes first occur. */
export function findSurfels(cloud: PortableCloud): PortableCloud {
  const { voxelOf, count } = voxelGrid(cloud, SIZE);
  const members: number[][] = Array.from({ length: count }, () => []);
  voxelOf.forEach((voxel, point) => {
    members[voxel]!.push(point);
  });
  const positions: number[] = [];
  const normals: number[] = [];
  for (const points of members) {
    if (points.length < POINTS) continue;
    const coordinate = (i: number, a: number) => cloud.raw.positions[3 * i + a]!;
    const mean = [0, 1, 2].map((a) => points.reduce((sum, i) => sum + coordinate(i, a), 0) / points.length);
    const covariance = Matrix.zeros(3, 3);
    for (const i of points)
      for (let a = 0; a < 3; a++)
        for (let b = 0; b < 3; b++)
          covariance.set(
            a,
            b,
            covariance.get(a, b) +
              ((coordinate(i, a) - mean[a]!) * (coordinate(i, b) - mean[b]!)) / points.length,
          );
    const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance, {
      assumeSymmetric: true,
    });
    const [l0, l1, l2] = realEigenvalues as [number, number, number];
    if (l0 > THICKNESS ** 2 || l1 < FLAT * l0 || l1 < WIDE * l2) continue;
    positions.push(...mean);
    normals.push(...eigenvectorMatrix.getColumn(0));
  }
  return new PortableCloud({ positions: Float32Array.from(positions), normals: Float32Array.from(normals) });
}
