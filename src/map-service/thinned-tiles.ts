import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTileId, tileId } from '../map/tile-grid.ts';
import { ROW } from './rows.ts';
import { writeWhole } from './whole-file.ts';

/** Tiles of one row a voxel, a file each, before they get normals. */
export class ThinnedTiles {
  readonly #folder: string;
  readonly #tileSize: number;
  readonly #margin: number;

  /** @param margin points of neighbouring tiles within this many metres count as around a tile */
  constructor(folder: string, tileSize: number, margin: number) {
    this.#folder = folder;
    this.#tileSize = tileSize;
    this.#margin = margin;
  }

  has(id: string): Promise<boolean> {
    return stat(this.#path(id)).then(
      () => true,
      () => false,
    );
  }

  /** @param rows the whole of its buffer */
  async write(id: string, rows: Float32Array): Promise<void> {
    await writeWhole(this.#path(id), new Uint8Array(rows.buffer));
  }

  /** No rows where there is no such tile. */
  async read(id: string): Promise<Float32Array> {
    try {
      const { buffer, byteOffset, byteLength } = await readFile(this.#path(id));
      return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Float32Array();
      throw error;
    }
  }

  /** Positions of a tile's points, its own first, then the neighbours' within the margin, all relative to its corner. */
  async withNeighbours(id: string, own: Float32Array): Promise<Float32Array> {
    const { i, j } = parseTileId(id);
    const out: number[] = [];
    for (let at = 0; at < own.length; at += ROW) out.push(own[at]!, own[at + 1]!, own[at + 2]!);
    for (let di = -1; di <= 1; di++) {
      for (let dj = -1; dj <= 1; dj++) {
        if (!di && !dj) continue;
        const rows = await this.read(tileId(i + di, j + dj));
        for (let at = 0; at < rows.length; at += ROW) {
          const x = rows[at]! + di * this.#tileSize;
          const y = rows[at + 1]! + dj * this.#tileSize;
          if (this.#isNear(x) && this.#isNear(y)) out.push(x, y, rows[at + 2]!);
        }
      }
    }
    return Float32Array.from(out);
  }

  #isNear(v: number): boolean {
    return v > -this.#margin && v < this.#tileSize + this.#margin;
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.rows`);
  }
}
