import type { SignalAnswer } from '../../ports.ts';
import type { RouteSignal, SignalState } from '../../types.ts';
import type { VendorConfig } from './its-config.ts';
import { crosswalkGroups, type MapIntersection } from './map-uper.ts';
import { MqttLink } from './mqtt-link.ts';
import { readPayload } from './payload.ts';
import { spatStates } from './spat.ts';
import { byIntersection, refusalOf, refuse, type Vendor, type VendorContext } from './vendor.ts';

type Config = Extract<VendorConfig, { kind: 'mqtt-spat' }>;

/** SPaT over MQTT: subscribed per intersection while it is watched; an answer is the newest message. */
export class MqttSpat implements Vendor {
  readonly #config: Config;
  readonly #context: VendorContext;
  readonly #link: MqttLink;
  /** by the topic of their SPaT */
  #watched = new Map<string, RouteSignal[]>();
  readonly #latest = new Map<string, SignalState>();
  /** groups of crosswalks by intersection id, where a MAP came */
  readonly #crosswalks = new Map<string, ReadonlySet<number>>();
  readonly #waiting = new Set<() => void>();

  constructor(config: Config, context: VendorContext, password?: string) {
    this.#config = config;
    this.#context = context;
    this.#link = new MqttLink({
      broker: config.broker,
      password,
      statusTopic: config.statusTopic.replaceAll('{clientId}', config.broker.clientId),
      maxBytes: config.maxBytes,
      timing: context.timing,
      chance: context.chance,
      onMessage: (topic, payload, retained) => this.#receive(topic, payload, retained),
      onLink: (connected, detail) =>
        context.onNote(config.name, { reason: connected ? 'connected' : 'disconnected', detail }),
      onRefused: (topics) =>
        context.onNote(config.name, { reason: 'subscription-refused', detail: topics.join(', ') }),
    });
  }

  watch(signals: readonly RouteSignal[]): void {
    const ids = new Set(signals.map(({ signalId }) => signalId));
    for (const id of this.#latest.keys()) if (!ids.has(id)) this.#latest.delete(id);
    const intersections = [...byIntersection(signals).keys()];
    for (const id of this.#crosswalks.keys()) if (!intersections.includes(id)) this.#crosswalks.delete(id);
    const { spatTopic, mapTopic } = this.#config;
    this.#watched = new Map();
    for (const signal of signals) {
      const topic = spatTopic.replaceAll('{id}', signal.externalId);
      this.#watched.set(topic, [...(this.#watched.get(topic) ?? []), signal]);
    }
    const maps = mapTopic ? intersections.map((id) => mapTopic.replaceAll('{id}', id)) : [];
    this.#link.subscribe(new Set([...this.#watched.keys(), ...maps]));
  }

  async ask(signals: readonly RouteSignal[], deadlineMs: number, abort?: AbortSignal): Promise<SignalAnswer> {
    const { timing } = this.#context;
    for (;;) {
      const now = timing.nowMs();
      const states = signals.flatMap(({ signalId }) => this.#latest.get(signalId) ?? []);
      const fresh = states.filter(({ receivedAtMs }) => now - receivedAtMs <= this.#config.freshMs);
      if (fresh.length > 0) return { ok: true, states: fresh, refused: [], traffic: { calls: 0, bytes: 0 } };
      if (!this.#link.connected) return refuse('not-connected', `${this.#config.broker.url}: no connection`);
      if (now >= deadlineMs || abort?.aborted) {
        const ids = [...byIntersection(signals).keys()].join(', ');
        return refuse('silent', `no message of intersection ${ids} within ${this.#config.freshMs} ms`);
      }
      await this.#nextMessage(deadlineMs - now, abort);
    }
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #nextMessage(ms: number, abort: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        this.#waiting.delete(done);
        abort?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#context.timing.after(ms, done);
      this.#waiting.add(done);
      abort?.addEventListener('abort', done);
    });
  }

  #receive(topic: string, payload: Uint8Array, retained: boolean): void {
    const { timing, onNote, onStates } = this.#context;
    const { name, maxBytes } = this.#config;
    if (payload.length > maxBytes) {
      onNote(name, { reason: 'too-large', detail: `${topic}: expected at most ${maxBytes} bytes` });
      return;
    }
    try {
      const read = readPayload(payload);
      if (read.kind === 'map') {
        this.#keepMap(read.intersections);
        return;
      }
      // A SPaT that the broker remembers is of any age, and each new connection would bring it again.
      if (retained) {
        onNote(name, { reason: 'retained-state', detail: topic });
        return;
      }
      const receipt = { provider: name, receivedAtMs: timing.nowMs(), receivedWallMs: timing.wallMs() };
      const ours = this.#onCrosswalks(topic);
      const { states, refused } = spatStates(read.intersections, ours, receipt);
      if (ours.length > 0 && states.length + refused.length === 0) {
        const ids = read.intersections.map(({ id }) => id).join(', ');
        onNote(name, { reason: 'wrong-id', detail: `${topic}: found intersection ${ids}` });
      }
      for (const state of states) this.#latest.set(state.signalId, state);
      for (const note of refused) onNote(name, note);
      if (states.length > 0) onStates(states, { calls: 0, bytes: payload.length });
    } catch (error) {
      const { reason, detail } = refusalOf(error);
      onNote(name, { reason, detail: `${topic}: ${detail}` });
    }
    for (const wake of this.#waiting) wake();
  }

  #keepMap(intersections: readonly MapIntersection[]): void {
    for (const map of intersections) {
      const groups = crosswalkGroups(map);
      this.#crosswalks.set(String(map.id), groups);
      this.#crosswalks.set(`${map.region ?? 0}:${map.id}`, groups);
    }
  }

  /** The signals of a topic, without those whose group a MAP does not know over a crosswalk: it may be a light for cars. */
  #onCrosswalks(topic: string): readonly RouteSignal[] {
    return (this.#watched.get(topic) ?? []).filter(({ signalId, externalId, head }) => {
      const groups = this.#crosswalks.get(externalId);
      if (!groups || groups.has(Number(head))) return true;
      const detail = `${topic}: signal ${signalId}: group ${head} stands over no crosswalk of the MAP`;
      this.#context.onNote(this.#config.name, { reason: 'not-a-crosswalk', detail });
      this.#latest.delete(signalId);
      return false;
    });
  }
}
