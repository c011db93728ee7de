import { bucketOf } from '../../quality/count-ledger.ts';

/** Messages of each channel and span of arrival: those of the open chunk, and those on the disk nobody was told of. */
export class SyncedSpans {
  readonly #open = new Map<string, number>();
  readonly #news = new Map<string, number>();

  written(id: number, logTime: bigint): void {
    add(this.#open, `${id} ${bucketOf(logTime)}`, 1);
  }

  /** The open chunk is on the disk. */
  synced(): void {
    for (const [key, count] of this.#open) add(this.#news, key, count);
    this.#open.clear();
  }

  /** The open chunk is gone. */
  lost(): void {
    this.#open.clear();
  }

  /** What became synced since the last call. */
  take(): (readonly [id: number, bucket: number, count: number])[] {
    const news = [...this.#news].map(([key, count]) => {
      const [id, bucket] = key.split(' ').map(Number);
      return [id!, bucket!, count] as const;
    });
    this.#news.clear();
    return news;
  }
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}
