import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { BrokerConfig } from './its-config.ts';
import { backoffMs, type Chance, type Timing } from './timing.ts';

export interface LinkOptions {
  readonly broker: BrokerConfig;
  readonly password?: string | undefined;
  /** where `online` is said and, by the broker after our end, `offline` */
  readonly statusTopic: string;
  readonly maxBytes: number;
  readonly timing: Timing;
  readonly chance: Chance;
  /** `retained`: the broker kept it since some time before the subscription. */
  readonly onMessage: (topic: string, payload: Uint8Array, retained: boolean) => void;
  /** A connection that came or went, with the reason where it failed. */
  readonly onLink: (connected: boolean, detail: string) => void;
  /** Topics that the broker does not let us read. */
  readonly onRefused: (topics: readonly string[]) => void;
}

/** An acknowledgement that takes longer is taken for lost, ms. */
const PUBLISH_MS = 1000;

/**
 * A connection to a broker that comes back by itself: each attempt is a client of its own after a pause that doubles.
 * Nothing is queued while it is away: a late request would open a door that nobody waits at.
 */
export class MqttLink {
  readonly #options: LinkOptions;
  readonly #topics = new Set<string>();
  #client: MqttClient | undefined;
  #attempt = 0;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#connect();
  }

  get connected(): boolean {
    return this.#client?.connected === true;
  }

  /** Subscribes to exactly these topics, QoS 1; after each reconnect too. */
  subscribe(topics: ReadonlySet<string>): void {
    const gone = [...this.#topics].filter((topic) => !topics.has(topic));
    const added = [...topics].filter((topic) => !this.#topics.has(topic));
    for (const topic of gone) this.#topics.delete(topic);
    for (const topic of added) this.#topics.add(topic);
    if (!this.connected) return;
    if (gone.length > 0) this.#client!.unsubscribe(gone, () => {});
    if (added.length > 0) this.#subscribeNow(added);
  }

  /** QoS 1. False, and nothing is sent, while the broker is away or where it refuses. */
  publish(topic: string, payload: string | Uint8Array, retain = false): Promise<boolean> {
    const client = this.#client;
    if (!client?.connected) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (sent: boolean) => {
        cancel();
        client.off('close', gone);
        resolve(sent);
      };
      const gone = () => done(false);
      const cancel = this.#options.timing.after(PUBLISH_MS, gone);
      client.once('close', gone);
      client.publish(topic, Buffer.from(payload), { qos: 1, retain }, (error) => done(!error));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    const client = this.#client;
    if (!client) return;
    if (client.connected) await this.publish(this.#options.statusTopic, 'offline', true);
    // By force: otherwise it waits for acknowledgements that may never come.
    await new Promise<void>((resolve) => {
      const cancel = this.#options.timing.after(PUBLISH_MS, resolve);
      client.end(true, () => {
        cancel();
        resolve();
      });
    });
  }

  #connect(): void {
    const { broker, timing, onMessage, onLink, maxBytes, statusTopic } = this.#options;
    let client: MqttClient;
    try {
      client = mqtt.connect(broker.url, this.#clientOptions());
    } catch (error) {
      // A certificate file that is missing, or a url that mqtt.js does not know.
      onLink(false, (error as Error).message);
      this.#again();
      return;
    }
    this.#client = client;
    // A short message must not wait until the last one is acknowledged (Nagle): 40 ms on Linux.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    let problem = 'the connection ended';
    let cancelSteady = () => {};
    client.on('connect', () => {
      // A broker that throws us out at once, as where two robots have one client id, must not be stormed.
      cancelSteady = timing.after(broker.backoffMaxMs, () => {
        this.#attempt = 0;
      });
      onLink(true, broker.url);
      if (this.#topics.size > 0) this.#subscribeNow([...this.#topics]);
      client.publish(statusTopic, 'online', { qos: 1, retain: true }, () => {});
    });
    client.on('message', (topic, payload, { retain }) => {
      onMessage(topic, payload.length > maxBytes ? payload.subarray(0, maxBytes + 1) : payload, retain);
    });
    client.on('error', (error) => {
      problem = error.message || String((error as NodeJS.ErrnoException).code ?? error);
    });
    client.once('close', () => {
      cancelSteady();
      if (this.#client !== client || this.#closed) return;
      client.removeAllListeners('message');
      client.end(true);
      onLink(false, problem);
      this.#again();
    });
  }

  #clientOptions(): IClientOptions {
    const { broker, password, statusTopic, maxBytes } = this.#options;
    return {
      clientId: broker.clientId,
      protocolVersion: broker.protocolVersion,
      keepalive: broker.keepalive,
      connectTimeout: broker.connectTimeoutMs,
      clean: true,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      will: { topic: statusTopic, payload: Buffer.from('offline'), qos: 1, retain: true },
      ...(broker.protocolVersion === 5 && { properties: { maximumPacketSize: maxBytes + 1024 } }),
      ...(broker.username !== undefined && { username: broker.username }),
      ...(password !== undefined && { password }),
      ...(broker.caFile !== undefined && { ca: readFileSync(broker.caFile) }),
      ...(broker.certFile !== undefined && { cert: readFileSync(broker.certFile) }),
      ...(broker.keyFile !== undefined && { key: readFileSync(broker.keyFile) }),
    };
  }

  #again(): void {
    const { broker, timing, chance } = this.#options;
    const pause = backoffMs(this.#attempt++, broker.backoffMinMs, broker.backoffMaxMs, chance);
    this.#cancel = timing.after(pause, () => this.#connect());
  }

  #subscribeNow(topics: string[]): void {
    this.#client!.subscribe(topics, { qos: 1 }, (_, granted) => {
      // An ACL may answer 128 for a topic. An error means that the connection went: it is subscribed again with the next.
      const refused = (granted ?? []).filter(({ qos }) => qos >= 128).map(({ topic }) => topic);
      if (refused.length > 0) this.#options.onRefused(refused);
    });
  }
}
