import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Hops over loopback that a request of a vendor or a door takes until all is answered, and one more. */
const ROUNDS = 4;
const TURNS = 4;

/** Tells when what was sent over loopback before has arrived: what comes back of its own bytes was sent after it. */
export class Echo {
  #server: Server | undefined;
  #socket: Socket | undefined;

  async open(): Promise<void> {
    const server = createServer((socket) => socket.setNoDelay(true).pipe(socket));
    this.#server = server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
    await once(this.#socket, 'connect');
  }

  /** Resolves when the network is quiet, however slow the machine is. */
  async settle(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      this.#socket!.write('.');
      await once(this.#socket!, 'data');
      for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    const server = this.#server;
    if (server) await new Promise((resolve) => server.close(resolve));
  }
}
