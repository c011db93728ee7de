import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { configSchema } from '../config.ts';
import { manifestSchema } from '../map/manifest.ts';
import { cameraSchema } from '../map-service/camera.ts';
import { profileSchema } from '../route/profile.ts';

const SCHEMAS = {
  config: configSchema,
  manifest: manifestSchema,
  profile: profileSchema,
  camera: cameraSchema,
} as const;

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of a file')
    .argument('<name>', Object.keys(SCHEMAS).join(' or '), known)
    .option('--json', 'on one line')
    .action((name: keyof typeof SCHEMAS, options: { json?: boolean }) => {
      const schema = z.toJSONSchema(SCHEMAS[name], { io: 'input' });
      process.stdout.write(`${JSON.stringify(schema, null, options.json ? undefined : 2)}\n`);
    });
}

function known(name: string): string {
  if (name in SCHEMAS) return name;
  throw new InvalidArgumentError(`expected ${Object.keys(SCHEMAS).join(' or ')}`);
}
