import { z } from 'zod';
import type { PointCloud2, Stamp } from '../types.ts';

export const lidarGroupConfig = z.strictObject({
  frames: z
    .array(z.string().min(1))
    .max(8)
    .default([])
    .describe('frame_ids of LiDARs whose clouds are registered as one; default: each cloud for itself'),
  wait: z
    .number()
    .min(0)
    .max(1)
    .default(0.03)
    .describe('the first cloud waits no longer than this for the others, s'),
  window: z
    .number()
    .positive()
    .max(1)
    .default(0.06)
    .describe('clouds whose stamps lie further apart are of different turns, s'),
});
export type LidarGroupConfig = z.infer<typeof lidarGroupConfig>;

const ns = (seconds: number) => BigInt(Math.round(seconds * 1e9));

/**
 * Puts together the clouds of several LiDARs that were taken at about one time. Nothing is lost: what comes too late, or
 * alone, is a group of its own.
 */
export class LidarGroup {
  readonly #frames: ReadonlySet<string>;
  readonly #wait: bigint;
  readonly #window: bigint;
  #waiting: PointCloud2[] = [];
  #deadline: Stamp = 0n;

  constructor({ frames, wait, window }: LidarGroupConfig) {
    this.#frames = new Set(frames);
    this.#wait = ns(wait);
    this.#window = ns(window);
  }

  /** The groups that are complete with this cloud, in the order in which they are to be used. */
  add(cloud: PointCloud2, arrival: Stamp): PointCloud2[][] {
    if (!this.#frames.has(cloud.frameId) || this.#frames.size === 1) return [[cloud]];
    const ended = this.#belongs(cloud) ? [] : this.#take();
    if (this.#waiting.length === 0) this.#deadline = arrival + this.#wait;
    this.#waiting.push(cloud);
    const complete = this.#waiting.length === this.#frames.size ? this.#take() : [];
    return [...ended, ...complete];
  }

  /** The group whose time to wait is over. */
  due(now: Stamp): PointCloud2[][] {
    return now >= this.#deadline ? this.#take() : [];
  }

  /** The configured LiDARs that gave nothing to this group. */
  missingFrom(group: readonly PointCloud2[]): string[] {
    const there = new Set(group.map(({ frameId }) => frameId));
    if (![...there].some((frame) => this.#frames.has(frame))) return [];
    return [...this.#frames].filter((frame) => !there.has(frame));
  }

  #belongs({ stamp, frameId }: PointCloud2): boolean {
    return this.#waiting.every((other) => {
      const apart = stamp > other.stamp ? stamp - other.stamp : other.stamp - stamp;
      return other.frameId !== frameId && apart <= this.#window;
    });
  }

  #take(): PointCloud2[][] {
    const group = this.#waiting;
    this.#waiting = [];
    return group.length > 0 ? [group] : [];
  }
}
