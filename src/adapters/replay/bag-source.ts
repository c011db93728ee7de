import type { SensorSource, SourceInfo } from '../../ports.ts';
import type { Payload } from '../../ros/messages.ts';
import { Refusal, refusalReason, type SensorMessage } from '../../types.ts';
import { type BagFile, type BagTopic, type Damage, errorText, type RawMessage, spanOf } from './bag-file.ts';
import { type Decode, decoderOf } from './codec.ts';
import { countFrames, type FrameRange, selectsFrame } from './frames.ts';
import { mergeSorted } from './order.ts';
import { type ChosenTopic, chooseTopics, type TopicChoice } from './topics.ts';

export interface SourceOptions {
  /** which point clouds to read, by their index within their channel */
  readonly frames?: FrameRange;
  /** topics by kind; a kind that is left out takes every topic of its message types */
  readonly topics?: TopicChoice;
}

/** A bag of one or several files behind `SensorSource`. Throws a Refusal where the chosen topics do not fit. */
export class BagSource implements SensorSource {
  readonly #name: string;
  readonly #files: readonly BagFile[];
  readonly #damage: readonly Damage[];
  readonly #frames: FrameRange | undefined;
  readonly #chosen: ReadonlyMap<string, ChosenTopic>;
  readonly #decoders = new Map<BagTopic, Decode>();

  /** `damage`: what was lost before the files were opened, such as a missing one. */
  constructor(name: string, files: readonly BagFile[], damage: readonly Damage[], options: SourceOptions) {
    this.#name = name;
    this.#files = files;
    this.#damage = damage;
    this.#frames = options.frames;
    this.#chosen = chooseTopics(
      files.flatMap(({ topics }) => topics),
      options.topics,
    );
  }

  /** Start and end are 0 in a bag without messages. */
  describe(): SourceInfo {
    const span = spanOf(this.#files.flatMap((file) => file.span ?? []));
    const channels = [...this.#chosen].map(([name, { kind }]) => [name, kind] as const);
    const clouds = this.#countClouds();
    return {
      name: this.#name,
      start: span?.start ?? 0n,
      end: span?.end ?? 0n,
      channels: Object.fromEntries(channels),
      ...(clouds !== undefined && { clouds }),
    };
  }

  /**
   * Bad messages come as kind 'refused', and what the bag has lost as one 'refused' at the end, on the channel that is
   * named like the bag. `sequence` counts the messages of a channel from 0, those left out by `frames` too.
   */
  async *messages(): AsyncGenerator<SensorMessage> {
    const damage = [...this.#damage];
    const counts = new Map<string, number>();
    const streams = this.#files.map((file) =>
      file.read(
        ({ name }) => this.#chosen.has(name),
        (item) => damage.push(item),
      ),
    );
    let arrival = this.describe().start;
    for await (const raw of mergeSorted(streams)) {
      const channel = raw.topic.name;
      let sequence = counts.get(channel) ?? 0;
      arrival = raw.arrival;
      const chosen = this.#chosen.get(channel)!;
      const skipped = chosen.kind === 'points' && !selectsFrame(this.#frames, sequence);
      const payloads = skipped ? [] : this.#decode(raw, chosen);
      for (const payload of payloads) yield { channel, arrival, sequence: sequence++, ...payload };
      counts.set(channel, skipped ? sequence + 1 : sequence);
    }
    if (damage.length > 0) yield { channel: this.#name, arrival, sequence: 0, ...summary(damage) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }

  #decode(raw: RawMessage, { type }: ChosenTopic): Payload[] {
    try {
      if (raw.topic.type !== type) {
        throw new Refusal(
          'conflicting-type',
          `expected ${type} as ${raw.topic.name} was first announced, found ${raw.topic.type}; give each its own topic`,
        );
      }
      let decode = this.#decoders.get(raw.topic);
      if (!decode) {
        decode = decoderOf(raw.topic);
        this.#decoders.set(raw.topic, decode);
      }
      return decode(raw.data);
    } catch (error) {
      return [{ kind: 'refused', reason: refusalReason(error) ?? 'bad-message', detail: errorText(error) }];
    }
  }

  #countClouds(): number | undefined {
    const perChannel = new Map<string, number>();
    for (const file of this.#files) {
      for (const topic of file.topics.filter(({ name }) => this.#chosen.get(name)?.kind === 'points')) {
        const count = file.messageCount(topic);
        if (count === undefined) return undefined;
        perChannel.set(topic.name, (perChannel.get(topic.name) ?? 0) + count);
      }
    }
    return [...perChannel.values()].reduce((sum, count) => sum + countFrames(this.#frames, count), 0);
  }
}

/** One item for all that was lost. A cut explains the rest, so it gives the reason. */
function summary(damage: readonly Damage[]): Payload {
  const { reason } = damage.find((item) => item.reason === 'truncated-bag') ?? damage[0]!;
  const shown = damage.slice(0, 3).map(({ detail }) => detail);
  if (damage.length > shown.length) shown.push(`and ${damage.length - shown.length} more`);
  return { kind: 'refused', reason, detail: shown.join('; ') };
}
