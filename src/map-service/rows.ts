/** x y z (relative to the tile's corner), intensity, and the place that the point was seen from (likewise). */
export const ROW = 7;

/** A growing array of rows of float32. */
export class RowBuffer {
  #data = new Float32Array(1024);
  #used = 0;

  push(row: readonly number[]): void {
    this.room(row.length);
    this.#data.set(row, this.#used);
    this.#used += row.length;
  }

  append(values: Float32Array): void {
    this.room(values.length);
    this.#data.set(values, this.#used);
    this.#used += values.length;
  }

  private room(more: number): void {
    if (this.#used + more <= this.#data.length) return;
    const larger = new Float32Array(Math.max(2 * this.#data.length, this.#used + more));
    larger.set(this.#data);
    this.#data = larger;
  }

  get bytes(): number {
    return 4 * this.#used;
  }

  /** Valid until the next push. */
  view(): Float32Array {
    return this.#data.subarray(0, this.#used);
  }
}

/** The mean row of each voxel, in the order in which the voxels first occur; memory grows with voxels, not rows. */
export class Thinner {
  readonly #voxelSize: number;
  readonly #voxels = new Map<number, number>();
  readonly #sums: number[] = [];
  readonly #counts: number[] = [];

  /** @param voxelSize metres */
  constructor(voxelSize: number) {
    this.#voxelSize = voxelSize;
  }

  add(rows: Float32Array): void {
    // 2^17 cubes each way, exact in a double: 13 km at 0.1 m, far beyond a tile.
    const cell = (v: number) => Math.floor(v / this.#voxelSize) + 65536;
    for (let at = 0; at < rows.length; at += ROW) {
      const key = (cell(rows[at]!) * 131072 + cell(rows[at + 1]!)) * 131072 + cell(rows[at + 2]!);
      let voxel = this.#voxels.get(key);
      if (voxel === undefined) {
        voxel = this.#counts.length;
        this.#voxels.set(key, voxel);
        this.#counts.push(0);
        for (let k = 0; k < ROW; k++) this.#sums.push(0);
      }
      this.#counts[voxel]!++;
      for (let k = 0; k < ROW; k++) this.#sums[ROW * voxel + k]! += rows[at + k]!;
    }
  }

  rows(): Float32Array {
    return Float32Array.from(this.#sums, (sum, k) => sum / this.#counts[Math.floor(k / ROW)]!);
  }
}
