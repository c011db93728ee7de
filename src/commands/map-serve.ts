import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { Tokens } from '../map-service/http/auth.ts';
import { FolderStore } from '../map-service/http/folder-store.ts';
import { S3Store } from '../map-service/http/s3-store.ts';
import { mapService } from '../map-service/http/server.ts';
import type { MapStore } from '../map-service/http/store.ts';
import { type Profile, profileSchema } from '../route/profile.ts';
import { Refusal } from '../types.ts';
import { type CommonOptions, openSession, withCommonOptions } from './shared.ts';

interface ServeOptions extends CommonOptions {
  readonly host: string;
  readonly port: string;
  readonly tokens?: string;
  readonly drives?: string;
  readonly profiles: string;
  readonly perMinute: string;
  readonly dailyMb: string;
  readonly cacheMb: string;
  readonly radius: string;
}

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const PROFILES = fileURLToPath(new URL('../../maps/profiles', import.meta.url));

export function addMapServe(map: Command): void {
  withCommonOptions(map.command('serve'))
    .description('serve map packages over HTTP; its interface is at /openapi')
    .argument(
      '<where>',
      'a map package, a folder of them, or the URL of an S3 bucket (keys: AWS_* variables)',
    )
    .option('--host <address>', 'to listen at', '127.0.0.1')
    .option('--port <number>', '0: any free one', '8090')
    .option('--tokens <file>', 'JSON [{"robot", "sha256", "dailyMb"?}]: hashes of the tokens that may call')
    .option('--drives <dir>', 'where uploaded recordings go; without it none are taken')
    .option('--profiles <dir>', 'YAML files of profiles', PROFILES)
    .option('--per-minute <requests>', 'of one robot, for each instance; 0: no limit', '6000')
    .option('--daily-mb <number>', 'that one robot may send and be sent a day, by token; 0: no limit', '0')
    .option('--cache-mb <number>', 'memory for tiles', '256')
    .option('--radius <metres>', 'tiles this near to a route belong to it', '60')
    .action(serve);
}

async function serve(where: string, options: ServeOptions): Promise<void> {
  const { log } = await openSession(options);
  if (!options.tokens && !LOOPBACK.includes(options.host))
    throw new Refusal(
      'bad-argument',
      `--tokens: expected a file where others can call (--host ${options.host}), found none`,
    );
  const number = (name: string, text: string, max: number) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= 0 && value <= max) return value;
    throw new Refusal('bad-argument', `--${name}: expected a number from 0 to ${max}, found ${text}`);
  };
  const perMinute = number('per-minute', options.perMinute, 1e9);
  const dailyMb = number('daily-mb', options.dailyMb, 1e9);
  const app = await mapService({
    store: await openStore(where),
    ...(options.tokens ? { tokens: new Tokens(await readFile(options.tokens, 'utf8')) } : {}),
    profiles: await readProfiles(options.profiles),
    ...(options.drives ? { drives: options.drives } : {}),
    maxDriveBytes: 64e9,
    keepFreeBytes: 1e9,
    ...(perMinute > 0 ? { perMinute } : {}),
    ...(dailyMb > 0 ? { dailyBytes: dailyMb * 1e6 } : {}),
    cacheBytes: number('cache-mb', options.cacheMb, 1e6) * 1e6,
    refreshMs: 2000,
    radiusM: number('radius', options.radius, 1000),
    routeLifeMs: 15 * 60_000,
    // 100,000 hashes of tiles that are held.
    bodyLimit: 8e6,
    requestTimeoutMs: 300_000,
    onFailure: (requestId, error) => log.error({ requestId, err: error }, 'request failed'),
  });
  const address = await app.listen({ host: options.host, port: number('port', options.port, 65_535) });
  process.stdout.write(options.json ? `${JSON.stringify({ address })}\n` : `serving maps at ${address}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close());
}

async function openStore(where: string): Promise<MapStore> {
  if (/^https?:/.test(where)) {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = process.env;
    if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
      throw new Refusal(
        'bad-argument',
        'expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for a bucket, found none',
      );
    return new S3Store({
      url: where,
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      region: AWS_REGION ?? 'us-east-1',
      timeoutMs: 10_000,
    });
  }
  const isPackage = await access(join(where, 'manifest.json')).then(
    () => true,
    () => false,
  );
  return new FolderStore(
    isPackage ? dirname(resolve(where)) : where,
    isPackage ? [basename(resolve(where))] : undefined,
  );
}

/** Throws a Refusal `bad-profile`. */
export async function readProfiles(folder: string): Promise<Map<string, Profile>> {
  const profiles = new Map<string, Profile>();
  for (const file of (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name))) {
    const parsed = profileSchema.safeParse(parse(await readFile(join(folder, file), 'utf8')));
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new Refusal(
        'bad-profile',
        `${join(folder, file)}: ${issue.path.join('.') || '(root)'}: ${issue.message}`,
      );
    }
    profiles.set(parsed.data.name, parsed.data);
  }
  return profiles;
}
