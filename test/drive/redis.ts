import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';

/** Why there is no Redis to test with; undefined: there is (Debian: apt-get install redis-server). */
export const noRedis: string | undefined =
  spawnSync('redis-server', ['--version']).status === 0 ? undefined : 'redis-server is not installed';

/** A Redis of our own on a free port of loopback, which keeps nothing on the disk. */
export class OwnRedis {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(port: number) {
    this.url = `redis://127.0.0.1:${port}`;
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.#process = spawn('redis-server', options, { stdio: 'ignore' });
  }

  static async start(): Promise<OwnRedis> {
    const probe = createServer();
    await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
    const { port } = probe.address() as AddressInfo;
    await new Promise((done) => probe.close(done));
    const redis = new OwnRedis(port);
    const client = new Redis(redis.url, { retryStrategy: () => 50 });
    client.on('error', () => {});
    await client.ping();
    client.disconnect();
    return redis;
  }

  async stop(): Promise<void> {
    const gone = new Promise((done) => this.#process.once('close', done));
    this.#process.kill();
    await gone;
  }
}
