import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What `/metrics` says of the ITS; a registry of its own, so that several may live in one process. */
export class ItsMetrics {
  readonly registry = new Registry();
  readonly calls = this.#counter('its_calls_total', 'requests sent', ['vendor']);
  readonly bytes = this.#counter('its_bytes_total', 'bytes received', ['vendor']);
  readonly errors = this.#counter('its_errors_total', 'answers that could not be used', ['vendor', 'reason']);
  readonly cost = this.#counter('its_cost_total', 'cost of the requests', ['vendor']);
  readonly events = this.#counter('its_events_total', 'events of the mediator', ['kind']);
  readonly breakerOpen = new Gauge({
    name: 'its_breaker_open',
    help: '1 while a vendor is left alone after failures',
    labelNames: ['vendor'],
    registers: [this.registry],
  });
  readonly answerSeconds = new Histogram({
    name: 'its_answer_seconds',
    help: 'time to an answer of a vendor',
    labelNames: ['vendor'],
    buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2],
    registers: [this.registry],
  });

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }
}
