import { access, readdir, readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type { MapStore } from './store.ts';

/** Map packages in the folders of one folder. */
export class FolderStore implements MapStore {
  readonly #root: string;
  readonly #only: readonly string[] | undefined;

  /** @param only the maps that are served; undefined: all */
  constructor(root: string, only?: readonly string[]) {
    this.#root = root;
    this.#only = only;
  }

  async read(path: string): Promise<Buffer | undefined> {
    const inside = normalize(path);
    if (inside.startsWith('..') || inside.startsWith('/')) return undefined;
    if (this.#only && !this.#only.includes(inside.split('/')[0]!)) return undefined;
    try {
      return await readFile(join(this.#root, inside));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
        return undefined;
      throw error;
    }
  }

  async list(): Promise<string[]> {
    const names = this.#only ?? (await readdir(this.#root)).sort();
    const held = await Promise.all(
      names.map((name) =>
        access(join(this.#root, name, 'manifest.json')).then(
          () => true,
          () => false,
        ),
      ),
    );
    return names.filter((_, k) => held[k]);
  }
}
