import { parse } from '@foxglove/rosmsg';
import { ros1, ros2humble } from '@foxglove/rosmsg-msgs-common';
import { MessageReader as Ros1Reader } from '@foxglove/rosmsg-serialization';
import { MessageReader as Ros2Reader } from '@foxglove/rosmsg2-serialization';
import { Fields } from '../../ros/fields.ts';
import { GPS_MSGS } from '../../ros/gps-msgs.ts';
import { MESSAGE_TYPES, type Payload } from '../../ros/messages.ts';
import { Refusal } from '../../types.ts';
import { type BagTopic, errorText } from './bag-file.ts';

type Definitions = ReturnType<typeof parse>;
/** Bytes of one message to what they say; throws a Refusal. */
export type Decode = (data: Uint8Array) => Payload[];

const ENCODINGS = {
  cdr: { schema: 'ros2msg', common: { ...ros2humble, ...GPS_MSGS }, options: { ros2: true } },
  ros1: { schema: 'ros1msg', common: ros1, options: {} },
};

/**
 * The decoder of a topic whose type is one of `MESSAGE_TYPES`, by the definition in the bag, or by the one of ROS 2
 * Humble (Noetic for ROS 1) where the bag holds none. Throws a Refusal `unknown-encoding` or `bad-definition`.
 * A cloud's `data` is a view of the bytes given.
 */
export function decoderOf(topic: BagTopic): Decode {
  const encoding = Object.hasOwn(ENCODINGS, topic.encoding) ? ENCODINGS[topic.encoding as 'cdr'] : undefined;
  if (!encoding || !['', encoding.schema].includes(topic.schemaEncoding)) {
    throw new Refusal(
      'unknown-encoding',
      `expected cdr with ros2msg, or ros1 with ros1msg, found ${topic.encoding || 'nothing'} with ` +
        `${topic.schemaEncoding || 'no schema'}; record ${topic.name} with a standard serialisation`,
    );
  }
  const reader = readerOf(topic, encoding);
  const { values } = MESSAGE_TYPES[topic.type]!;
  return (data) => {
    const message = deserialise(reader, data);
    return values(new Fields(message));
  };
}

function readerOf(topic: BagTopic, { common, options }: (typeof ENCODINGS)['cdr' | 'ros1']) {
  try {
    const definitions = topic.definition
      ? parse(topic.definition, options)
      : [...new Set(withDependencies(topic.type, common as Record<string, Definitions[number]>))];
    return topic.encoding === 'cdr' ? new Ros2Reader(definitions) : new Ros1Reader(definitions);
  } catch (error) {
    throw new Refusal('bad-definition', `expected a definition of ${topic.type}, found: ${errorText(error)}`);
  }
}

function deserialise(reader: Ros1Reader | Ros2Reader, data: Uint8Array): unknown {
  let message: { data?: unknown };
  try {
    message = reader.readMessage(data);
  } catch (error) {
    throw new Refusal(
      'bad-message',
      `expected a whole message in ${data.length} bytes, found: ${errorText(error)}`,
    );
  }
  // Both libraries make the view on the underlying buffer, which may go on after the message.
  const view = message.data;
  if (view instanceof Uint8Array && view.byteOffset + view.length > data.byteOffset + data.byteLength) {
    throw new Refusal(
      'bad-message',
      `expected data within the message, found ${view.length} of ${data.length} bytes`,
    );
  }
  return message;
}

/** The first definition is the root; the readers look the others up by name, which must be unique. */
function withDependencies(type: string, common: Record<string, Definitions[number]>): Definitions {
  const root = common[type];
  if (!root) throw new Error('no standard definition of this name');
  const others = root.definitions
    .filter(({ isComplex }) => isComplex)
    .flatMap((field) => withDependencies(field.type, common));
  return [root, ...others];
}
