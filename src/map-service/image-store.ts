import { mkdir, open, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Vec3 } from '../types.ts';
import { IMAGE_BYTES, RangeImage } from './range-image.ts';

/** Images in memory at once: 50 MB. */
const HELD = 256;

/** Range images in one file, in order; a bounded number of them in memory. */
export class ImageStore {
  readonly #path: string;
  readonly #waiting: RangeImage[] = [];
  readonly #held = new Map<number, RangeImage>();
  readonly #places: Vec3[] = [];
  #written = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(image: RangeImage): void {
    this.#waiting.push(image);
    this.#places.push(image.place);
  }

  get pendingBytes(): number {
    return this.#waiting.length * IMAGE_BYTES;
  }

  /** Where each image was taken, map frame. */
  get places(): readonly Vec3[] {
    return this.#places;
  }

  /** Appends what waits; when it resolves, it is on the disk. Returns the number of images in the file. */
  async flush(): Promise<number> {
    if (this.#waiting.length === 0) return this.#written;
    await mkdir(dirname(this.#path), { recursive: true });
    const file = await open(this.#path, 'a');
    try {
      for (const { bytes } of this.#waiting) await file.writeFile(bytes);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#written += this.#waiting.length;
    this.#waiting.length = 0;
    return this.#written;
  }

  /** Goes back to the number of images that `flush` returned. */
  async restore(images: number): Promise<void> {
    if (images > 0) await truncate(this.#path, images * IMAGE_BYTES);
    this.#written = images;
    for (let k = 0; k < images; k++) this.#places.push((await this.#read(k)).place);
    if (images === 0) await truncate(this.#path, 0).catch(() => {});
  }

  /** An image of the file; after `flush`. */
  async get(index: number): Promise<RangeImage> {
    const held = this.#held.get(index);
    if (held) return held;
    const image = await this.#read(index);
    const oldest = this.#held.keys().next();
    if (this.#held.size >= HELD && !oldest.done) this.#held.delete(oldest.value);
    this.#held.set(index, image);
    return image;
  }

  async #read(index: number): Promise<RangeImage> {
    const file = await open(this.#path, 'r');
    try {
      const bytes = new Uint8Array(IMAGE_BYTES);
      const { bytesRead } = await file.read(bytes, 0, IMAGE_BYTES, index * IMAGE_BYTES);
      if (bytesRead !== IMAGE_BYTES)
        throw new Error(`${this.#path}: expected ${index + 1} images, found fewer`);
      return new RangeImage(bytes);
    } finally {
      await file.close();
    }
  }
}
