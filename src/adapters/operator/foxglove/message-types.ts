import { parse, stringify } from '@foxglove/rosmsg';
import { ros2humble } from '@foxglove/rosmsg-msgs-common';
import { MessageWriter } from '@foxglove/rosmsg2-serialization';

type Definition = ReturnType<typeof parse>[number];

export interface MessageType {
  readonly name: string;
  readonly schema: string;
  readonly encode: (message: object) => Uint8Array;
}

/** A standard type of ROS 2 Humble, which panels of Foxglove and Lichtblick know; messages are CDR. */
export function messageType(name: keyof typeof ros2humble): MessageType {
  const schema = stringify([...new Set(needed(name))].map(spellTime));
  const writer = new MessageWriter(parse(schema, { ros2: true }));
  return { name: name.replace('/', '/msg/'), schema, encode: (message) => writer.writeMessage(message) };
}

function needed(name: string): Definition[] {
  const root = (ros2humble as Record<string, Definition>)[name]!;
  const types = root.definitions.map(({ type }) =>
    type === 'time' || type === 'duration' ? builtin(type) : type,
  );
  return [root, ...types.filter((type) => type.includes('/')).flatMap(needed)];
}

/** The library has `time` and `duration` as words of their own; ROS 2 has messages for them. */
function spellTime(definition: Definition): Definition {
  const definitions = definition.definitions.map((field) =>
    field.type === 'time' || field.type === 'duration'
      ? { ...field, type: builtin(field.type), isComplex: true }
      : field,
  );
  return { ...definition, definitions };
}

function builtin(type: 'time' | 'duration'): string {
  return type === 'time' ? 'builtin_interfaces/Time' : 'builtin_interfaces/Duration';
}
