import type { TileEntry } from './manifest.ts';

const HASH_BYTES = 32;
const BOX = 6;
/** bytes, points, k, layout */
const NUMBERS = 4;

/** The tile entries of a manifest in flat columns: an object for each would take ten times the memory. */
export class TileTable {
  readonly #rows = new Map<string, number>();
  readonly #layouts: string[][] = [];
  #hashes = new Uint8Array(HASH_BYTES);
  #boxes = new Float64Array(BOX);
  #numbers = new Float64Array(NUMBERS);

  get size(): number {
    return this.#rows.size;
  }

  /** False where the id is there already. */
  add(id: string, { sha256, bytes, points, bbox, normals, fields }: TileEntry): boolean {
    if (this.#rows.has(id)) return false;
    const row = this.#rows.size;
    if (BOX * row === this.#boxes.length) this.#grow();
    this.#rows.set(id, row);
    this.#hashes.set(Buffer.from(sha256, 'hex'), HASH_BYTES * row);
    this.#boxes.set(bbox, BOX * row);
    this.#numbers.set([bytes, points, normals.k, this.#layout(fields)], NUMBERS * row);
    return true;
  }

  get(id: string): TileEntry | undefined {
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    const hash = this.#hashes.subarray(HASH_BYTES * row, HASH_BYTES * (row + 1));
    const [bytes, points, k, layout] = this.#numbers.subarray(NUMBERS * row, NUMBERS * (row + 1));
    return {
      sha256: Buffer.from(hash).toString('hex'),
      bytes: bytes!,
      points: points!,
      bbox: [...this.#boxes.subarray(BOX * row, BOX * (row + 1))] as TileEntry['bbox'],
      normals: { k: k! },
      fields: this.#layouts[layout!]!,
    };
  }

  pointsOf(id: string): number | undefined {
    const row = this.#rows.get(id);
    return row === undefined ? undefined : this.#numbers[NUMBERS * row + 1];
  }

  /** Most tiles have the same fields. */
  #layout(fields: string[]): number {
    const known = this.#layouts.findIndex((one) => one.join() === fields.join());
    return known >= 0 ? known : this.#layouts.push([...fields]) - 1;
  }

  #grow(): void {
    const more = <A extends Uint8Array | Float64Array>(old: A, to: A): A => {
      to.set(old);
      return to;
    };
    this.#hashes = more(this.#hashes, new Uint8Array(2 * this.#hashes.length));
    this.#boxes = more(this.#boxes, new Float64Array(2 * this.#boxes.length));
    this.#numbers = more(this.#numbers, new Float64Array(2 * this.#numbers.length));
  }
}
