import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { Random } from '../../../math/random.ts';
import { Refusal, type RouteSignal } from '../../../types.ts';
import { parseBody } from '../body.ts';
import { doorMessage, liftMessage, requestOf } from '../rmf.ts';
import type { Timing } from '../timing.ts';
import { refusalOf } from '../vendor.ts';
import { FakeBroker, listenOn } from './broker.ts';
import { FakeDoor, FakeLift } from './building.ts';
import { damaged, huge } from './damage.ts';
import { deskConfig } from './desk-config.ts';
import { type Faults, FaultyEyes, faultsSchema } from './faults.ts';
import type { CityGraph } from './graph.ts';
import { makeHttp } from './http.ts';
import { intersectionOf, type Look, spatJsonOf, spatOf } from './messages.ts';
import { type Plan, truthAt } from './plan.ts';
import { spatToUper } from './spat-write.ts';

const SPAT_MS = 100;
const HUGE_MS = 1000;
const BUILDING_MS = 250;

export interface CityOptions {
  readonly graph: CityGraph;
  readonly plan: Plan;
  readonly host: string;
  /** 0: any that is free */
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly timing: Timing;
  readonly faults?: unknown;
  readonly onProblem?: (detail: string) => void;
}

type VendorName = 'city' | 'national' | 'mqtt';

/** One ground truth behind three vendors, doors and lifts. */
export class FakeCity {
  faults: Faults;
  readonly #options: CityOptions;
  readonly #eyes = { city: new FaultyEyes(), national: new FaultyEyes(), mqtt: new FaultyEyes() };
  readonly #doors: ReadonlyMap<string, FakeDoor>;
  readonly #lifts: ReadonlyMap<string, FakeLift>;
  readonly #cancels = new Map<string, () => void>();
  #http: Server | undefined;
  #broker: FakeBroker | undefined;
  #mqttPort = 0;
  #hugeAtMs = Number.NEGATIVE_INFINITY;
  readonly #random = new Random(6);
  /** broker on and off, one after the other */
  #switching: Promise<void> = Promise.resolve();

  private constructor(options: CityOptions) {
    this.#options = options;
    this.faults = faultsSchema.parse(options.faults ?? {});
    this.#doors = new Map(options.graph.doors.map((id) => [id, new FakeDoor(id)]));
    this.#lifts = new Map(options.graph.lifts.map(({ id, floors }) => [id, new FakeLift(id, floors)]));
  }

  static async start(options: CityOptions): Promise<FakeCity> {
    const city = new FakeCity(options);
    const { host, httpPort } = options;
    city.#mqttPort = options.mqttPort;
    await city.#startBroker();
    const http = makeHttp(city);
    city.#http = http;
    try {
      await listenOn(http, httpPort, host);
    } catch (error) {
      await city.#broker?.close();
      throw error;
    }
    city.#every('spat', SPAT_MS, () => city.#sendSpat());
    city.#every('building', BUILDING_MS, () => city.#sendBuilding());
    return city;
  }

  get httpUrl(): string {
    return `http://${this.#options.host}:${(this.#http!.address() as AddressInfo).port}`;
  }

  get mqttUrl(): string {
    return `mqtt://${this.#options.host}:${this.#mqttPort}`;
  }

  /** What a vendor sees now of the signals that are asked for. */
  looks(vendor: VendorName, wanted: (signal: RouteSignal) => boolean): Look[] {
    const { graph, plan, timing } = this.#options;
    const wallMs = timing.wallMs();
    return graph.signals.filter(wanted).map((signal) => ({
      signal,
      seen: this.#eyes[vendor].look(signal, plan, this.faults[vendor], wallMs),
    }));
  }

  /** What the lights, doors and lifts truly show. */
  truth() {
    const { graph, plan, timing } = this.#options;
    const now = timing.nowMs();
    const lights = graph.signals.map((signal) => [signal.signalId, truthAt(signal, plan, timing.wallMs())]);
    const doors = [...this.#doors].map(([id, door]) => [id, door.state(now)]);
    const lifts = [...this.#lifts].map(([id, lift]) => [id, lift.state(now)]);
    return {
      signals: Object.fromEntries(lights),
      doors: Object.fromEntries(doors),
      lifts: Object.fromEntries(lifts),
    };
  }

  /** The key `its` of a configuration that asks this city. */
  config() {
    return deskConfig(this.#options.graph.signals, this.httpUrl, this.mqttUrl);
  }

  /** Replaces all faults; what is not named is well. Throws a Refusal `bad-faults`. */
  setFaults(value: unknown): void {
    const parsed = faultsSchema.safeParse(value);
    if (!parsed.success) throw new Refusal('bad-faults', z.prettifyError(parsed.error));
    this.faults = parsed.data;
    this.#switching = this.#switching
      .then(() => this.#switchBroker())
      .catch((error: Error) => this.#options.onProblem?.(`broker: ${error.message}`));
  }

  async close(): Promise<void> {
    for (const cancel of this.#cancels.values()) cancel();
    const http = this.#http;
    http?.closeAllConnections();
    await new Promise<void>((resolve) => (http ? http.close(() => resolve()) : resolve()));
    await this.#switching;
    await this.#broker?.close();
  }

  async #switchBroker(): Promise<void> {
    const { down } = this.faults.broker;
    const broker = this.#broker;
    if (!down && !broker) await this.#startBroker();
    if (!down || !broker) return;
    this.#broker = undefined;
    await broker.close();
  }

  async #startBroker(): Promise<void> {
    this.#broker = await FakeBroker.start(this.#options.host, this.#mqttPort, (topic, payload) =>
      this.#receive(topic, payload),
    );
    this.#mqttPort = this.#broker.port;
  }

  #every(name: string, ms: number, run: () => void): void {
    const { timing } = this.#options;
    let due = timing.nowMs() + ms;
    const round = () => {
      run();
      due = Math.max(due + ms, timing.nowMs());
      this.#cancels.set(name, timing.after(due - timing.nowMs(), round));
    };
    this.#cancels.set(name, timing.after(ms, round));
  }

  /** UPER on its/{id}/spat and the ODE's JSON on its/{id}/spat.json, ten times a second. */
  #sendSpat(): void {
    const { mqtt } = this.faults;
    if (mqtt.silence || mqtt.quota || mqtt.dripping) return;
    const now = this.#options.timing.nowMs();
    if (mqtt.huge && now < this.#hugeAtMs + HUGE_MS) return;
    if (mqtt.huge) this.#hugeAtMs = now;
    const externalIds = new Set(this.#options.graph.signals.map(({ externalId }) => externalId));
    for (const externalId of externalIds) {
      const topic = `its/${intersectionOf(externalId)}/spat`;
      const looks = this.looks('mqtt', (signal) => signal.externalId === externalId);
      const spat = spatOf(intersectionOf(externalId) + (mqtt.wrongId ? 1 : 0), looks);
      const publish = () => {
        this.#broker?.publish(topic, this.#spoiled(spatToUper([spat])));
        this.#broker?.publish(`${topic}.json`, this.#spoiled(Buffer.from(JSON.stringify(spatJsonOf(spat)))));
      };
      if (mqtt.latencyMs === 0) publish();
      else this.#options.timing.after(mqtt.latencyMs, publish);
    }
  }

  #spoiled(message: Uint8Array): Uint8Array {
    const { html, huge: isHuge, garbage } = this.faults.mqtt;
    if (html) return Buffer.from('<html>');
    if (isHuge) return huge();
    return garbage ? damaged(message, this.#random) : message;
  }

  #sendBuilding(): void {
    const { timing } = this.#options;
    const [now, wall] = [timing.nowMs(), timing.wallMs()];
    const say = (topic: string, message: object) =>
      this.#broker?.publish(`rmf/${topic}`, JSON.stringify(message));
    for (const door of this.#doors.values()) {
      door.stuck = this.faults.door.stuck;
      say('door_states', doorMessage(door.state(now), wall));
    }
    for (const lift of this.#lifts.values()) {
      lift.mode = this.faults.lift.mode;
      say('lift_states', liftMessage(lift.state(now), lift.floors, wall));
    }
  }

  #receive(topic: string, payload: Uint8Array): void {
    if (!/^rmf\/(?:door|lift)_requests$/.test(topic)) return;
    try {
      const request = requestOf(parseBody(payload));
      const now = this.#options.timing.nowMs();
      if (request.kind === 'door') this.#doors.get(request.doorId)?.request(request, now);
      else this.#lifts.get(request.liftId)?.request(request, now);
    } catch (error) {
      this.#options.onProblem?.(`${topic}: ${refusalOf(error).detail}`);
    }
  }
}
