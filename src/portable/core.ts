import type { Core } from '../core.ts';
import { Refusal } from '../types.ts';
import { requireFinite, requireMotion, requirePose } from './arguments.ts';
import { throwIfCancelled } from './cancel.ts';
import { makeCloud, merge, portableCloud } from './cloud.ts';
import { deskew } from './deskew.ts';
import { PortableKdTree } from './kdtree.ts';
import { estimateNormals } from './normals.ts';
import { decodePcd } from './pcd.ts';
import { firstFault } from './point-fault.ts';
import { decodePointCloud2 } from './pointcloud2.ts';
import { PortableRayScene } from './ray-scene.ts';
import { PortableTileMap } from './tile-map.ts';
import { PortableTile } from './tile-set.ts';
import { downsample } from './voxel.ts';
import { traceVoxels } from './voxel-rays.ts';

/**
 * The core without an addon: for tools, tests and machines without a compiler, and the oracle of the native one. It
 * works on the event loop, one thread, ten to a hundred times slower.
 */
export function createPortableCore(): Core {
  /** A Refusal becomes a rejection, and an aborted signal is seen before the work, which then runs to its end. */
  const run = async <T>(signal: AbortSignal | undefined, work: () => T): Promise<T> => {
    throwIfCancelled(signal, 'waiting to begin');
    return work();
  };
  return {
    kind: 'portable',
    simd: 'scalar',
    setThreads(count) {
      if (!(typeof count === 'number' && count >= 1 && count <= 64))
        throw new Refusal('bad-argument', 'expected 1 to 64 threads');
    },
    keepMemory() {},
    cloud: makeCloud,
    decodePointCloud2: (message, range, signal) => run(signal, () => decodePointCloud2(message, range)),
    decodePcd: (bytes, signal) =>
      run(signal, () => {
        if (!(bytes instanceof Uint8Array)) throw new Refusal('bad-argument', 'expected a Uint8Array');
        return decodePcd(bytes);
      }),
    deskew: (cloud, mount, motion, signal) =>
      run(signal, () => {
        requirePose('T_base_sensor', mount);
        requireMotion(motion);
        return deskew(portableCloud(cloud), mount, motion);
      }),
    thin: (sweeps, voxelSize, signal) =>
      run(signal, () => {
        if (!Array.isArray(sweeps)) throw new Refusal('bad-argument', 'expected an array of sweeps');
        requireFinite('voxelSize', voxelSize);
        const level = sweeps.map((sweep) => {
          const cloud = portableCloud(sweep?.cloud);
          requirePose('T_base_sensor', sweep.T_base_sensor);
          requireMotion(sweep.motion);
          return deskew(cloud, sweep.T_base_sensor, sweep.motion);
        });
        return downsample(merge(level), voxelSize);
      }),
    downsample: (cloud, voxelSize, signal) =>
      run(signal, () => {
        requireFinite('voxelSize', voxelSize);
        return downsample(portableCloud(cloud), voxelSize);
      }),
    estimateNormals: (cloud, k, signal) =>
      run(signal, () => {
        requireFinite('k', k);
        return estimateNormals(portableCloud(cloud), k);
      }),
    firstFault: (cloud, limits, signal) => run(signal, () => firstFault(portableCloud(cloud), limits)),
    kdTree: (cloud, signal) => run(signal, () => new PortableKdTree(portableCloud(cloud))),
    tile: (cloud, origin, signal) => run(signal, () => new PortableTile(portableCloud(cloud), origin)),
    // Its search structures are JavaScript objects: to read them back would take as long as to build them.
    tileFromIndex: (cloud, origin, index, signal) =>
      run(signal, () => {
        if (!(index instanceof Uint8Array))
          throw new Refusal('bad-argument', 'expected an index, a Uint8Array');
        return new PortableTile(portableCloud(cloud), origin);
      }),
    tileIndex: (_tile, signal) => run(signal, () => undefined),
    tileMap: (tileSize) => new PortableTileMap(tileSize),
    traceVoxels: (block, scans, gap) => run(undefined, () => traceVoxels(block, scans, gap)),
    rayScene: (solids) => new PortableRayScene(solids),
  };
}
