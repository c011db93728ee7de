import { openDoors, openIts } from '../adapters/its/open-its.ts';
import { FakeCity } from '../adapters/its/simulate/city.ts';
import { cityGraph } from '../adapters/its/simulate/graph.ts';
import { machineTiming } from '../adapters/its/timing.ts';
import { DOOR_ID, SIGNAL_ID } from '../adapters/sim/city/graph.ts';
import type { Config } from '../config.ts';
import { configSchema } from '../config.ts';
import type { HealthRow } from '../ports/robot.ts';
import type { DoorState } from '../types/building.ts';
import type { RouteSignal, SignalPhase, SignalState } from '../types.ts';
import type { Outside } from './sim-run.ts';

const CYCLE = { cycle: 60, walk: 26 } as const;
const DOOR_CALL_M = 12;
const ASK_AGAIN_MS = 2000;
/** The robot is at the light after about 55 s: it shall have to wait there. */
const RED_AFTER_S = 45;

/** Vendors, broker, doors and lifts on the network, in real time, as on the street. */
export class NetworkCity implements Outside {
  readonly #city: FakeCity;
  readonly #mediator: ReturnType<typeof openIts>;
  readonly #doors: ReturnType<typeof openDoors>;
  #heard: SignalState[];
  #door: { state: DoorState | undefined };
  #sequence = 0;
  #askedMs = Number.NEGATIVE_INFINITY;

  private constructor(
    city: FakeCity,
    mediator: ReturnType<typeof openIts>,
    doors: ReturnType<typeof openDoors>,
    heard: SignalState[],
    door: { state: DoorState | undefined },
  ) {
    this.#city = city;
    this.#mediator = mediator;
    this.#doors = doors;
    this.#heard = heard;
    this.#door = door;
  }

  /** `graph`: of the map. Rejects where no port is free. */
  static async start(graph: string, config: Config, onProblem: (text: string) => void): Promise<NetworkCity> {
    const parsed = cityGraph(graph);
    // Its wall clock is set so that the light has just become red then.
    const wall = Date.now();
    const at = (wall / 1000 + RED_AFTER_S) % CYCLE.cycle;
    const shiftMs = 1000 * (CYCLE.walk - at);
    const timing = { ...machineTiming, wallMs: () => Date.now() + shiftMs };
    const city = await FakeCity.start({
      graph: parsed,
      plan: CYCLE,
      host: '127.0.0.1',
      httpPort: 0,
      mqttPort: 0,
      timing,
      onProblem,
    });
    const its = configSchema.parse({ ...config, its: { ...city.config() } }).its;
    const heard: SignalState[] = [];
    const door: { state: DoorState | undefined } = { state: undefined };
    const mediator = openIts(its, process.env, { timing, onState: (state) => heard.push(state) });
    mediator.watch(parsed.signals as RouteSignal[]);
    const doors = openDoors(its, process.env, {
      door: (state) => {
        if (state.doorId === DOOR_ID) door.state = state;
      },
      lift: () => {},
      note: () => {},
    });
    return new NetworkCity(city, mediator, doors, heard, door);
  }

  get addresses(): string {
    return `${this.#city.httpUrl}, ${this.#city.mqttUrl}`;
  }

  health(): HealthRow[] {
    return this.#mediator.status().map(({ name, breaker, pausedMs, lastProblem }) => ({
      name: `vendor:${name}`,
      state: breaker === 'open' ? 'down' : pausedMs > 0 ? 'degraded' : 'ok',
      text: lastProblem ? `last problem: ${lastProblem}` : 'answers',
    }));
  }

  light(): SignalPhase {
    return this.#city.truth().signals[SIGNAL_ID]?.phase ?? 'unknown';
  }

  nowMs(): number {
    return machineTiming.nowMs();
  }

  hear(): SignalState[] {
    return this.#heard.splice(0).filter(({ signalId }) => signalId === SIGNAL_ID);
  }

  door(metres: number): boolean {
    const now = this.nowMs();
    const sessionId = 'dilly-demo/1';
    if (metres < DOOR_CALL_M && now - this.#askedMs > ASK_AGAIN_MS) {
      this.#askedMs = now;
      void this.#doors.request({
        kind: 'door',
        doorId: DOOR_ID,
        open: true,
        sessionId,
        sequence: ++this.#sequence,
      });
    }
    const state = this.#door.state;
    return state?.mode === 'OPEN' && state.sessionId === sessionId && now - state.receivedAtMs < 3000;
  }

  async close(): Promise<void> {
    await this.#doors.request({
      kind: 'door',
      doorId: DOOR_ID,
      open: false,
      sessionId: 'dilly-demo/1',
      sequence: ++this.#sequence,
    });
    await this.#mediator.close();
    await this.#doors.close();
    await this.#city.close();
  }
}
