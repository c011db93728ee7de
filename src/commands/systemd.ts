import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * systemd's sd_notify(3) by its own tool `systemd-notify`: Node has no datagram sockets of the Unix kind. A small shell
 * calls it, because a fork of a process with a map in memory would hold up the scans.
 */
export class Systemd {
  readonly #line: Writable | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  /**
   * Does nothing where systemd did not start us (no NOTIFY_SOCKET).
   * @param isAlive asked three times per watchdog period (WATCHDOG_USEC): false lets systemd restart us
   */
  constructor(isAlive: () => boolean, environment: NodeJS.ProcessEnv = process.env) {
    if (!environment.NOTIFY_SOCKET) return;
    const loop = 'while read -r line; do systemd-notify "$line"; done';
    const shell = spawn('/bin/sh', ['-c', loop], { env: environment, stdio: ['pipe', 'ignore', 'inherit'] });
    shell.on('error', () => undefined);
    shell.unref();
    this.#line = shell.stdin;
    shell.stdin.on('error', () => undefined);
    const periodMs = Number(environment.WATCHDOG_USEC ?? 0) / 1000;
    if (!(periodMs > 0)) return;
    this.#timer = setInterval(() => {
      if (isAlive()) this.#say('WATCHDOG=1');
    }, periodMs / 3);
    this.#timer.unref();
  }

  ready(): void {
    this.#say(`MAINPID=${process.pid}`);
    this.#say('READY=1');
  }

  /** Ends with this line: what comes later is not told. */
  stopping(): void {
    clearInterval(this.#timer);
    this.#say('STOPPING=1');
    this.#line?.end();
  }

  #say(line: string): void {
    this.#line?.write(`${line}\n`);
  }
}
