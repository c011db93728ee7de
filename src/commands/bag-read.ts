import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BagTopic, Damage, RawMessage } from '../adapters/replay/bag-file.ts';
import { decoderOf } from '../adapters/replay/codec.ts';
import { openBagFile } from '../adapters/replay/open.ts';
import { chooseTopics } from '../adapters/replay/topics.ts';
import { refusalReason, type Stamp } from '../types.ts';

export interface TopicCount {
  readonly name: string;
  readonly type: string;
  readonly encoding: string;
  messages: number;
  /** messages of a type that we read, which could not be decoded */
  refused: number;
}

/** What reading a whole bag file found. */
export interface BagSurvey {
  readonly path: string;
  readonly format: string;
  readonly bytes: number;
  readonly start: Stamp | undefined;
  readonly end: Stamp | undefined;
  readonly messages: number;
  readonly topics: readonly TopicCount[];
  readonly damage: readonly Damage[];
  /** reasons of messages that could not be decoded */
  readonly refused: Readonly<Record<string, number>>;
}

/** Every message of a bag file as it is stored, by time; `report` hears of damage. Rejects with a Refusal. */
export async function* rawMessages(
  path: string,
  report: (damage: Damage) => void,
  wanted: (topic: BagTopic) => boolean = () => true,
): AsyncGenerator<RawMessage> {
  const bag = await openBagFile(path);
  try {
    yield* bag.read(wanted, report);
  } finally {
    await bag.close();
  }
}

/** Reads a bag file to its end and decodes what we can. Rejects with a Refusal where it cannot be read at all. */
export async function surveyBag(path: string): Promise<BagSurvey> {
  const bag = await openBagFile(path);
  const damage: Damage[] = [];
  const refused: Record<string, number> = {};
  const counts = new Map<BagTopic, TopicCount>();
  for (const topic of bag.topics)
    counts.set(topic, {
      name: topic.name,
      type: topic.type,
      encoding: topic.encoding,
      messages: 0,
      refused: 0,
    });
  const known = chooseTopics(bag.topics, undefined);
  let [start, end, messages]: [Stamp | undefined, Stamp | undefined, number] = [undefined, undefined, 0];
  try {
    for await (const { topic, arrival, data } of bag.read(
      () => true,
      (item) => damage.push(item),
    )) {
      const count = counts.get(topic)!;
      count.messages++;
      messages++;
      if (start === undefined || arrival < start) start = arrival;
      if (end === undefined || arrival > end) end = arrival;
      if (!known.has(topic.name)) continue;
      const reason = faultOf(topic, data);
      if (reason === undefined) continue;
      count.refused++;
      refused[reason] = (refused[reason] ?? 0) + 1;
    }
  } finally {
    await bag.close();
  }
  const { size } = await stat(path);
  const topics = [...counts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { path, format: bag.format, bytes: size, start, end, messages, topics, damage, refused };
}

const decoders = new WeakMap<BagTopic, ReturnType<typeof decoderOf>>();

function faultOf(topic: BagTopic, data: Uint8Array): string | undefined {
  try {
    let decode = decoders.get(topic);
    if (!decode) {
      decode = decoderOf(topic);
      decoders.set(topic, decode);
    }
    const bad = decode(data).find(({ kind }) => kind === 'refused');
    return bad?.kind === 'refused' ? bad.reason : undefined;
  } catch (error) {
    return refusalReason(error) ?? 'bad-message';
  }
}

/** The files that a path means: itself, or all below a folder but the descriptions of bags. */
export async function filesOf(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !/^metadata\.ya?ml$|\.uploaded$|-wal$|-shm$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
