import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { UploadedDrive } from '../adapters/recorder/upload/upload-drive.ts';
import { DriveUploader, type UploaderOptions } from '../adapters/recorder/upload/uploader.ts';
import type { Config } from '../config.ts';
import type { WindowRow } from '../quality/count-windows.ts';
import { Refusal } from '../types.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

interface UploadOptions extends CommonOptions {
  readonly to?: string;
  readonly parked?: boolean;
}

export function addBagUpload(bag: Command): void {
  withCommonOptions(bag.command('upload'))
    .description('send recorded drives to the map service (recorder.upload.*); goes on where an upload ended')
    .argument('<drives...>', 'folders, each of one drive that is over')
    .option('--to <url>', 'address of the map service; default: recorder.upload.service')
    .option('--parked', 'you see to it that the robot stands: by itself a robot uploads when it is parked')
    .action(async (folders: string[], options: UploadOptions) => {
      const set = [...options.set, ...(options.to ? [`recorder.upload.service=${options.to}`] : [])];
      const { config, log } = await openSession({ ...options, set });
      if (!options.parked)
        throw new Refusal(
          'bad-argument',
          'expected --parked: drives are sent while the robot stands, no other time',
        );
      const uploader = await openUploader(config, {
        gate: () => undefined,
        tell: (_kind, severity, text) => log[severity === 'info' ? 'info' : 'warn'](text),
      });
      const drives: UploadedDrive[] = [];
      for (const folder of folders) drives.push(await uploader.upload(folder));
      answer(options, drives, drives.map(describe).join('\n'));
      if (drives.some(({ windows }) => windows.some(({ verdict }) => verdict !== 'ok'))) process.exitCode = 1;
    });
}

/** Rejects with a Refusal `bad-config` where the token cannot be read. */
export async function openUploader(
  { recorder: { upload } }: Pick<Config, 'recorder'>,
  options: Omit<UploaderOptions, 'config' | 'token'>,
): Promise<DriveUploader> {
  const { tokenFile, service } = upload;
  if (tokenFile && !/^(?:https:|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$))/.test(service))
    throw new Refusal(
      'bad-config',
      `recorder.upload.service: expected https for a service with a token, found ${service || 'none'}`,
    );
  const token = tokenFile
    ? await readFile(tokenFile, 'utf8').catch((error: Error) => {
        throw new Refusal('bad-config', `recorder.upload.tokenFile: ${error.message}`);
      })
    : undefined;
  return new DriveUploader({ ...options, config: upload, token: token?.trim() });
}

function describe({ name, drive, files, bytes, sent, windows }: UploadedDrive): string {
  const wrong = windows.filter(({ verdict }) => verdict !== 'ok');
  const ways = [...new Set(windows.map(({ from, to }) => `${from} → ${to}`))];
  return [
    `${name}: accepted as ${drive}, ${files} files, ${(bytes / 1e6).toFixed(1)} MB, ${(sent / 1e6).toFixed(1)} MB sent now`,
    ...ways.map((way) => `  ${way.padEnd(22)} ${totalsOf(windows, way)}`),
    ...wrong.map((row) => `  ${row.verdict.toUpperCase()}: ${textOf(row)}`),
  ].join('\n');
}

function totalsOf(windows: readonly WindowRow[], way: string): string {
  const rows = windows.filter(({ from, to, window }) => `${from} → ${to}` === way && window === 'drive');
  const sum = (key: 'expected' | 'found') => rows.reduce((total, row) => total + row[key], 0);
  return `${sum('found')} of ${sum('expected')} messages on ${rows.length} channels`;
}

function textOf({ channel, window, from, to, expected, found }: WindowRow): string {
  return `${channel}: ${found} ${to} of ${expected} (${from}), ${window}`;
}
