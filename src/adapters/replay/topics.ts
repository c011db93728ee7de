import { MESSAGE_TYPES, type SensorKind } from '../../ros/messages.ts';
import { Refusal } from '../../types.ts';
import type { BagTopic } from './bag-file.ts';

export type TopicChoice = Partial<Readonly<Record<SensorKind, string | readonly string[]>>>;

export interface ChosenTopic {
  readonly kind: SensorKind;
  /** the type by which the channel was first announced: messages of another type on it are refused */
  readonly type: string;
}

/**
 * The channels to read and what they carry: the topics given for a kind, else every topic of the kind's message types
 * (of transforms only `…/tf_static`, because moving ones are no mounts). Throws a Refusal `no-such-topic` or
 * `wrong-topic-type` for a choice that the bag does not have.
 */
export function chooseTopics(
  topics: readonly Pick<BagTopic, 'name' | 'type'>[],
  choice: TopicChoice = {},
): Map<string, ChosenTopic> {
  const firstTypes = new Map<string, string>();
  for (const { name, type } of topics) {
    if (!firstTypes.has(name)) firstTypes.set(name, type);
  }
  const wanted = new Map<string, SensorKind>();
  for (const { name, type } of topics) {
    const kind = MESSAGE_TYPES[type]?.kind;
    if (kind && !choice[kind] && (kind !== 'mount' || /(^|\/)tf_static$/.test(name))) wanted.set(name, kind);
  }
  for (const [kind, names] of Object.entries(choice) as [SensorKind, string | readonly string[]][]) {
    for (const name of [names].flat()) {
      requireTopic(name, kind, firstTypes);
      wanted.set(name, kind);
    }
  }
  return new Map([...wanted].map(([name, kind]) => [name, { kind, type: firstTypes.get(name)! }]));
}

function requireTopic(name: string, kind: SensorKind, types: ReadonlyMap<string, string>): void {
  const type = types.get(name);
  if (type !== undefined && MESSAGE_TYPES[type]?.kind === kind) return;
  const fitting = [...types]
    .filter(([, other]) => MESSAGE_TYPES[other]?.kind === kind)
    .map(([other]) => other);
  throw new Refusal(
    type === undefined ? 'no-such-topic' : 'wrong-topic-type',
    `expected topic ${name} with ${kind}, found ${type ?? 'no such topic'}; ` +
      `the bag has ${fitting.join(', ') || 'no topic of this kind'}`,
  );
}
