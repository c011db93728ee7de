import type { Command } from 'commander';
import { stringify } from 'yaml';
import { z } from 'zod';
import { configSchema } from '../config.ts';

/** What is usually set on a robot; every other section can be given by the same names. */
const SECTIONS = ['core', 'frames', 'lidar', 'map', 'robot', 'recorder', 'operator', 'ros2'];
/** Of the tools that make maps: not of a robot. */
const LEFT_OUT: ReadonlySet<string> = new Set(['map.build']);
const HEAD = `# Parameters of the node dilly_nav with their defaults, written by: dilly-nav ros2-parameters
# Lists of objects and empty lists are YAML text, because ROS parameters cannot hold them.
# Other sections of the configuration (dilly-nav schema config) are given in the same way, e.g. integrity.lostAfter.
`;

/** The part of JSON Schema that the configuration's schema uses. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly default?: unknown;
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
}

export function addRos2Parameters(program: Command): void {
  program
    .command('ros2-parameters')
    .description('print the parameter file of the ROS 2 node')
    .action(() => void process.stdout.write(parameterFile()));
}

/** The YAML file of ROS 2 parameters, out of the one schema of the configuration. */
export function parameterFile(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input' }) as Schema;
  const lines = SECTIONS.flatMap((name) => linesOf(name, schema.properties![name]!, name, 4));
  return `${HEAD}/**:\n  ros__parameters:\n${lines.join('\n')}\n`;
}

function linesOf(key: string, schema: Schema, path: string, indent: number): string[] {
  const space = ' '.repeat(indent);
  if (LEFT_OUT.has(path)) return [];
  if (schema.properties) {
    const inner = Object.entries(schema.properties).flatMap(([name, one]) =>
      linesOf(name, one, `${path}.${name}`, indent + 2),
    );
    // A section that needs a key without a default is the user's to give as a whole.
    const isOpen = schema.required?.some((name) => schema.properties![name]!.default === undefined);
    if (!isOpen) return [`${space}${key}:`, ...inner];
    return [`${space}# ${key}:`, ...inner.map((line) => `${space}#   ${line.replace(/^ *(?:# )?/, '')}`)];
  }
  const { description, default: value } = schema;
  const choice = schema.enum ? schema.enum.join(', ') : undefined;
  const note = [description, choice].filter((text) => text !== undefined).join('; ');
  const comment = note ? ` # ${note}` : '';
  if (value === undefined) return [`${space}# ${key}:${comment}`];
  return [`${space}${key}: ${written(value, schema.type)}${comment}`];
}

/** ROS tells integers from doubles: a double keeps its point. */
function written(value: unknown, type: string | undefined): string {
  if (type === 'number' && Number.isInteger(value)) return `${value}.0`;
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'))
    return `[${value.map((one) => JSON.stringify(one)).join(', ')}]`;
  if (typeof value === 'object') return JSON.stringify(JSON.stringify(value));
  if (typeof value === 'string') return JSON.stringify(value);
  return stringify(value).trim();
}
