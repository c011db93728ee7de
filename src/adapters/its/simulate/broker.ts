import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';

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

  /** Rejects where the port is taken. `port` 0: any that is free. */
  static async start(
    host: string,
    port: number,
    onMessage: (topic: string, payload: Uint8Array) => void,
  ): Promise<FakeBroker> {
    const broker = new FakeBroker(await Aedes.createBroker());
    broker.#aedes.on('publish', ({ topic, payload }, client) => {
      if (client) onMessage(topic, Buffer.from(payload));
    });
    await new Promise<void>((resolve, reject) => {
      broker.#server.once('error', reject);
      broker.#server.listen(port, host, resolve);
    });
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
