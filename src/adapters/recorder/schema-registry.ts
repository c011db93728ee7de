import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { compareSchemas, type SchemaText } from '../../quality/schema-compare.ts';
import { Refusal } from '../../types.ts';

const channel = z.strictObject({
  /** messages a second, as of the last drive */
  hertz: z.number().positive().optional(),
  versions: z
    .array(z.strictObject({ version: z.int().min(1), name: z.string(), definition: z.string() }))
    .min(1),
});
const fileSchema = z.record(z.string(), channel);
type Registered = z.infer<typeof channel>;

export type Registration =
  | { readonly ok: true; readonly version: number; readonly change?: string }
  | { readonly ok: false; readonly version: number; readonly detail: string };

/** The types of all channels over all drives, each with a version that rises; kept beside the drives. */
export class SchemaRegistry {
  readonly #path: string;
  readonly #channels: Map<string, Registered>;
  readonly #accepted: ReadonlySet<string>;
  #changed = false;
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, channels: Map<string, Registered>, accepted: readonly string[]) {
    this.#path = path;
    this.#channels = channels;
    this.#accepted = new Set(accepted);
  }

  /** @param accepted topics whose new type is taken as a new version though it does not fit. Rejects with a Refusal. */
  static async open(path: string, accepted: readonly string[] = []): Promise<SchemaRegistry> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new SchemaRegistry(path, new Map(), accepted);
    }
    try {
      return new SchemaRegistry(path, new Map(Object.entries(fileSchema.parse(JSON.parse(text)))), accepted);
    } catch (error) {
      throw new Refusal(
        'bad-registry',
        `${path}: expected the schemas of earlier drives, found ${(error as Error).message}; move it away to begin anew`,
      );
    }
  }

  /** The version of a channel's type; a type that does not fit the last version is refused. */
  register(topic: string, { name, definition }: SchemaText): Registration {
    const known = this.#channels.get(topic);
    const last = known?.versions.at(-1);
    if (!known || !last) {
      this.#channels.set(topic, { versions: [{ version: 1, name, definition }] });
      this.#changed = true;
      return { ok: true, version: 1 };
    }
    const change = compareSchemas(last, { name, definition });
    if (change.kind === 'same') return { ok: true, version: last.version };
    if (change.kind === 'incompatible' && !this.#accepted.has(topic))
      return { ok: false, version: last.version, detail: change.detail };
    const version = last.version + 1;
    known.versions.push({ version, name, definition });
    this.#changed = true;
    return { ok: true, version, change: change.detail };
  }

  /** Rates of the last drive, messages a second by topic. */
  get rates(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#channels].flatMap(([topic, { hertz }]) => (hertz === undefined ? [] : [[topic, hertz]])),
    );
  }

  setRate(topic: string, hertz: number): void {
    const known = this.#channels.get(topic);
    if (!known || known.hertz === hertz) return;
    this.#channels.set(topic, { ...known, hertz });
    this.#changed = true;
  }

  /** Keeps what is new, whole or not at all. */
  save(): Promise<void> {
    // One at a time: they write the same temporary file.
    const saved = this.#saving.then(() => this.#write());
    this.#saving = saved.catch(() => {});
    return saved;
  }

  async #write(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    await mkdir(dirname(this.#path), { recursive: true });
    await writeFile(`${this.#path}.tmp`, `${JSON.stringify(Object.fromEntries(this.#channels), null, 1)}\n`, {
      flush: true,
    });
    await rename(`${this.#path}.tmp`, this.#path);
  }
}
