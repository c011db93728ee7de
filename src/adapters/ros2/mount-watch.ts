import type { Mount } from '../../types.ts';

/** Which frames are joined to the base, by name only, to say what is missing. */
export class MountWatch {
  readonly #base: string;
  readonly #joined = new Map<string, Set<string>>();

  constructor(base: string, mounts: readonly Pick<Mount, 'parent' | 'child'>[]) {
    this.#base = base;
    for (const mount of mounts) this.add(mount);
  }

  add({ parent, child }: Pick<Mount, 'parent' | 'child'>): void {
    this.#edges(parent).add(child);
    this.#edges(child).add(parent);
  }

  /** What is missing to use a sensor in `frame`; undefined where nothing is. */
  missing(frame: string): string | undefined {
    const reached = new Set([this.#base]);
    for (const one of reached) for (const next of this.#joined.get(one) ?? []) reached.add(next);
    if (reached.has(frame)) return undefined;
    const known = [...this.#joined.keys()].sort().join(', ') || 'nothing';
    return `expected a transform from ${this.#base} to ${frame || '(no frame)'} on /tf_static or in frames.mounts, found ${known}`;
  }

  #edges(frame: string): Set<string> {
    const edges = this.#joined.get(frame) ?? new Set();
    this.#joined.set(frame, edges);
    return edges;
  }
}
