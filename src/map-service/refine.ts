import type { Cloud, Core, TileMap } from '../core.ts';
import { compose, IDENTITY, relative, transformPoint } from '../math/se3.ts';
import { quatRotate } from '../math/so3.ts';
import type { Pose } from '../types.ts';

export interface RefineOptions {
  /** scans that make the submap a scan is registered to */
  readonly window: number;
  /** one point per cube of this many metres */
  readonly voxelSize: number;
  readonly normalNeighbours: number;
}

/** The submap is one tile, so wide that no scan leaves it; its zero is the tile's middle. */
const TILE_M = 2000;
const ALIGN = {
  kernelStart: 0.5,
  kernelEnd: 0.1,
  maxIterations: 60,
  translationEpsilon: 5e-4,
  rotationEpsilon: 5e-5,
};
/** A registration with fewer of its points on a plane is not believed; the given motion stands in its place. */
const MIN_INLIER_RATIO = 0.4;
/** Nor is one that moves a scan further than this from where it was predicted, metres. */
const MAX_STEP_M = 1;

interface Placed {
  readonly positions: Float32Array;
  readonly normals: Float32Array;
  readonly T_chain_base: Pose;
}

/**
 * Chains scans to each other: each is registered to a submap of the scans before it (as KISS-ICP, Vizzo et al. 2023,
 * but from the given motion). The chain is crisp and drifts; `smoothChain` holds it to the given poses.
 */
export class ScanChain {
  readonly #core: Core;
  readonly #options: RefineOptions;
  readonly #recent: Placed[] = [];
  #last: { given: Pose; T_chain_base: Pose } | undefined;
  /** scans whose registration was not believed */
  refused = 0;

  constructor(core: Core, options: RefineOptions) {
    this.#core = core;
    this.#options = options;
  }

  /**
   * The next scan.
   * @param level in the base frame, free of motion
   * @param given T_map_base as it was measured
   * @returns T_chain_base
   */
  async add(level: Cloud, given: Pose): Promise<Pose> {
    const thinned = await this.#core.downsample(level, this.#options.voxelSize);
    const predicted = this.#last
      ? compose(this.#last.T_chain_base, relative(this.#last.given, given))
      : given;
    const T_chain_base = this.#recent.length > 0 ? await this.#register(thinned, predicted) : predicted;
    this.#last = { given, T_chain_base };
    if (thinned.size >= this.#options.normalNeighbours) {
      const withNormals = await this.#core.estimateNormals(thinned, this.#options.normalNeighbours);
      const { positions, normals } = withNormals.arrays();
      this.#recent.push({ positions, normals: normals!, T_chain_base });
      if (this.#recent.length > this.#options.window) this.#recent.shift();
    }
    return T_chain_base;
  }

  async #register(scan: Cloud, predicted: Pose): Promise<Pose> {
    // Relative to the predicted place, for float32, and in the middle of the one tile.
    const anchor: Pose = { position: predicted.position, orientation: [0, 0, 0, 1] };
    const shift: Pose = { position: [TILE_M / 2, TILE_M / 2, 0], orientation: IDENTITY.orientation };
    const submap = await this.#submap(anchor);
    const found = await submap.align(scan, compose(shift, relative(anchor, predicted)), ALIGN);
    const T_chain_base = compose(anchor, relative(shift, found.T_map_base));
    const moved = relative(predicted, T_chain_base).position;
    const good =
      found.converged &&
      found.inliers >= MIN_INLIER_RATIO * found.points &&
      Math.hypot(...moved) <= MAX_STEP_M;
    if (!good) this.refused++;
    return good ? T_chain_base : predicted;
  }

  async #submap(anchor: Pose): Promise<TileMap> {
    const points = this.#recent.reduce((sum, { positions }) => sum + positions.length, 0);
    const positions = new Float32Array(points);
    const normals = new Float32Array(points);
    let at = 0;
    for (const scan of this.#recent) {
      const T_anchor_base = relative(anchor, scan.T_chain_base);
      for (let p = 0; p < scan.positions.length; p += 3, at += 3) {
        positions.set(
          transformPoint(T_anchor_base, [scan.positions[p]!, scan.positions[p + 1]!, scan.positions[p + 2]!]),
          at,
        );
        normals.set(
          quatRotate(T_anchor_base.orientation, [
            scan.normals[p]!,
            scan.normals[p + 1]!,
            scan.normals[p + 2]!,
          ]),
          at,
        );
      }
    }
    const map = this.#core.tileMap(TILE_M);
    const cloud = this.#core.cloud({ positions, normals });
    map.add('0_0', await this.#core.tile(cloud, [TILE_M / 2, TILE_M / 2, 0]));
    return map;
  }
}
