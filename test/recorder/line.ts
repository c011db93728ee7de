import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A line on loopback to a service; what goes up it can be cut, changed or held by the byte. */
export class Line {
  /** asked for each part that goes up: what goes on instead; undefined: the line breaks */
  up: (part: Buffer) => Buffer | undefined = (part) => part;
  /** bytes that went up, heads of requests among them */
  sent = 0;
  breaks = 0;
  port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: () => number) {
    this.#server = createServer((near) => {
      const far = connect(target(), '127.0.0.1');
      const end = () => {
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', end);
        socket.on('close', end);
      }
      near.on('data', (part) => {
        const on = this.up(part);
        this.sent += on?.length ?? 0;
        if (on) far.write(on);
        else {
          this.breaks++;
          end();
        }
      });
      far.on('data', (part) => near.write(part));
    });
  }

  static async start(target: () => number): Promise<Line> {
    const line = new Line(target);
    await new Promise<void>((done) => line.#server.listen(0, '127.0.0.1', done));
    line.port = (line.#server.address() as AddressInfo).port;
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}
