import { type Command, Option } from 'commander';
import pino, { type Logger } from 'pino';
import { type Config, loadConfig } from '../config.ts';
import type { Core } from '../core.ts';
import { loadCore } from '../native.ts';

/** What every command takes. */
export interface CommonOptions {
  readonly config?: string;
  readonly set: string[];
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** a step of another command, which answers for it */
  readonly silent?: boolean;
}

/** What every command gets. */
export interface Session {
  readonly config: Config;
  readonly log: Logger;
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--config <file>', 'YAML configuration')
    .addOption(
      new Option('--set <key=value>', 'override one key (dotted path, YAML value); may be repeated')
        .argParser((value: string, before: string[]) => [...before, value])
        .default([], 'none'),
    )
    .option('--json', 'last line of stdout is one JSON object, nothing else goes there')
    .option('--verbose', 'log more');
}

/** Reads the configuration and makes the log, which goes to stderr. */
export async function openSession(options: CommonOptions): Promise<Session> {
  const log = pino(
    {
      base: null,
      level: options.verbose ? 'debug' : 'warn',
      timestamp: false,
      formatters: { level: (level) => ({ level }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  return { config: await loadConfig(options.config, options.set), log };
}

/** The computing core, with a warning when it is the slow one. */
export function openCore({ config, log }: Session): Core {
  const core = loadCore(config.core);
  if (core.kind === 'portable')
    log.warn(
      'running on the portable core, about a hundred times slower: the native one is not built (npm rebuild)',
    );
  return core;
}

/** One JSON object as the last line of stdout, or the text for people. */
export function answer(options: CommonOptions, value: unknown, text: string): void {
  if (!options.silent) process.stdout.write(options.json ? `${JSON.stringify(value)}\n` : `${text}\n`);
}
