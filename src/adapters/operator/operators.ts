import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { CommandAnswer, RobotCommand } from '../../ports/robot.ts';
import { CommandDesk } from './command-desk.ts';
import { type ControlChange, ControlLease } from './control-lease.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { recordIntervention } from './intervention-record.ts';
import { OperatorClient } from './operator-client.ts';
import type { OperatorMetrics } from './operator-metrics.ts';
import type { Pipe } from './pipe.ts';
import { CLOSE, type ClientMessage, clientMessageSchema } from './protocol.ts';
import type { Publisher } from './publisher.ts';
import type { Identity } from './tokens.ts';

export interface OperatorsParts extends GatewayParts {
  readonly metrics: OperatorMetrics;
  readonly publisher: Publisher;
  readonly retryAfterMs: () => number;
}

interface Session {
  readonly id: string;
  readonly tag: string;
  readonly subject: string;
  client: OperatorClient | undefined;
  leftMs: number;
}

/** Everybody who is connected by `dilly.operator.v1`: sessions, control and commands. */
export class Operators {
  readonly clients = new Set<OperatorClient>();
  readonly #parts: OperatorsParts;
  readonly #sessions = new Map<string, Session>();
  readonly #lease: ControlLease;
  readonly #desk: CommandDesk;

  constructor(parts: OperatorsParts) {
    this.#parts = parts;
    this.#lease = new ControlLease(parts.config.times.leaseMs);
    this.#desk = new CommandDesk({
      control: parts.control,
      validMs: parts.config.times.commandMs,
      refusal: (asker) => this.#refusal(asker as OperatorClient),
      onDone: (asker, command, answer) => this.#done(asker as OperatorClient, command, answer),
    });
    parts.publisher.control(null);
  }

  enter(socket: WebSocket, pipe: Pipe, identity: Identity): OperatorClient {
    const { publisher, config, clock } = this.#parts;
    const session: Session = {
      id: randomUUID(),
      tag: randomUUID().slice(0, 8),
      subject: identity.subject,
      client: undefined,
      leftMs: clock.nowMs(),
    };
    const client = new OperatorClient(
      { pipe, identity, epoch: publisher.epoch, log: publisher.log },
      session,
    );
    session.client = client;
    this.#sessions.set(session.id, session);
    this.clients.add(client);
    this.#welcome(client);
    const hello = setTimeout(() => pipe.close(CLOSE.silent), config.times.helloMs);
    socket.on('message', (data, isBinary) => {
      clearTimeout(hello);
      if (!pipe.hears()) return;
      const message = isBinary ? undefined : parse(data.toString());
      if (!message || (message.type === 'resume') === client.hasResumed) {
        pipe.close(CLOSE.badMessage);
        return;
      }
      this.#take(client, message);
    });
    socket.on('close', () => {
      clearTimeout(hello);
      this.clients.delete(client);
      const own = this.#sessions.get(client.session.id);
      if (own?.client !== client) return;
      own.client = undefined;
      own.leftMs = this.#parts.clock.nowMs();
    });
    return client;
  }

  /** To be called often: control lapses, tokens expire, what is over is forgotten. */
  check(): void {
    const { clock, wallMs, config } = this.#parts;
    const now = clock.nowMs();
    this.#changed(this.#lease.lapse(now));
    this.#desk.forget(wallMs());
    for (const client of this.clients)
      if (wallMs() >= client.identity.expiresMs) client.pipe.close(CLOSE.tokenExpired);
    for (const [id, { client, leftMs }] of this.#sessions)
      if (!client && now - leftMs > config.times.leaseMs) this.#sessions.delete(id);
  }

  #take(client: OperatorClient, message: ClientMessage): void {
    const { clock, wallMs, metrics } = this.#parts;
    this.#lease.renew(client.session.id, clock.nowMs());
    switch (message.type) {
      case 'resume':
        this.#resume(client, message);
        return;
      case 'ping':
        client.say({ type: 'pong', t: message.t, now: wallMs() });
        return;
      case 'control':
        this.#control(client, message.action);
        return;
      case 'command':
        void this.#desk
          .take(client, message, wallMs())
          .then((isNew) => isNew || metrics.copies.inc())
          .catch((error: unknown) => this.#parts.onFailure('command', error));
    }
  }

  #resume(client: OperatorClient, message: Extract<ClientMessage, { type: 'resume' }>): void {
    const { publisher, metrics } = this.#parts;
    const before = message.session === undefined ? undefined : this.#sessions.get(message.session);
    if (before && before.subject === client.subject && before.client !== client) {
      const older = before.client;
      this.#sessions.delete(client.session.id);
      before.client = client;
      client.session = before;
      older?.pipe.close(CLOSE.replaced);
      this.#lease.renew(before.id, this.#parts.clock.nowMs());
      this.#welcome(client);
    }
    const reset = client.resume(message.epoch, message.lastSeq ?? 0);
    if (reset) metrics.resets.inc({ reason: reset });
    client.pump(publisher.topics);
  }

  #welcome(client: OperatorClient): void {
    const { config, wallMs, retryAfterMs } = this.#parts;
    const { id, tag } = client.session;
    const { subject, role } = client.identity;
    client.say({
      type: 'welcome',
      session: id,
      tag,
      robot: config.robot,
      name: subject,
      role,
      now: wallMs(),
      retryAfterMs: retryAfterMs(),
      leaseMs: config.times.leaseMs,
    });
  }

  #control(client: OperatorClient, action: 'take' | 'release' | 'renew'): void {
    const { id, tag } = client.session;
    const now = this.#parts.clock.nowMs();
    if (action === 'renew') {
      this.#lease.renew(id, now);
      return;
    }
    if (action === 'release') {
      this.#changed(this.#lease.release(id));
      return;
    }
    if (client.identity.role !== 'operator') {
      client.say({
        type: 'answer',
        id: 'control',
        ok: false,
        reason: 'not-an-operator',
        text: 'expected a token with role operator, found viewer',
      });
      return;
    }
    this.#changed(this.#lease.take({ session: id, tag, name: client.subject }, now));
  }

  /** Tells the one who lost control, the one who has it, and, as an event, everybody. */
  #changed(change: ControlChange | undefined): void {
    if (!change) return;
    const { publisher, metrics } = this.#parts;
    const holder = change.kind === 'taken' ? change.holder : undefined;
    const { before } = change;
    metrics.controlled.set(holder ? 1 : 0);
    const text = holder
      ? before
        ? `${holder.name} took control over from ${before.name}`
        : `${holder.name} took control`
      : `${before!.name} ${change.kind === 'released' ? 'gave control back' : 'was silent: control lapsed'}`;
    const loser = before && this.#sessions.get(before.session)?.client;
    if (loser && change.kind !== 'released')
      loser.say({
        type: 'control-lost',
        reason: holder ? 'taken-over' : 'lapsed',
        ...(holder && { by: holder.name }),
        text,
      });
    publisher.control(holder ? { name: holder.name, tag: holder.tag } : null);
    publisher.event({
      stamp: publisher.latest?.status.frame.stamp ?? 0n,
      kind: `control-${change.kind}`,
      severity: before && holder ? 'warning' : 'info',
      text,
      data: {
        ...(holder && { holder: holder.name, tag: holder.tag }),
        ...(before && { before: before.name }),
      },
    });
  }

  #refusal(client: OperatorClient): CommandAnswer | undefined {
    if (client.identity.role !== 'operator')
      return {
        ok: false,
        reason: 'not-an-operator',
        text: 'expected a token with role operator, found viewer',
      };
    if (this.#lease.isHeldBy(client.session.id, this.#parts.clock.nowMs())) return undefined;
    const name = this.#lease.holder?.name;
    const who = name ? `${name} has it` : 'nobody has it';
    return {
      ok: false,
      reason: 'no-control',
      text: `expected you to have control, but ${who}; take it first`,
    };
  }

  #done(client: OperatorClient, command: RobotCommand, answer: CommandAnswer): void {
    const { metrics, publisher } = this.#parts;
    metrics.commands.inc({ result: answer.ok ? 'ok' : answer.reason });
    if (!answer.ok && (answer.reason === 'no-control' || answer.reason === 'not-an-operator')) return;
    void recordIntervention(this.#parts, publisher, client.subject, command, answer);
  }
}

/** Undefined where it is no message of the protocol. */
function parse(text: string): ClientMessage | undefined {
  try {
    return clientMessageSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
