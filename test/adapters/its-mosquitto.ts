import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Debian puts it where ordinary users have no PATH. */
const PLACES = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];

export const mosquittoPath: string | undefined = PLACES.map((folder) => join(folder, 'mosquitto')).find(
  (path) => {
    try {
      execFileSync(path, ['-h'], { stdio: 'ignore' });
      return true;
    } catch (error) {
      // It prints its help and exits with an error of its own.
      return typeof (error as { status?: number | null }).status === 'number';
    }
  },
);

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A real broker on a port of this machine, which can be killed and started again on the same port. */
export class Mosquitto {
  readonly folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  readonly port: number;
  #process: ChildProcess | undefined;

  constructor(port: number, settings: (folder: string) => string = () => 'allow_anonymous true') {
    this.port = port;
    mkdirSync(this.folder, { recursive: true });
    const user = userInfo().username === 'root' ? 'user root\n' : '';
    writeFileSync(join(this.folder, 'conf'), `${user}listener ${port} 127.0.0.1\n${settings(this.folder)}\n`);
  }

  async start(): Promise<void> {
    this.#process = spawn(mosquittoPath!, ['-c', join(this.folder, 'conf')], { stdio: 'ignore' });
    for (let attempt = 0; ; attempt++) {
      if (await accepts(this.port)) return;
      if (attempt > 200) throw new Error('mosquitto does not listen');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  async kill(): Promise<void> {
    const dying = this.#process;
    if (!dying || dying.exitCode !== null) return;
    const gone = new Promise((resolve) => dying.once('exit', resolve));
    dying.kill('SIGKILL');
    await gone;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Waits until `ready` says true. */
export async function until(ready: () => boolean, what: string, ms = 15_000): Promise<void> {
  for (let waited = 0; !ready(); waited += 20) {
    if (waited > ms) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** An authority and certificates of `localhost` and of clients, as PEM files in a folder. */
export function makeCertificates(folder: string, clients: readonly string[]): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=test CA',
  );
  for (const name of ['localhost', ...clients]) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(join(folder, 'ext'), `subjectAltName=DNS:${name},IP:127.0.0.1\n`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
  }
}
