import { connect, createServer, type Server, type Socket } from 'node:net';

/** A network between a browser and the robot that can really be down. */
export class Network {
  readonly #to: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #isSilent = false;
  #port = 0;

  private constructor(url: string) {
    this.#to = new URL(url);
  }

  static async start(url: string): Promise<Network> {
    const network = new Network(url);
    await network.#listen();
    return network;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The port is closed and all lines are reset: each attempt is refused. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await new Promise((resolve) => this.#server!.close(resolve));
  }

  /** As a route that is gone: nothing comes through any more, and nobody is told, also of new lines. */
  silence(): void {
    this.#isSilent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** It is there again; what was under way in the silence is lost, as lines whose peer gave up are. */
  async mend(): Promise<void> {
    if (!this.#isSilent) return this.#listen();
    this.#isSilent = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #listen(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(Number(this.#to.port), this.#to.hostname);
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => this.#sockets.delete(socket));
      }
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
      near.on('data', (data) => far.write(data));
      far.on('data', (data) => near.write(data));
      if (this.#isSilent) for (const socket of [near, far]) socket.pause();
    });
    this.#server = server;
    return new Promise((resolve) => {
      server.listen(this.#port, '127.0.0.1', () => {
        this.#port = (server.address() as { port: number }).port;
        resolve();
      });
    });
  }
}
