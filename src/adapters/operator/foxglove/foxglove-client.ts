import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { Pipe } from '../pipe.ts';
import { CLOSE } from '../protocol.ts';
import type { FoxgloveFeed } from './foxglove-feed.ts';

/** Subscriptions of one client at most. */
const MOST = 64;
/** Binary opcodes (ws-protocol, spec.md, "Message Data" and "Time"). */
const MESSAGE_DATA = 1;
const TIME = 2;
const HEADER = 13;

const whole = z.int().min(0).max(0xffff_ffff);
const messageSchema = z.object({ op: z.string() });
const subscribeSchema = z.object({
  subscriptions: z.array(z.object({ id: whole, channelId: whole })).max(MOST),
});
const unsubscribeSchema = z.object({ subscriptionIds: z.array(whole).max(MOST) });

/**
 * One connection of Foxglove or Lichtblick, read-only: `foxglove.websocket.v1` (its spec.md) and `foxglove.sdk.v1`, which
 * is the same for a server without capabilities. A slow reader gets the newest message of each channel.
 */
export class FoxgloveClient {
  readonly pipe: Pipe;
  expiresMs = Number.POSITIVE_INFINITY;
  readonly #feed: FoxgloveFeed;
  readonly #subscriptions = new Map<number, { readonly channel: number; shown: number }>();
  #shownTime = -1n;

  constructor(socket: WebSocket, pipe: Pipe, feed: FoxgloveFeed, name: string) {
    this.pipe = pipe;
    this.#feed = feed;
    socket.on('message', (data, isBinary) => {
      if (!pipe.hears()) return;
      if (isBinary) this.#refuse('the robot takes no messages');
      else this.#take(data.toString());
    });
    socket.on('close', () => {
      for (const { channel } of this.#subscriptions.values()) feed.watch(channel, -1);
      this.#subscriptions.clear();
    });
    this.#say({
      op: 'serverInfo',
      name: `dilly-nav ${name}`,
      // Theirs is the time of the sensors: of a replay, too, nothing is then called old.
      capabilities: ['time'],
      supportedEncodings: ['cdr'],
      // Who comes back to the same run keeps what it shows.
      sessionId: feed.session,
      metadata: { ROS_DISTRO: 'humble' },
    });
    const channels = feed.channels.map(({ id, topic, type }) => ({
      id,
      topic,
      encoding: 'cdr',
      schemaName: type.name,
      schema: type.schema,
      schemaEncoding: 'ros2msg',
    }));
    this.#say({ op: 'advertise', channels });
  }

  pump(): void {
    this.#sendTime();
    for (const [id, subscription] of this.#subscriptions) {
      const latest = this.#feed.latest(subscription.channel);
      if (!latest || latest.version === subscription.shown) continue;
      const bytes = Buffer.allocUnsafe(HEADER + latest.data.length);
      bytes.writeUInt8(MESSAGE_DATA, 0);
      bytes.writeUInt32LE(id, 1);
      bytes.writeBigUInt64LE(BigInt.asUintN(64, latest.stamp), 5);
      bytes.set(latest.data, HEADER);
      if (this.pipe.send(bytes, true, true)) subscription.shown = latest.version;
    }
    this.pipe.ask();
  }

  #sendTime(): void {
    const { time } = this.#feed;
    if (time === undefined || time === this.#shownTime || this.#subscriptions.size === 0) return;
    const bytes = Buffer.allocUnsafe(9);
    bytes.writeUInt8(TIME, 0);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, time), 1);
    if (this.pipe.send(bytes, true, true)) this.#shownTime = time;
  }

  #take(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      this.pipe.close(CLOSE.badMessage);
      return;
    }
    const op = messageSchema.safeParse(message).data?.op;
    if (op === 'subscribe') {
      this.#subscribe(subscribeSchema.safeParse(message).data);
      return;
    }
    if (op === 'unsubscribe') {
      for (const id of unsubscribeSchema.safeParse(message).data?.subscriptionIds ?? [])
        this.#unsubscribe(id);
      return;
    }
    this.#refuse(
      `expected subscribe or unsubscribe, found ${(op ?? 'no op').slice(0, 40)}: the robot only shows`,
    );
  }

  #subscribe(asked: z.infer<typeof subscribeSchema> | undefined): void {
    if (!asked) {
      this.pipe.close(CLOSE.badMessage);
      return;
    }
    for (const { id, channelId } of asked.subscriptions) {
      const isKnown = channelId >= 1 && channelId <= this.#feed.channels.length;
      if (!isKnown || this.#subscriptions.has(id) || this.#subscriptions.size >= MOST) {
        this.#refuse(`subscription ${id}: expected a new id and an advertised channel, found ${channelId}`);
        continue;
      }
      this.#subscriptions.set(id, { channel: channelId, shown: 0 });
      this.#feed.watch(channelId, 1);
    }
    this.pump();
  }

  #unsubscribe(id: number): void {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return;
    this.#subscriptions.delete(id);
    this.#feed.watch(subscription.channel, -1);
  }

  #refuse(message: string): void {
    this.#say({ op: 'status', level: 1, message });
  }

  /** What is not a message of a channel is small and goes at once. */
  #say(content: object): void {
    if (!this.pipe.sendNow(Buffer.from(JSON.stringify(content)))) this.pipe.close(CLOSE.tooSlow);
  }
}
