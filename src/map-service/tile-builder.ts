import { join } from 'node:path';
import type { Cloud, CloudArrays, Core } from '../core.ts';
import { tileAt, tileId, tileOrigin } from '../map/tile-grid.ts';
import type { Geodetic } from '../math/geodesy.ts';
import { compose, inverse, relative } from '../math/se3.ts';
import { add } from '../math/vec3.ts';
import type { Pose, Vec3 } from '../types.ts';
import { type BuildState, openState, saveState } from './build-state.ts';
import { NO_COLOUR } from './camera.ts';
import { Colours, coloursByHeight } from './colours.ts';
import { finished, imageOf } from './finish-tile.ts';
import { ImageStore } from './image-store.ts';
import { RowStore } from './row-store.ts';
import { ROW, Thinner } from './rows.ts';
import { ThinnedTiles } from './thinned-tiles.ts';
import { WAITING, WaitingScans } from './waiting-scans.ts';

export interface TileBuilderOptions {
  /** metres */
  readonly tileSize: number;
  /** one point per cube of this many metres */
  readonly voxelSize: number;
  /** neighbours that each normal comes from */
  readonly normalNeighbours: number;
  /** points of neighbouring tiles within this many metres help a tile's normals */
  readonly margin: number;
  /** leave out what moved, as other scans looked through it */
  readonly removeMoving: boolean;
  /** the field `rgb` of the tiles; default none */
  readonly colour?: 'none' | 'height' | 'camera';
  /** scans between two checkpoints at most; default 50 */
  readonly checkpointScans?: number;
}

/** One finished tile: points relative to its corner. */
export interface BuiltTile {
  readonly id: string;
  readonly arrays: CloudArrays;
  /** colours as `encodePcd` takes them */
  readonly rgb?: Float32Array;
}

/** Colours (0xRRGGBB, or −1) of points x y z relative to `anchor`, axes of the map. */
export type Paint = (anchor: Vec3, positions: Float32Array) => Float32Array;

interface Path {
  readonly times: number[];
  readonly poses: Pose[];
}

/** Rows in memory before they go to the disk, and scans between two checkpoints at most. */
const PENDING_BYTES = 64 << 20;
const CHECKPOINT_SCANS = 50;

/**
 * Gathers posed scans into tiles: points of all scans are thinned to one per voxel, then each gets a normal, turned
 * towards where it was seen from, and its curvature. Works out of core: points wait in one file a tile, and tiles are
 * finished one by one. A build that was killed goes on from its last checkpoint to the same bytes.
 */
export class TileBuilder {
  readonly #core: Core;
  readonly #options: TileBuilderOptions;
  readonly #folder: string;
  readonly #rows: RowStore;
  readonly #images: ImageStore;
  readonly #waiting: WaitingScans;
  readonly #colours: Colours;
  readonly #thinned: ThinnedTiles;
  #state: BuildState;
  #sinceCheckpoint = 0;

  private constructor(core: Core, options: TileBuilderOptions, folder: string, state: BuildState) {
    this.#core = core;
    this.#options = options;
    this.#folder = folder;
    this.#state = state;
    this.#rows = new RowStore(join(folder, 'rows'), ROW);
    this.#images = new ImageStore(join(folder, 'images.bin'));
    this.#waiting = new WaitingScans(core, options.normalNeighbours, join(folder, 'waiting'), this.#images);
    this.#colours = new Colours(join(folder, 'colours'), options.voxelSize);
    this.#thinned = new ThinnedTiles(join(folder, 'thin'), options.tileSize, options.margin);
  }

  /** @param folder for work in progress; one that holds a build of the same `key` is gone on with */
  static async open(
    core: Core,
    options: TileBuilderOptions,
    folder: string,
    key: string,
  ): Promise<TileBuilder> {
    const state = await openState(folder, key);
    const builder = new TileBuilder(core, options, folder, state);
    await builder.#rows.restore(state.rows);
    await builder.#images.restore(state.images);
    await builder.#waiting.restore(state.waiting);
    await builder.#colours.restore(state.colours);
    return builder;
  }

  /** Scans that need not be given again, and the origin once `seal` was called. */
  get state(): Pick<BuildState, 'scans' | 'origin'> {
    return this.#state;
  }

  /** Tiles that have points; with `removeMoving` they get them when all scans are in. */
  get tileCount(): number {
    return this.#rows.ids.length;
  }

  /** No scan gave points. */
  get isEmpty(): boolean {
    return this.tileCount === 0 && this.#waiting.count === 0;
  }

  /**
   * Adds one scan.
   * @param cloud in the sensor's frame
   * @param path times (s from the cloud's stamp) and T_map_base at each, over the sweep
   * @param T_map_base at the cloud's stamp
   * @param T_look_base the same in a frame in which scans fit each other better: for `removeMoving`
   * @param paint colours of points, where a camera saw them
   */
  async add(
    cloud: Cloud,
    T_base_sensor: Pose,
    T_map_base: Pose,
    path: Path,
    T_look_base: Pose = T_map_base,
    paint?: Paint,
  ): Promise<void> {
    const level = await this.#level(cloud, T_base_sensor, T_map_base, path);
    const arrays = (await this.#core.downsample(level, this.#options.voxelSize)).arrays();
    const colours = paint?.(T_map_base.position, arrays.positions);
    if (this.#options.removeMoving) {
      this.#images.add(await this.#image(cloud, T_base_sensor, T_map_base, path, T_look_base));
      this.#waiting.add(arrays, T_map_base, T_look_base, colours);
      return;
    }
    const { positions, intensity } = arrays;
    const [ax, ay, az] = T_map_base.position;
    for (let p = 0; p < positions.length / 3; p++) {
      const x = positions[3 * p]! + ax;
      const y = positions[3 * p + 1]! + ay;
      const z = positions[3 * p + 2]! + az;
      this.place([x, y, z], intensity?.[p] ?? 0, T_map_base.position, colours?.[p]);
    }
  }

  /** The points where they were, relative to the robot: float32 is only precise near zero. */
  #level(cloud: Cloud, T_base_sensor: Pose, T_map_base: Pose, path: Path): Promise<Cloud> {
    const anchor: Pose = { position: T_map_base.position, orientation: [0, 0, 0, 1] };
    const poses = path.poses.map((pose) => relative(anchor, pose));
    return this.#core.deskew(cloud, T_base_sensor, { kind: 'sampled', times: path.times, poses });
  }

  async #image(cloud: Cloud, T_base_sensor: Pose, T_map_base: Pose, path: Path, T_look_base: Pose) {
    const T_look_map = compose(T_look_base, inverse(T_map_base));
    const seen = { ...path, poses: path.poses.map((pose) => compose(T_look_map, pose)) };
    const level = await this.#level(cloud, T_base_sensor, T_look_base, seen);
    const anchor: Pose = { position: T_look_base.position, orientation: [0, 0, 0, 1] };
    return imageOf(cloud, level, anchor, T_base_sensor, seen);
  }

  /** Adds one point, and the place that it was seen from; metres, map frame. */
  place([x, y, z]: Vec3, intensity: number, [sx, sy, sz]: Vec3, colour = NO_COLOUR): void {
    const { i, j } = tileAt(x, y, this.#options.tileSize);
    const id = tileId(i, j);
    const [ox, oy, oz] = tileOrigin(id, this.#options.tileSize);
    this.#rows.push(id, [x - ox, y - oy, z - oz, intensity, sx - ox, sy - oy, sz - oz]);
    this.#colours.add(id, [x - ox, y - oy, z - oz], colour);
  }

  /** To be called after each scan of the source, used or not: `state.scans` counts them. */
  async scanDone(): Promise<void> {
    this.#state = { ...this.#state, scans: this.#state.scans + 1 };
    await this.#checkpointInTime();
  }

  async #checkpointInTime(): Promise<void> {
    this.#sinceCheckpoint++;
    const scans = this.#options.checkpointScans ?? CHECKPOINT_SCANS;
    if (this.#pendingBytes >= PENDING_BYTES || this.#sinceCheckpoint >= scans) await this.#checkpoint();
  }

  /** All scans are in: with `removeMoving` each is now looked at by the others, and `done` hears of it. */
  async seal(origin: Geodetic, done: (voted: number, of: number) => void = () => {}): Promise<void> {
    await this.#checkpoint();
    while (this.#state.voted < this.#waiting.count) {
      const { anchor, rows } = await this.#waiting.still(this.#state.voted);
      for (let at = 0; at < rows.length; at += WAITING)
        this.place(
          add(anchor, [rows[at]!, rows[at + 1]!, rows[at + 2]!]),
          rows[at + 3]!,
          anchor,
          rows[at + 4],
        );
      this.#state = { ...this.#state, voted: this.#state.voted + 1 };
      done(this.#state.voted, this.#waiting.count);
      await this.#checkpointInTime();
    }
    this.#state = { ...this.#state, origin };
    await this.#checkpoint();
  }

  get #pendingBytes(): number {
    return this.#rows.pendingBytes + this.#waiting.pendingBytes + this.#colours.pendingBytes;
  }

  async #checkpoint(): Promise<void> {
    this.#state = {
      ...this.#state,
      rows: await this.#rows.flush(),
      colours: await this.#colours.flush(),
      waiting: await this.#waiting.flush(),
      images: await this.#images.flush(),
    };
    await saveState(this.#folder, this.#state);
    this.#sinceCheckpoint = 0;
  }

  /** Thins every tile on disk; `done` hears of each. Tiles that an earlier run thinned are left as they are. */
  async thin(done: (id: string) => void): Promise<void> {
    for (const id of this.#rows.ids.sort()) {
      if (!(await this.#thinned.has(id))) {
        const thinner = new Thinner(this.#options.voxelSize);
        for await (const rows of this.#rows.read(id)) thinner.add(rows);
        await this.#thinned.write(id, thinner.rows());
      }
      done(id);
    }
  }

  /** The finished tiles in order of column and row; tiles with too few points for a normal are left out. */
  async *finish(have: (id: string) => boolean): AsyncGenerator<BuiltTile> {
    for (const id of this.#rows.ids.sort()) {
      if (have(id)) continue;
      const own = await this.#thinned.read(id);
      const around = await this.#thinned.withNeighbours(id, own);
      if (own.length === 0 || around.length / 3 < this.#options.normalNeighbours) continue;
      const cloud = this.#core.cloud({ positions: around });
      const { normals, curvature } = (
        await this.#core.estimateNormals(cloud, this.#options.normalNeighbours)
      ).arrays();
      const arrays = finished(own, normals!, curvature!);
      yield { id, arrays, ...(await this.#painted(id, arrays.positions)) };
    }
  }

  async #painted(id: string, positions: Float32Array): Promise<{ rgb?: Float32Array }> {
    const { colour = 'none' } = this.#options;
    if (colour === 'none') return {};
    return { rgb: colour === 'height' ? coloursByHeight(positions) : await this.#colours.of(id, positions) };
  }
}
