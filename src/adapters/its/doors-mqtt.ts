import type { BuildingLink, BuildingRequest, BuildingWatcher } from '../../ports.ts';
import { parseBody } from './body.ts';
import type { ItsConfig } from './its-config.ts';
import { MqttLink } from './mqtt-link.ts';
import { Repeats } from './repeats.ts';
import { doorStateOf, liftStateOf, requestMessage } from './rmf.ts';
import type { Chance, Timing } from './timing.ts';
import { refusalOf } from './vendor.ts';

const MAX_BYTES = 65_536;

/** Doors and lifts over MQTT, by the messages of Open-RMF: PREFIX/door_states, lift_states, door_requests, lift_requests. */
export class DoorsMqtt implements BuildingLink {
  readonly #prefix: string;
  readonly #timing: Timing;
  readonly #link: MqttLink;
  readonly #repeats = new Repeats();

  constructor(
    { broker, prefix }: NonNullable<ItsConfig['doors']>,
    watcher: BuildingWatcher,
    { timing, chance, password }: { timing: Timing; chance: Chance; password?: string | undefined },
  ) {
    this.#prefix = prefix;
    this.#timing = timing;
    this.#link = new MqttLink({
      broker,
      password,
      statusTopic: `robots/${broker.clientId}/doors`,
      maxBytes: MAX_BYTES,
      timing,
      chance,
      onMessage: (topic, payload, retained) => this.#receive(watcher, topic, payload, retained),
      onLink: (connected, detail) =>
        watcher.note({ reason: connected ? 'connected' : 'disconnected', detail }),
      onRefused: (topics) => watcher.note({ reason: 'subscription-refused', detail: topics.join(', ') }),
    });
    this.#link.subscribe(new Set([`${prefix}/door_states`, `${prefix}/lift_states`]));
  }

  request(request: BuildingRequest): Promise<boolean> {
    const message = JSON.stringify(requestMessage(request, this.#timing.wallMs()));
    return this.#link.publish(`${this.#prefix}/${request.kind}_requests`, message);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #receive(watcher: BuildingWatcher, topic: string, payload: Uint8Array, retained: boolean): void {
    // Nobody can tell how long ago a door that the broker remembers was open.
    if (retained) {
      this.#note(watcher, 'retained-state', topic);
      return;
    }
    try {
      const now = this.#timing.nowMs();
      if (topic.endsWith('/door_states')) watcher.door(doorStateOf(parseBody(payload), now));
      else watcher.lift(liftStateOf(parseBody(payload), now));
    } catch (error) {
      const { reason, detail } = refusalOf(error);
      this.#note(watcher, reason, `${topic}: ${detail}`);
    }
  }

  #note(watcher: BuildingWatcher, reason: string, detail: string): void {
    const text = this.#repeats.pass(reason, detail, this.#timing.nowMs());
    if (text !== undefined) watcher.note({ reason, detail: text });
  }
}
