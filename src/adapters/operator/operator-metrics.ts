import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** What `/metrics` says: nothing of where the robot is. A registry of its own, so that several may live in one process. */
export class OperatorMetrics {
  readonly registry = new Registry();
  readonly clients = new Gauge({
    name: 'operator_clients',
    help: 'connections now',
    labelNames: ['protocol'],
    registers: [this.registry],
  });
  readonly sockets = new Gauge({
    name: 'operator_sockets',
    help: 'TCP connections to the port now, also those that have not said who they are',
    registers: [this.registry],
  });
  readonly controlled = new Gauge({
    name: 'operator_controlled',
    help: '1 while an operator has control',
    registers: [this.registry],
  });
  readonly admitted = this.#counter('operator_admitted_total', 'connections let in', ['protocol']);
  readonly refused = this.#counter('operator_refused_total', 'connections and requests refused', ['reason']);
  readonly ended = this.#counter('operator_ended_total', 'connections ended by us', ['reason']);
  readonly events = this.#counter('operator_events_total', 'events taken', ['severity']);
  readonly commands = this.#counter('operator_commands_total', 'commands answered', ['result']);
  readonly copies = this.#counter('operator_command_copies_total', 'commands that were copies', []);
  readonly frames = this.#counter('operator_frames_total', 'latest-wins frames published', ['type']);
  readonly bytes = this.#counter('operator_sent_bytes_total', 'bytes of messages sent', []);
  readonly resets = this.#counter('operator_resets_total', 'clients whose events were gone', ['reason']);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }
}
