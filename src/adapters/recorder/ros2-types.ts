import { parse, stringify } from '@foxglove/rosmsg';
import { ros2humble } from '@foxglove/rosmsg-msgs-common';
import { MessageWriter } from '@foxglove/rosmsg2-serialization';
import { GPS_MSGS } from '../../ros/gps-msgs.ts';

type Definition = ReturnType<typeof parse>[number];

/** A ROS 2 message type: its name, its definition as rosbag2 stores it, and how to serialise it. */
export interface Ros2Type {
  /** `package/msg/Name` */
  readonly name: string;
  /** in the language `ros2msg`: the definition, then those it needs, each behind a line of `=` and `MSG: …` */
  readonly definition: string;
  /** a plain object of the type's fields to CDR */
  readonly serialise: (message: object) => Uint8Array;
}

const KNOWN = { ...ros2humble, ...GPS_MSGS };

/** A standard type of ROS 2 Humble, or one of gps_msgs, by `package/Name`. */
export function ros2Type(name: keyof typeof KNOWN): Ros2Type {
  const definition = stringify([...new Set(withDependencies(name))].map(spellTime));
  const writer = new MessageWriter(parse(definition, { ros2: true }));
  return {
    name: name.replace('/', '/msg/'),
    definition,
    serialise: (message) => writer.writeMessage(message),
  };
}

function withDependencies(name: string): Definition[] {
  const root = (KNOWN as Record<string, Definition>)[name]!;
  const needs = root.definitions.map(({ type }) => (type === 'time' ? 'builtin_interfaces/Time' : type));
  return [root, ...needs.filter((type) => type.includes('/')).flatMap(withDependencies)];
}

/** The library reads `builtin_interfaces/Time` as a primitive `time`, which is no word of ROS 2. */
function spellTime(definition: Definition): Definition {
  const fields = definition.definitions.map((field) =>
    field.type === 'time' ? { ...field, type: 'builtin_interfaces/Time', isComplex: true } : field,
  );
  return { ...definition, definitions: fields };
}
