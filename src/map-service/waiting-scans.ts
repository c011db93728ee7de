import type { CloudArrays, Core } from '../core.ts';
import { quatConjugate, quatMultiply, quatRotate } from '../math/so3.ts';
import { add, sub } from '../math/vec3.ts';
import type { Pose, Quat, Vec3 } from '../types.ts';
import { NO_COLOUR } from './camera.ts';
import type { ImageStore } from './image-store.ts';
import { findMoving, vote } from './moving.ts';
import { RowStore } from './row-store.ts';

/** Values of a point: x y z relative to the robot, intensity, colour. */
export const WAITING = 5;
/** Rows before the points: the robot's place as the sum of two float32, and how the scan is turned to be looked at. */
const HEADER = 3;

/** Points of one scan, x y z intensity colour each, relative to `anchor`, axes of the map. */
export interface StillScan {
  readonly anchor: Vec3;
  readonly rows: Float32Array;
}

/**
 * Scans that wait on the disk until all are in, because the others say what of each moved. The poses by which scans
 * look at each other may be others than those that the map is made with: given poses drift by decimetres within
 * seconds, and still ground then looks as if it had been looked through.
 */
export class WaitingScans {
  readonly #core: Core;
  readonly #normalNeighbours: number;
  readonly #rows: RowStore;
  readonly #images: ImageStore;
  #count = 0;

  constructor(core: Core, normalNeighbours: number, folder: string, images: ImageStore) {
    this.#core = core;
    this.#normalNeighbours = normalNeighbours;
    this.#rows = new RowStore(folder, WAITING);
    this.#images = images;
  }

  /** Scans that are in, waiting or voted on. */
  get count(): number {
    return this.#count;
  }

  get pendingBytes(): number {
    return this.#rows.pendingBytes;
  }

  /**
   * The next scan; its image is the next of the images.
   * @param arrays relative to the place of `T_map_base`, axes of the map
   * @param T_look_base where the scan is looked at from, and its image was taken
   */
  add(
    { positions, intensity }: CloudArrays,
    T_map_base: Pose,
    T_look_base: Pose,
    colours?: Float32Array,
  ): void {
    const id = String(this.#count++);
    const high = T_map_base.position.map(Math.fround);
    this.#rows.push(id, [...high, 0, 0]);
    this.#rows.push(id, [...sub(T_map_base.position, high as unknown as Vec3), 0, 0]);
    this.#rows.push(id, [...quatMultiply(T_look_base.orientation, quatConjugate(T_map_base.orientation)), 0]);
    for (let p = 0; p < positions.length / 3; p++)
      this.#rows.push(id, [
        positions[3 * p]!,
        positions[3 * p + 1]!,
        positions[3 * p + 2]!,
        intensity?.[p] ?? 0,
        colours?.[p] ?? NO_COLOUR,
      ]);
  }

  /** Bytes of each scan; when it resolves, they are on the disk. */
  flush(): Promise<Record<string, number>> {
    return this.#rows.flush();
  }

  async restore(sizes: Readonly<Record<string, number>>): Promise<void> {
    await this.#rows.restore(sizes);
    this.#count = Object.keys(sizes).length;
  }

  /** Scan number n without what moved; after `flush`. */
  async still(n: number): Promise<StillScan> {
    const chunks: Float32Array[] = [];
    for await (const rows of this.#rows.read(String(n))) chunks.push(rows);
    const all = new Float32Array(chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const rows of chunks) {
      all.set(rows, at);
      at += rows.length;
    }
    const head = (row: number) => [...all.subarray(WAITING * row, WAITING * (row + 1))];
    const anchor = add(head(0) as unknown as Vec3, head(1) as unknown as Vec3);
    const rows = all.subarray(WAITING * HEADER);
    const moved = await this.#moved(n, rows, head(2).slice(0, 4) as unknown as Quat);
    return { anchor, rows: without(rows, moved) };
  }

  async #moved(n: number, rows: Float32Array, turn: Quat): Promise<Uint8Array> {
    const points = rows.length / WAITING;
    if (points < this.#normalNeighbours) return new Uint8Array(points);
    const positions = new Float32Array(3 * points);
    for (let p = 0; p < points; p++)
      positions.set(
        quatRotate(turn, [rows[WAITING * p]!, rows[WAITING * p + 1]!, rows[WAITING * p + 2]!]),
        3 * p,
      );
    const cloud = await this.#core.estimateNormals(this.#core.cloud({ positions }), this.#normalNeighbours);
    return findMoving(
      positions,
      await vote(this.#images.places[n]!, positions, cloud.arrays().normals!, this.#images),
    );
  }
}

function without(rows: Float32Array, moved: Uint8Array): Float32Array {
  const out = new Float32Array(rows.length);
  let at = 0;
  for (let p = 0; p < moved.length; p++) {
    if (moved[p]) continue;
    out.set(rows.subarray(WAITING * p, WAITING * (p + 1)), at);
    at += WAITING;
  }
  return out.slice(0, at);
}
