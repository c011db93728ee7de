import { stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type { MapSource } from '../../ports.ts';
import { type MapFile, Refusal } from '../../types.ts';
import { readInto } from './read-into.ts';
import type { TileStore } from './tile-store.ts';

/** A map package that lies in a folder. */
export class FolderMap implements MapSource {
  readonly #folder: string;
  /** Not in the folder itself, which is somebody else's. */
  readonly indices: TileStore | undefined;

  constructor(folder: string, indices?: TileStore) {
    this.#folder = folder;
    this.indices = indices;
  }

  async read(path: string, _file?: MapFile, into?: Uint8Array): Promise<Uint8Array> {
    if (normalize(path).startsWith('..'))
      throw new Refusal('bad-path', `expected a path within the map, found ${path}`);
    try {
      return await readInto(join(this.#folder, path), into);
    } catch (error) {
      const isFolder = await stat(this.#folder).then(
        (s) => s.isDirectory(),
        () => false,
      );
      const what = isFolder
        ? `${path} is missing (${(error as NodeJS.ErrnoException).code})`
        : 'there is no such folder';
      throw new Refusal(
        'map-file-missing',
        `map ${this.#folder}: ${what}; make a map with: dilly-nav map build`,
      );
    }
  }

  /** All is near already. */
  want(): void {}

  /** There is no other copy. */
  async discard(): Promise<boolean> {
    return false;
  }
}
