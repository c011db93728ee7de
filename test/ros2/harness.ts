import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(dirname(import.meta.dirname), '..');
/** Without the wrapper of tsx, so that a signal ends the process that is meant. */
const TSX = ['--import', 'tsx'];
const POLL_MS = 20;

export interface News {
  readonly topic: string;
  /** ns since the epoch, of the process that heard it */
  readonly at: string;
  readonly stamp?: string;
  readonly [key: string]: unknown;
}

/** Waits until `find` gives something; fails with what was waited for, and the last lines of the log. */
export async function until<T>(
  what: string,
  seconds: number,
  find: () => T | undefined | false | Promise<T | undefined | false>,
  log: () => string = () => '',
): Promise<T> {
  const end = performance.now() + 1000 * seconds;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`expected within ${seconds} s: ${what}\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The other side of the node; see peer.ts. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: { value?: unknown; error?: string }) => void>();
  #id = 0;
  /** all that was heard since `forget` */
  news: News[] = [];

  constructor() {
    const file = join(import.meta.dirname, 'peer.ts');
    this.#child = spawn(process.execPath, [...TSX, file], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      const value = JSON.parse(line) as News & { id?: number };
      if (value.id === undefined) this.news.push(value);
      else this.#waiting.get(value.id)?.(value as never);
    });
  }

  async ready(): Promise<void> {
    await until('the peer to be ready', 60, () => this.all('ready').length > 0);
  }

  async ask<T = unknown>(name: string, asked: object = {}): Promise<T> {
    const id = this.#id++;
    const answer = new Promise<{ value?: unknown; error?: string }>((resolve) =>
      this.#waiting.set(id, resolve),
    );
    this.#child.stdin!.write(`${JSON.stringify({ id, do: name, ...asked })}\n`);
    const { value, error } = await answer;
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(error);
    return value as T;
  }

  all(topic: string): News[] {
    return this.news.filter((one) => one.topic === topic);
  }

  last(topic: string): News | undefined {
    return this.news.findLast((one) => one.topic === topic);
  }

  /** The message of a row of the last diagnostics. */
  row(name: string): string | undefined {
    const status = (this.last('/diagnostics')?.status ?? []) as { name: string; message: string }[];
    return status.find((row) => row.name === `dilly_nav: ${name}`)?.message;
  }

  forget(): void {
    this.news = [];
  }

  async close(): Promise<void> {
    this.#child.stdin!.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }
}

/** `dilly-nav ros2` in a process of its own. */
export class NodeProcess {
  readonly child: ChildProcess;
  log = '';

  /** @param settings `key=value` as of --set; @param ros arguments after `--` */
  constructor(settings: readonly string[], ros: readonly string[] = []) {
    const args = [...TSX, join(ROOT, 'src/main.ts'), 'ros2', ...settings.flatMap((one) => ['--set', one])];
    this.child = spawn(process.execPath, [...args, '--', ...ros], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (bytes: Buffer) => {
        this.log += bytes.toString();
      });
  }

  /** Exit code, or the signal that ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    const ended = once(this.child, 'exit') as Promise<[number | null, string | null]>;
    this.child.kill(signal);
    const [code, by] = await ended;
    return code ?? by!;
  }
}
