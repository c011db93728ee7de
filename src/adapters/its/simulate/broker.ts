import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { Refusal } from '../../../types.ts';

/** Rejects with a Refusal `port-taken` that names the port. */
export async function listenOn(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      const text = `${host}:${port}: expected a port that is free, found ${error.code}; choose another one`;
      reject(taken ? new Refusal('port-taken', text) : error);
    });
    server.listen(port, host, resolve);
  });
}

/** An MQTT broker of its own, without accounts: for a desk, not for a street. */
export class FakeBroker {
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(aedes: Aedes) {
    this.#aedes = aedes;
    // States are short: one that waits for the acknowledgement of the last one comes 40 ms late (Nagle).
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
  }

  /** Rejects with a Refusal `port-taken`. `port` 0: any that is free. */
  static async start(
    host: string,
    port: number,
    onMessage: (topic: string, payload: Uint8Array) => void,
  ): Promise<FakeBroker> {
    const broker = new FakeBroker(await Aedes.createBroker());
    broker.#aedes.on('publish', ({ topic, payload }, client) => {
      if (client) onMessage(topic, Buffer.from(payload));
    });
    try {
      await listenOn(broker.#server, port, host);
    } catch (error) {
      await new Promise<void>((resolve) => broker.#aedes.close(() => resolve()));
      throw error;
    }
    return broker;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  publish(topic: string, payload: string | Uint8Array): void {
    const packet = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(payload),
      qos: 0,
      retain: false,
      dup: false,
    } as const;
    this.#aedes.publish(packet, () => {});
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
