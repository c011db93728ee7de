import { rename, rm, stat } from 'node:fs/promises';
import { McapFile } from '../adapters/recorder/mcap-file.ts';
import type { BagTopic, Damage, RawMessage } from '../adapters/replay/bag-file.ts';
import { Refusal, type Stamp } from '../types.ts';
import { rawMessages } from './bag-read.ts';

const CHUNK_BYTES = 1 << 22;
const ZSTD_LEVEL = 3;

export interface CopyChoice {
  /** arrival, both ends included */
  readonly from?: Stamp;
  readonly to?: Stamp;
  readonly topics?: readonly string[];
}

export interface Copied {
  readonly out: string;
  readonly messages: number;
  readonly bytes: number;
  readonly damage: readonly Damage[];
}

/**
 * Copies the messages of a bag file that can be read into a sound MCAP, each byte for byte with its times, sequence,
 * type and encoding. The file appears whole or not at all. Rejects with a Refusal `output-exists`, or as
 * `openBagFile` does.
 */
export async function copyBag(path: string, out: string, choice: CopyChoice = {}): Promise<Copied> {
  if (await stat(out).catch(() => undefined))
    throw new Refusal(
      'output-exists',
      `expected nothing at ${out}, found something; remove it or choose another`,
    );
  await McapFile.ready;
  const damage: Damage[] = [];
  const wanted = ({ name }: BagTopic) => !choice.topics || choice.topics.includes(name);
  const { from, to } = choice;
  const part = `${out}.part`;
  await rm(part, { force: true });
  let file: McapFile | undefined;
  const begin = (profile: string) =>
    new McapFile(part, { profile, chunkBytes: CHUNK_BYTES, zstdLevel: ZSTD_LEVEL });
  const channels = new Map<BagTopic, number>();
  const schemas = new Map<string, number>();
  try {
    for await (const raw of rawMessages(path, (item) => damage.push(item), wanted)) {
      if (from !== undefined && raw.arrival < from) continue;
      if (to !== undefined && raw.arrival > to) break;
      file ??= begin(profileOf(raw.topic));
      const channel = channels.get(raw.topic) ?? announce(file, raw.topic, schemas);
      channels.set(raw.topic, channel);
      const { sequence, arrival, published, data } = raw as RawMessage;
      file.message(channel, sequence, arrival, published ?? arrival, data);
    }
    file ??= begin('');
    file.end();
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await rename(part, out);
  const { messages, bytes } = file.state;
  return { out, messages: Number(messages), bytes, damage };
}

function profileOf({ encoding }: BagTopic): string {
  if (encoding === 'cdr') return 'ros2';
  return encoding === 'ros1' ? 'ros1' : '';
}

function announce(file: McapFile, topic: BagTopic, schemas: Map<string, number>): number {
  const { stored, definition, schemaEncoding, encoding } = topic;
  const typeName = stored?.typeName ?? (encoding === 'cdr' ? topic.type.replace('/', '/msg/') : topic.type);
  const key = `${typeName}\n${schemaEncoding}\n${definition}`;
  const hasSchema = typeName !== '' || definition !== '';
  const known = hasSchema ? schemas.get(key) : 0;
  const schemaId =
    known ?? file.schema(typeName, schemaEncoding, stored?.schema ?? new TextEncoder().encode(definition));
  schemas.set(key, schemaId);
  return file.channel({
    topic: topic.name,
    schemaId,
    messageEncoding: encoding,
    metadata: new Map(stored?.metadata),
  });
}
