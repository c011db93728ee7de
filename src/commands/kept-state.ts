import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { SavedState, StateStore } from '../robot/parts.ts';
import type { Pose } from '../types.ts';

const number = z.number();
const keptSchema = z.object({
  mapId: z.string(),
  position: z.tuple([number, number, number]),
  orientation: z.tuple([number, number, number, number]),
});

/** Where the robot was, in one file: JSON that appears whole or not at all. */
export class KeptState implements StateStore {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** T_map_base as it was kept on this map; undefined where there is none, or none that can be read. */
  async read(mapId: string): Promise<Pose | undefined> {
    try {
      const { position, orientation, ...kept } = keptSchema.parse(
        JSON.parse(await readFile(this.#file, 'utf8')),
      );
      return kept.mapId === mapId ? { position, orientation } : undefined;
    } catch {
      return undefined;
    }
  }

  async save({ stamp, mapId, mapVersion, T_map_base }: SavedState): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true });
    const kept = { stamp: stamp.toString(), mapId: mapId ?? '', mapVersion, ...T_map_base };
    await writeFile(`${this.#file}.new`, JSON.stringify(kept), { flush: true });
    await rename(`${this.#file}.new`, this.#file);
  }
}
