import { NO_COLOUR } from './camera.ts';
import { RowStore } from './row-store.ts';

/** x y z relative to the tile's corner, red, green, blue. */
const WIDTH = 6;
/** Of points that no camera saw: grey. */
const UNSEEN = 0x808080;
/** Colours by height go from the tile's ground to this far above it, m. */
const SPAN_M = 8;
/** Low to high: blue, green, yellow, as in the pictures of maps (viridis). */
const STOPS = [0x440154, 0x3b528b, 0x21918c, 0x5ec962, 0xfde725];

/** Colours of points, gathered in one file a tile and averaged over the voxels of the map. */
export class Colours {
  readonly #rows: RowStore;
  readonly #voxelSize: number;

  constructor(folder: string, voxelSize: number) {
    this.#rows = new RowStore(folder, WIDTH);
    this.#voxelSize = voxelSize;
  }

  get pendingBytes(): number {
    return this.#rows.pendingBytes;
  }

  /** @param place relative to the tile's corner, m  @param colour 0xRRGGBB */
  add(id: string, [x, y, z]: readonly [number, number, number], colour: number): void {
    if (colour !== NO_COLOUR) this.#rows.push(id, [x, y, z, colour >> 16, (colour >> 8) & 255, colour & 255]);
  }

  flush(): Promise<Record<string, number>> {
    return this.#rows.flush();
  }

  restore(sizes: Readonly<Record<string, number>>): Promise<void> {
    return this.#rows.restore(sizes);
  }

  /** The colours of a tile's points (x y z relative to its corner), as `rgbBits` has them. */
  async of(id: string, positions: Float32Array): Promise<Float32Array> {
    const voxels = new Map<string, number[]>();
    const key = (values: Float32Array, at: number) =>
      `${Math.floor(values[at]! / this.#voxelSize)} ${Math.floor(values[at + 1]! / this.#voxelSize)} ${Math.floor(values[at + 2]! / this.#voxelSize)}`;
    for await (const rows of this.#rows.read(id)) {
      for (let at = 0; at < rows.length; at += WIDTH) {
        const sum = voxels.get(key(rows, at)) ?? [0, 0, 0, 0];
        for (let k = 0; k < 3; k++) sum[k]! += rows[at + 3 + k]!;
        sum[3]!++;
        voxels.set(key(rows, at), sum);
      }
    }
    return rgbBits(positions.length / 3, (p) => {
      const [r, g, b, n] = voxels.get(key(positions, 3 * p)) ?? [];
      return n ? (Math.round(r! / n) << 16) | (Math.round(g! / n) << 8) | Math.round(b! / n) : UNSEEN;
    });
  }
}

/** Colours by the height above the tile's ground, the tenth part of its points that is lowest. */
export function coloursByHeight(positions: Float32Array): Float32Array {
  const heights = positions.filter((_, k) => k % 3 === 2).sort();
  const ground = heights[Math.floor(heights.length / 10)] ?? 0;
  return rgbBits(positions.length / 3, (p) => {
    const share = Math.min(1, Math.max(0, (positions[3 * p + 2]! - ground) / SPAN_M)) * (STOPS.length - 1);
    const [a, b] = [STOPS[Math.floor(share)]!, STOPS[Math.ceil(share)]!];
    const mixed = (shift: number) => {
      const [from, to] = [(a >> shift) & 255, (b >> shift) & 255];
      return Math.round(from + (share - Math.floor(share)) * (to - from)) << shift;
    };
    return mixed(16) | mixed(8) | mixed(0);
  });
}

/** 0x00RRGGBB in the bits of float32 values: the field `rgb` as the Point Cloud Library keeps it. */
function rgbBits(points: number, colour: (p: number) => number): Float32Array {
  return new Float32Array(Uint32Array.from({ length: points }, (_, p) => colour(p)).buffer);
}
