import { readFile } from 'node:fs/promises';
import { closest } from 'fastest-levenshtein';
import { parse } from 'yaml';
import { z } from 'zod';
import { itsConfig } from './adapters/its/its-config.ts';
import { operatorConfig } from './adapters/operator/operator-config.ts';
import { recorderConfig } from './adapters/recorder/recorder-config.ts';
import { replayConfig } from './adapters/replay/replay-config.ts';
import { ros2Config } from './adapters/ros2/ros2-config.ts';
import { tilesConfig } from './adapters/tiles/tiles-config.ts';
import { crossingConfig } from './crossing/crossing-config.ts';
import { localizerConfig } from './pipeline.ts';
import { robotConfig } from './robot/robot-config.ts';
import { Refusal } from './types.ts';

const mapConfig = z.strictObject({
  ...tilesConfig.shape,
  loadRadius: z
    .number()
    .min(20)
    .max(1000)
    .default(110)
    .describe('tiles closer than this to the robot are held, m'),
  build: z
    .strictObject({
      mapId: z.string().default('').describe('default: the name of the folder'),
      expires: z.iso.datetime().default('2036-01-01T00:00:00Z').describe('the map is not to be used after'),
      tileSize: z.number().min(5).max(200).default(20).describe('m'),
      voxelSize: z
        .number()
        .min(0.02)
        .max(1)
        .default(0.1)
        .describe('one point per cube of this size is kept, m'),
      normalNeighbours: z.int().min(5).max(64).default(20).describe('points that each normal comes from'),
      minRange: z.number().min(0).max(100).default(2.5).describe('nearer points are the vehicle itself, m'),
      maxRange: z.number().positive().max(500).default(80).describe('m'),
      refine: z
        .strictObject({
          givenPosition: z.number().positive().max(10).default(0.5).describe('noise of a given pose, m'),
          givenAngle: z.number().positive().max(20).default(1).describe('noise of a given pose, degrees'),
          stepPosition: z.number().positive().max(1).default(0.004).describe('noise from scan to scan, m'),
          stepAngle: z.number().positive().max(5).default(0.02).describe('noise from scan to scan, degrees'),
          window: z.int().min(1).max(200).default(15).describe('scans that a scan is registered to'),
          rounds: z.int().min(1).max(5).default(2),
        })
        .prefault({})
        .describe('how `map build --refine` weighs given poses against the scans'),
      disturb: z
        .strictObject({
          seed: z.int().min(0).default(0).describe('0 disturbs nothing'),
          position: z.number().min(0).max(5).default(0.05).describe('standard deviation of each axis, m'),
          angle: z
            .number()
            .min(0)
            .max(20)
            .default(0.2)
            .describe('standard deviation about each axis, degrees'),
        })
        .prefault({})
        .describe('spoils the given poses, to see what a build makes of them'),
      colour: z
        .enum(['none', 'height', 'camera'])
        .default('none')
        .describe('colours of the tiles (field rgb): by height, or from the pictures of --images'),
      removeMoving: z
        .boolean()
        .default(false)
        .describe(
          'leave out points that other scans looked through: what drove or walked by; scans are registered to each other for it',
        ),
    })
    .prefault({}),
});

/** Everything that can be configured: each stage's own schema under its name. */
export const configSchema = z.strictObject({
  core: z.enum(['auto', 'native', 'portable']).default('auto').describe('computing core'),
  ...localizerConfig.shape,
  map: mapConfig.prefault({}),
  crossing: crossingConfig.prefault({}),
  robot: robotConfig.prefault({}),
  its: itsConfig.prefault({}),
  operator: operatorConfig.prefault({}),
  replay: replayConfig.prefault({}),
  recorder: recorderConfig.prefault({}),
  ros2: ros2Config.prefault({}),
});
export type Config = z.infer<typeof configSchema>;

/**
 * The configuration from a YAML file and overrides like `replay.degrade.gnss=canyon` (dotted path, YAML value).
 * Throws a Refusal `bad-config` that names the key, what was expected and, for an unknown key, the nearest known one.
 */
export async function loadConfig(file: string | undefined, overrides: readonly string[]): Promise<Config> {
  const root = file ? await readYaml(file) : {};
  for (const override of overrides) {
    const at = override.indexOf('=');
    if (at < 1) throw new Refusal('bad-config', `--set: expected key=value, found ${override}`);
    setPath(root, override.slice(0, at), parse(override.slice(at + 1)));
  }
  const parsed = configSchema.safeParse(root);
  if (parsed.success) return parsed.data;
  throw new Refusal('bad-config', parsed.error.issues.map(explain).join('\n'));
}

async function readYaml(file: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parse(await readFile(file, 'utf8')) ?? {};
  } catch (error) {
    throw new Refusal('bad-config', `${file}: expected a YAML file, found ${(error as Error).message}`);
  }
  if (isRecord(value)) return value;
  throw new Refusal('bad-config', `${file}: expected keys and values, found ${JSON.stringify(value)}`);
}

function setPath(root: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.');
  let at = root;
  for (const key of keys.slice(0, -1)) {
    if (!isRecord(at[key])) at[key] = {};
    at = at[key] as Record<string, unknown>;
  }
  at[keys.at(-1)!] = value;
}

function explain(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${path || '(root)'}: ${issue.message}`;
  const known = keysAt(issue.path);
  return issue.keys
    .map((key) => {
      const full = [...issue.path, key].join('.');
      return `${full}: unknown key${known.length > 0 ? `; did you mean ${[...issue.path, closest(key, known)].join('.')}?` : ''}`;
    })
    .join('\n');
}

/** The keys that the schema knows under a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let node: unknown = z.toJSONSchema(configSchema, { io: 'input' });
  for (const key of path)
    node = isRecord(node) && isRecord(node.properties) ? node.properties[String(key)] : undefined;
  return isRecord(node) && isRecord(node.properties) ? Object.keys(node.properties) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
