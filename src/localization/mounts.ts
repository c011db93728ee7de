import { z } from 'zod';
import { compose, IDENTITY, inverse } from '../math/se3.ts';
import { quatFromRpy } from '../math/so3.ts';
import type { Mount, Pose } from '../types.ts';

const number = z.number();

export const framesConfig = z.strictObject({
  base: z.string().default('base_link').describe('the frame that is localised'),
  mounts: z
    .array(
      z.strictObject({
        parent: z.string(),
        child: z.string(),
        position: z.tuple([number, number, number]).describe('m'),
        rpy: z.tuple([number, number, number]).describe('roll, pitch, yaw; rad'),
      }),
    )
    .default([])
    .describe('sensor mounts that the recording does not carry; they win over /tf_static'),
});
export type FramesConfig = z.infer<typeof framesConfig>;

/** Where the sensors sit: the static transforms between base_link and the sensor frames. */
export class Mounts {
  readonly #base: string;
  readonly #edges = new Map<string, { neighbour: string; T_frame_neighbour: Pose }[]>();
  readonly #configured = new Set<string>();
  readonly #found = new Map<string, Pose>();

  constructor(config: FramesConfig) {
    this.#base = config.base;
    for (const { parent, child, position, rpy } of config.mounts) {
      this.#link({ parent, child, T_parent_child: { position, orientation: quatFromRpy(...rpy) } });
      this.#configured.add(child);
    }
  }

  add(mount: Mount): void {
    if (!this.#configured.has(mount.child)) this.#link(mount);
  }

  /** T_base_frame, or undefined while no chain of mounts joins the two. */
  find(frame: string): Pose | undefined {
    if (frame === this.#base) return IDENTITY;
    const known = this.#found.get(frame);
    if (known) return known;
    const T_base_frame = this.#search(frame);
    if (T_base_frame) this.#found.set(frame, T_base_frame);
    return T_base_frame;
  }

  #link({ parent, child, T_parent_child }: Mount): void {
    this.#join(parent, child, T_parent_child);
    this.#join(child, parent, inverse(T_parent_child));
    this.#found.clear();
  }

  #join(frame: string, neighbour: string, T_frame_neighbour: Pose): void {
    const others = (this.#edges.get(frame) ?? []).filter((edge) => edge.neighbour !== neighbour);
    this.#edges.set(frame, [...others, { neighbour, T_frame_neighbour }]);
  }

  #search(frame: string): Pose | undefined {
    const queue: [string, Pose][] = [[this.#base, IDENTITY]];
    const seen = new Set([this.#base]);
    for (const [at, T_base_at] of queue) {
      if (at === frame) return T_base_at;
      for (const { neighbour, T_frame_neighbour } of this.#edges.get(at) ?? []) {
        if (seen.has(neighbour)) continue;
        seen.add(neighbour);
        queue.push([neighbour, compose(T_base_at, T_frame_neighbour)]);
      }
    }
    return undefined;
  }
}

/** What to do about a frame that no mount leads to. */
export function mountHelp(frame: string, base: string): string {
  return `expected a transform from ${base} to ${frame || '(no frame)'} on /tf_static or in frames.mounts, found none`;
}
