import zstd from '@foxglove/wasm-zstd';
import { McapStreamReader } from '@mcap/core';
import { bucketOf, CountLedger, type LedgerJson } from './count-ledger.ts';

/** Messages of one MCAP file by channel and span of time. */
export interface FileCounts {
  readonly counts: LedgerJson;
  /** channels that each file of a drive begins with anew (durability transient local): not to be added up */
  readonly latched: readonly string[];
  /** why the end was not reached; what came before it is counted */
  readonly damage?: string;
}

/** As `offered_qos_profiles` says transient local, in numbers and in words of rmw. */
const LATCHED = /durability: (?:1|transient_local)\b/;

/** Reads an MCAP to its end, checks its CRCs and counts its messages by their log time. Damage is said, not thrown. */
export async function countMcap(bytes: AsyncIterable<Uint8Array>): Promise<FileCounts> {
  await zstd.isLoaded;
  const reader = new McapStreamReader({
    validateCrcs: true,
    decompressHandlers: { zstd: (data, size) => zstd.decompress(data, Number(size)) },
  });
  const ledger = new CountLedger();
  const topics = new Map<number, string>();
  const latched = new Set<string>();
  let damage: string | undefined;
  for await (const part of bytes) {
    // What follows damage is read on, for a caller that hashes it as it passes.
    if (damage !== undefined) continue;
    try {
      reader.append(part);
      for (let item = reader.nextRecord(); item; item = reader.nextRecord()) {
        if (item.type === 'Channel') {
          topics.set(item.id, item.topic);
          if (LATCHED.test(item.metadata.get('offered_qos_profiles') ?? '')) latched.add(item.topic);
        } else if (item.type === 'Message') {
          ledger.add(topics.get(item.channelId)!, bucketOf(item.logTime));
        }
      }
    } catch (error) {
      damage = `expected a sound MCAP, found: ${(error as Error).message}`;
    }
  }
  if (damage === undefined && !reader.done()) damage = 'expected the end of an MCAP, found none: it was cut';
  return {
    counts: ledger.toJSON(),
    latched: [...latched].sort(),
    ...(damage !== undefined && { damage }),
  };
}

/** The counts of a drive whose files are given: what latched channels repeat in each file counts once. */
export function countsOfDrive(files: readonly FileCounts[]): CountLedger {
  const sum = new CountLedger();
  const most = new Map<string, Map<number, number>>();
  for (const { counts, latched } of files)
    for (const [channel, buckets] of Object.entries(counts))
      for (const [bucket, count] of Object.entries(buckets)) {
        if (!latched.includes(channel)) {
          sum.add(channel, Number(bucket), count);
          continue;
        }
        const seen = most.get(channel) ?? new Map<number, number>();
        most.set(channel, seen.set(Number(bucket), Math.max(count, seen.get(Number(bucket)) ?? 0)));
      }
  for (const [channel, buckets] of most)
    for (const [bucket, count] of buckets) sum.add(channel, bucket, count);
  return sum;
}
