import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import type { WebSocket } from 'ws';
import { closeSoon } from '../../http-close.ts';
import type { MappedScan, RobotEvent, RobotStatus, RobotWatcher } from '../../ports/robot.ts';
import { Admission } from './admission.ts';
import { FoxgloveClient } from './foxglove/foxglove-client.ts';
import { FoxgloveFeed } from './foxglove/foxglove-feed.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { addRoutes } from './http-routes.ts';
import { OperatorMetrics } from './operator-metrics.ts';
import { Operators } from './operators.ts';
import { Pipe } from './pipe.ts';
import { CLOSE, DILLY } from './protocol.ts';
import { Publisher } from './publisher.ts';
import type { Identity } from './tokens.ts';
import { Turns } from './turns.ts';
import { upgrader } from './upgrade.ts';

const CHECK_MS = 250;
/** The robot is not ready where its last status is older, ms. */
const STALE_MS = 2000;

/** Sends what is urgent, or the rest; whether there is a rest. */
interface Pump {
  pump(what: 'urgent' | 'rest'): boolean;
}

/** One port for operators: the page, its data, `dilly.operator.v1`, and Foxglove's protocols. Watches a robot. */
export class OperatorGateway implements RobotWatcher {
  readonly #parts: GatewayParts;
  readonly #metrics = new OperatorMetrics();
  readonly #admission: Admission;
  readonly #publisher: Publisher;
  readonly #operators: Operators;
  readonly #feed: FoxgloveFeed;
  readonly #foxglove = new Set<FoxgloveClient>();
  readonly #turns: Turns<Pump>;
  readonly #pipes = new Set<Pipe>();
  readonly #pumps = new Map<object, Pump>();
  #app: FastifyInstance | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    const { clock, config } = parts;
    this.#admission = new Admission(config.limits);
    this.#turns = new Turns(
      () => clock.nowMs(),
      (one, what) => one.pump(what),
    );
    this.#publisher = new Publisher(
      parts,
      this.#metrics,
      () => this.#wakeAll(),
      () => this.isWatched,
    );
    this.#feed = new FoxgloveFeed(parts, () => this.#wakeAll());
    this.#operators = new Operators({
      ...parts,
      metrics: this.#metrics,
      publisher: this.#publisher,
      retryAfterMs: this.#retryAfterMs,
    });
  }

  status(status: RobotStatus): void {
    this.#publisher.status(status);
    this.#feed.status(status);
  }

  scan(scan: MappedScan): void {
    this.#publisher.scan(scan);
    this.#feed.scan(scan);
  }

  event(event: RobotEvent): void {
    this.#publisher.event(event);
    this.#feed.event(event);
  }

  /** Opens the port; resolves with its address. Rejects where it is in use. */
  async listen(): Promise<string> {
    const { config, clock } = this.#parts;
    const app = fastify({
      // Bodies are not asked for anywhere.
      bodyLimit: 1024,
      requestTimeout: config.times.headersMs,
      connectionTimeout: 2 * config.times.headersMs,
      keepAliveTimeout: 2 * config.times.headersMs,
      // How often Node looks for requests that are too slow.
      http: {
        connectionsCheckingInterval: Math.min(1000, config.times.headersMs),
        headersTimeout: config.times.headersMs,
      },
    });
    closeSoon(app);
    app.addHook('onRequest', async (request, reply) => {
      if (this.#admission.request(request.ip, clock.nowMs())) return;
      this.#metrics.refused.inc({ reason: 'too-many-requests' });
      await reply
        .code(429)
        .header('retry-after', Math.ceil(this.#retryAfterMs() / 1000))
        .send();
    });
    addRoutes(app, { ...this.#parts, metrics: this.#metrics, notReady: () => this.#notReady() });
    const upgrade = upgrader({
      ...this.#parts,
      admission: this.#admission,
      metrics: this.#metrics,
      retryAfterMs: this.#retryAfterMs,
      onClient: (...client) => this.#enter(...client),
    });
    app.server.on('upgrade', (request, socket: Socket, head) => {
      upgrade(request, socket, head).catch((error: unknown) => {
        this.#parts.onFailure('upgrade', error);
        socket.destroy();
      });
    });
    this.#limitSockets(app);
    const address = await app.listen({ host: config.host, port: config.port });
    this.#app = app;
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
    this.#timer.unref();
    return address;
  }

  /** Whether anybody is connected. */
  get isWatched(): boolean {
    return this.#pipes.size > 0;
  }

  /** Number of the last event, 0 before the first. */
  get lastSeq(): number {
    return this.#publisher.log.last;
  }

  /** Tells everybody when to come back, and closes the port. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#publisher.stop();
    for (const pipe of this.#pipes) pipe.close(CLOSE.goingAway);
    await this.#app?.close();
  }

  readonly #retryAfterMs = (): number => {
    const { retryMs, retryJitterMs } = this.#parts.config.times;
    return Math.round(retryMs + this.#parts.random() * retryJitterMs);
  };

  #enter(socket: WebSocket, line: Duplex, protocol: string, identity: Identity): void {
    const pumped: Pump = { pump: () => false };
    const pipe = new Pipe({
      socket,
      line,
      clock: this.#parts.clock,
      inFlightBytes: this.#parts.config.limits.inFlightBytes,
      metrics: this.#metrics,
      retryAfterMs: this.#retryAfterMs,
      mayMessage: () => this.#admission.message(identity.subject, this.#parts.clock.nowMs()),
      onRoom: () => this.#turns.add(pumped),
    });
    this.#pipes.add(pipe);
    this.#metrics.clients.inc({ protocol });
    socket.on('close', () => {
      this.#pipes.delete(pipe);
      this.#pumps.delete(pipe);
      this.#metrics.clients.dec({ protocol });
    });
    if (protocol === DILLY) {
      const client = this.#operators.enter(socket, pipe, identity);
      const { topics } = this.#publisher;
      pumped.pump = (what) => {
        if (what === 'rest') client.pumpClouds(topics);
        else client.pump(topics);
        return what === 'urgent' && client.wantsCloud(topics);
      };
    } else {
      const client = new FoxgloveClient(socket, pipe, this.#feed, this.#parts.config.robot);
      this.#foxglove.add(client);
      client.expiresMs = identity.expiresMs;
      socket.on('close', () => this.#foxglove.delete(client));
      pumped.pump = () => {
        client.pump();
        return false;
      };
    }
    this.#pumps.set(pipe, pumped);
  }

  #wakeAll(): void {
    for (const pumped of this.#pumps.values()) this.#turns.add(pumped);
  }

  #check(): void {
    const { times } = this.#parts.config;
    this.#operators.check();
    for (const client of this.#foxglove)
      if (this.#parts.wallMs() >= client.expiresMs) client.pipe.close(CLOSE.tokenExpired);
    for (const pipe of this.#pipes) pipe.check(times.pingMs, times.pongMs);
    this.#publisher.log.expire(this.#parts.clock.nowMs());
    this.#admission.forget(this.#parts.clock.nowMs());
  }

  /** Lines that say nothing cost too: no more of them than can be of use. */
  #limitSockets(app: FastifyInstance): void {
    const { clients, perAddress } = this.#parts.config.limits;
    app.server.maxConnections = 4 * clients;
    const open = new Map<string, number>();
    const { sockets } = this.#metrics;
    app.server.on('connection', (socket: Socket) => {
      const address = socket.remoteAddress ?? 'unknown';
      const count = (open.get(address) ?? 0) + 1;
      if (count > 4 * perAddress) {
        this.#metrics.refused.inc({ reason: 'too-many-sockets' });
        socket.destroy();
        return;
      }
      open.set(address, count);
      sockets.inc();
      socket.once('close', () => {
        sockets.dec();
        const left = open.get(address)! - 1;
        if (left > 0) open.set(address, left);
        else open.delete(address);
      });
    });
  }

  #notReady(): string[] {
    const latest = this.#publisher.latest;
    if (!latest) return ['no status of the robot yet'];
    const ageMs = this.#parts.clock.nowMs() - latest.atMs;
    const { state } = latest.status.frame;
    return [
      ...(ageMs > STALE_MS ? [`the last status is ${(ageMs / 1000).toFixed(1)} s old`] : []),
      ...(state === 'TRACKING' || state === 'DEGRADED' ? [] : [`localisation: ${state}`]),
    ];
  }
}
