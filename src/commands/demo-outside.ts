import { FakeCity } from '../adapters/its/simulate/city.ts';
import { cityGraph } from '../adapters/its/simulate/graph.ts';
import { machineTiming } from '../adapters/its/timing.ts';
import { DOOR_ID, SIGNAL_ID } from '../adapters/sim/city/graph.ts';
import { type Config, configSchema } from '../config.ts';
import type { SignalPhase } from '../types.ts';
import { type ItsParts, openSignals } from './open-signals.ts';
import type { Outside } from './sim-run.ts';

const CYCLE = { cycle: 60, walk: 26 } as const;
/** The robot is at the light after about 55 s: it shall have to wait there. */
const RED_AFTER_S = 45;

/** Vendors, broker, doors and lifts on the network, in real time, as on the street. */
export class NetworkCity implements Outside {
  readonly its: ItsParts;
  readonly #city: FakeCity;

  private constructor(city: FakeCity, its: ItsParts) {
    this.#city = city;
    this.its = its;
  }

  /** `graph`: of the map. Rejects where no port is free. */
  static async start(graph: string, config: Config, onProblem: (text: string) => void): Promise<NetworkCity> {
    // Its wall clock is set so that the light has just become red then.
    const at = (Date.now() / 1000 + RED_AFTER_S) % CYCLE.cycle;
    const shiftMs = 1000 * (CYCLE.walk - at);
    const timing = { ...machineTiming, wallMs: () => Date.now() + shiftMs };
    const city = await FakeCity.start({
      graph: cityGraph(graph),
      plan: CYCLE,
      host: '127.0.0.1',
      httpPort: 0,
      mqttPort: 0,
      timing,
      onProblem,
    });
    const { its } = configSchema.parse({ ...config, its: { ...city.config() } });
    return new NetworkCity(city, (await openSignals(its, timing))!);
  }

  get addresses(): string {
    return `${this.#city.httpUrl}, ${this.#city.mqttUrl}`;
  }

  light(): SignalPhase {
    return this.#city.truth().signals[SIGNAL_ID]?.phase ?? 'unknown';
  }

  nowMs(): number {
    return machineTiming.nowMs();
  }

  step(): void {}

  isDoorOpen(): boolean {
    return this.#city.truth().doors[DOOR_ID]?.mode === 'OPEN';
  }

  close(): Promise<void> {
    return this.#city.close();
  }
}
