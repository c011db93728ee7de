import type {
  Cloud,
  CloudArrays,
  DecodedCloud,
  DecodedScan,
  PointFault,
  PointLimits,
} from './core/clouds.ts';
import type { PlaceArea, Places } from './core/places.ts';
import type { RayScene } from './core/rays.ts';
import type { VoxelBlock, VoxelEvidence, VoxelScans } from './core/voxels.ts';
import type { PointCloud2, Pose, Vec3 } from './types.ts';

export type * from './core/clouds.ts';
export type { Place, PlaceArea, Places } from './core/places.ts';
export { type RayHits, type RayScene, type RaySweep, SOLID_NUMBERS } from './core/rays.ts';
export type { VoxelBlock, VoxelEvidence, VoxelScans } from './core/voxels.ts';

/**
 * The computing core: implemented natively (C++, `native/`) and portably (`src/portable/`), with one interface.
 * Handles own their memory and are immutable. Long work runs off the event loop where the core is native; a buffer
 * given to a call must be neither written to nor transferred until its promise settles: it is read where it lies. Bad
 * input rejects with a `Refusal`.
 */
export interface Core {
  readonly kind: 'native' | 'portable';
  readonly simd: 'avx2' | 'neon' | 'scalar';
  /** Worker threads that one call may use; results do not depend on it. */
  setThreads(count: number): void;
  /** Has this process keep the memory that it was given, all of it: for those that run a robot. Portable: nothing. */
  keepMemory(): void;
  /**
   * Points of a PointCloud2 of any field layout, in the sensor's frame. Keeps x, y, z, intensity and the time of each
   * point (fields `t`, `time`, `timestamp`, `time_stamp`, `offset_time`; s, µs or ns told by the scan's span).
   * Points that are not finite or outside [minRange, maxRange] are left out and counted. Where the message has no usable
   * times, `turn` may give them.
   */
  decodePointCloud2(message: PointCloud2, limits: ScanLimits, signal?: AbortSignal): Promise<DecodedScan>;
  /** PCD 0.7 (ascii, binary, binary_compressed); keeps every non-finite point's row out of the cloud and counts it. */
  decodePcd(bytes: Uint8Array, signal?: AbortSignal): Promise<DecodedCloud>;
  /** A cloud from plain arrays (copied). Throws a Refusal on lengths that do not match or values that are not finite. */
  cloud(arrays: CloudArrays): Cloud;
  /** Moves each point to where it was seen from at the cloud's stamp: mount, then motion of the base during the sweep. */
  deskew(cloud: Cloud, T_base_sensor: Pose, motion: Motion, signal?: AbortSignal): Promise<Cloud>;
  /**
   * `downsample` of the points of all sweeps, one after another, each deskewed: what `deskew` and `downsample` do, in one
   * pass. Intensity stays where all clouds have it; times, which have done their work, are left out.
   */
  thin(sweeps: readonly Sweep[], voxelSize: number, signal?: AbortSignal): Promise<Cloud>;
  /** One point (the mean) per occupied cube of `voxelSize` metres, in a fixed order. */
  downsample(cloud: Cloud, voxelSize: number, signal?: AbortSignal): Promise<Cloud>;
  /** Normals (towards the origin of the cloud's frame) and curvature from the k nearest neighbours. */
  estimateNormals(cloud: Cloud, k: number, signal?: AbortSignal): Promise<Cloud>;
  /**
   * The first point of a cloud that lies outside the limits' box, or whose normal (where it has normals) is not unit;
   * undefined where all are sound. For clouds that came from outside.
   */
  firstFault(cloud: Cloud, limits: PointLimits, signal?: AbortSignal): Promise<PointFault | undefined>;
  kdTree(cloud: Cloud, signal?: AbortSignal): Promise<KdTree>;
  /** A searchable tile from a cloud with normals. `origin` is the tile's corner in the map frame, float64. */
  tile(cloud: Cloud, origin: Vec3, signal?: AbortSignal): Promise<Tile>;
  /**
   * What `tile` makes of the cloud, bit by bit, but quickly: by the `tileIndex` of an earlier one. Points and normals are
   * the cloud's. Rejects with a Refusal `index-…` where the bytes are no index of such a cloud (then build it with `tile`).
   * Bytes that were not checked by a hash may give wrong surfels, but never a read outside of them.
   */
  tileFromIndex(cloud: Cloud, origin: Vec3, index: Uint8Array, signal?: AbortSignal): Promise<Tile>;
  /** For `tileFromIndex`, in this machine's order of bytes; undefined where the core has none (the portable one). */
  tileIndex(tile: Tile, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** An empty map of square tiles of `tileSize` metres. */
  tileMap(tileSize: number): TileMap;
  /**
   * Solids at rest, to be cast at by a simulated sensor: `SOLID_NUMBERS` per solid. Throws a Refusal on numbers that are
   * not finite.
   */
  rayScene(solids: Float64Array): RayScene;
  /**
   * In how many scans each cube of a block was seen full, and seen through: rays say nothing of their last `gap` metres.
   * Rejects with a Refusal on arrays that do not fit.
   */
  traceVoxels(block: VoxelBlock, scans: VoxelScans, gap: number): Promise<VoxelEvidence>;
}

export interface RangeLimits {
  /** metres */
  readonly minRange: number;
  readonly maxRange: number;
}

export interface ScanLimits extends RangeLimits {
  /** how the sensor turns, for messages without times; default: nothing is known */
  readonly turn?: Turn;
}

/** What is known of the turns of a spinning sensor. */
export interface Turn {
  /**
   * `order`: how it turns is read off the order of the points: a column, or a row, of an organised cloud for each firing,
   * or one row of points as they were fired. `azimuth`: as `direction` and `start` say. `none`: nothing is known.
   */
  readonly told: 'none' | 'order' | 'azimuth';
  /** seconds */
  readonly period: number;
  /** share of the turn that had passed at the message's stamp: 0 its start, 1 its end */
  readonly stampAt: number;
  /** seen from above */
  readonly direction: 'clockwise' | 'counter-clockwise';
  /** azimuth where a turn begins, radians, in the sensor's frame */
  readonly start: number;
}

/** Motion of the base during a sweep, times in seconds from the cloud's stamp. */
export type Motion =
  | { readonly kind: 'still' }
  /** m/s and rad/s in the base frame at the stamp, constant over the sweep */
  | { readonly kind: 'twist'; readonly linear: Vec3; readonly angular: Vec3 }
  /** `poses[i]` is T_base(stamp)_base(stamp + times[i]); times strictly rising */
  | { readonly kind: 'sampled'; readonly times: readonly number[]; readonly poses: readonly Pose[] };

/** A cloud of one LiDAR, where it is mounted, and how the base moved while it was taken. */
export interface Sweep {
  readonly cloud: Cloud;
  readonly T_base_sensor: Pose;
  readonly motion: Motion;
}

export interface Neighbours {
  /** row-major, k (or as many as there are) per query; −1 where there are fewer */
  readonly indices: Int32Array;
  readonly squaredDistances: Float32Array;
}

export interface KdTree {
  readonly size: number;
  /** The k nearest of each query (x y z per query), nearest first; equal distances in order of index. */
  knn(queries: Float32Array, k: number): Neighbours;
  /** All points within `radius` of one query, nearest first. */
  radius(query: Vec3, radius: number): Neighbours;
}

export interface Tile {
  readonly size: number;
  readonly origin: Vec3;
}

export interface AlignOptions {
  /** kernel width of the first and of the last iterations, metres: correspondences beyond 3 widths are not used */
  readonly kernelStart: number;
  readonly kernelEnd: number;
  /** of each stage */
  readonly maxIterations: number;
  /** stop when a step at the last kernel is below these (m, rad) */
  readonly translationEpsilon: number;
  readonly rotationEpsilon: number;
  /** how far off the start may be, m and rad: beyond 0.7 m or 0.1 rad places around it are tried too. Default 0 */
  readonly reach?: number;
  readonly turn?: number;
  /**
   * How far to go: to the map's surfels (fastest), to its points, or, where the map has several layers, on to the one
   * that the scan lies in (default).
   */
  readonly finish?: 'surfels' | 'points' | 'layers';
  /** about how many points of the scan are matched to points of a map of one layer. Default 1250 */
  readonly finishPoints?: number;
}

/** The evidence of one alignment; the judgement is registration's. */
export interface Alignment {
  readonly T_map_base: Pose;
  readonly converged: boolean;
  /** points looked at last, those of them with a map point near, and with a plane within the last kernel */
  readonly points: number;
  readonly matched: number;
  readonly inliers: number;
  /** share of the points on surfels (0 … 1), and at the second best place along what the geometry holds (0: none) */
  readonly score: number;
  readonly second: number;
  /** of the surfels that the scan lies on, the mean standard deviation along their normals, metres */
  readonly thickness: number;
  /** of the points, those above or below ground that the map knows */
  readonly covered: number;
  /** groups of the matched points whose errors go together: those in one cube of 2 m */
  readonly clusters: number;
  /**
   * 6 × 6 row-major, as the Hessian H: H⁻¹ scatter H⁻¹ is the covariance of the pose, from how the groups disagree
   * (the sandwich of Huber 1967 and Liang & Zeger 1986).
   */
  readonly scatter: Float64Array;
  /** root mean square of the inliers' point-to-plane distances, metres */
  readonly residual: number;
  readonly iterations: number;
  /** 6 × 6 row-major Σ w JᵀJ (no noise scale), order x y z rotX rotY rotZ about map axes at base_link */
  readonly hessian: Float64Array;
  /** weighted root mean square distance of the points from base_link, metres */
  readonly range: number;
  /** of the Hessian with rotation divided by `range`, ascending: all six in units of points, so that they compare */
  readonly eigenvalues: Float64Array;
  /** row i is the unit eigenvector of eigenvalue i */
  readonly eigenvectors: Float64Array;
}

/** Any set of tiles, each with its own tree, searched as one. Adding or removing a tile touches no other. */
export interface TileMap {
  readonly tileSize: number;
  readonly tileIds: readonly string[];
  readonly points: number;
  /** `id` is "i_j": the tile covers [i·s, (i+1)·s) × [j·s, (j+1)·s) of the map frame. */
  add(id: string, tile: Tile): void;
  remove(id: string): boolean;
  /** Nearest map point of each query (x y z in the map frame), within `maxDistance`; NaN distance where none. */
  nearest(queries: Float64Array, maxDistance: number): { positions: Float64Array; distances: Float64Array };
  /** Point-to-plane ICP of a cloud in the base frame; never rejects for bad geometry, `converged` and counts say it. */
  align(cloud: Cloud, T_map_base: Pose, options: AlignOptions, signal?: AbortSignal): Promise<Alignment>;
  /**
   * Where in an area around a prior (whose roll and pitch are taken to be right) a level scan of the base frame could
   * have been taken: branch and bound, each place then aligned. Memory for about (2 · reach + 80 m)² · 50 bytes.
   */
  places(cloud: Cloud, T_map_base: Pose, area: PlaceArea, signal?: AbortSignal): Promise<Places>;
}
