import type { RecorderConfig } from './recorder-config.ts';

/** What the robot's thread tells the recorder's through the ring. */
export const WIRE = { message: 1, channel: 2, close: 3 } as const;
/** kind, channel, sequence, log time, publish time; numbers are little-endian */
export const WIRE_HEAD = 4 + 4 + 4 + 8 + 8;

/** A channel as it is told once, before its first message. */
export interface WireChannel {
  readonly id: number;
  readonly topic: string;
  readonly encoding: string;
  readonly schemaName: string;
  readonly schemaEncoding: string;
  readonly schema: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly latched: boolean;
}

export interface ThreadData {
  readonly ring: SharedArrayBuffer;
  readonly config: RecorderConfig;
  /** of the drive: its folder's and its files' name */
  readonly name: string;
}

/** What the recorder's thread says. */
export type ThreadNews =
  /** messages of each channel id that are on the disk since the drive began */
  | {
      readonly kind: 'synced';
      readonly counts: Readonly<Record<number, number>>;
      readonly lost: Readonly<Record<number, number>>;
      readonly bytes: number;
      /** what became synced since the last news, by channel id and span of arrival */
      readonly spans: readonly (readonly [id: number, bucket: number, count: number])[];
    }
  | { readonly kind: 'file'; readonly path: string; readonly messages: number; readonly bytes: number }
  | { readonly kind: 'deleted'; readonly path: string; readonly uploaded: boolean }
  /** the disk; what could not be written since is counted by channel id */
  | { readonly kind: 'failed'; readonly text: string; readonly lost: Readonly<Record<number, number>> }
  | { readonly kind: 'closed' };

export function wireHead(
  kind: number,
  channel: number,
  sequence: number,
  logTime: bigint,
  publishTime: bigint,
): Uint8Array {
  const head = new Uint8Array(WIRE_HEAD);
  const view = new DataView(head.buffer);
  view.setUint32(0, kind, true);
  view.setUint32(4, channel, true);
  view.setUint32(8, sequence >>> 0, true);
  view.setBigInt64(12, logTime, true);
  view.setBigInt64(20, publishTime, true);
  return head;
}
