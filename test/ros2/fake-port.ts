import type { NodeState, Outcome, RosPort, Transition } from '../../src/adapters/ros2/ros-port.ts';

const STEPS: Record<Transition, { from: NodeState[]; to: NodeState }> = {
  configure: { from: ['unconfigured'], to: 'inactive' },
  activate: { from: ['inactive'], to: 'active' },
  deactivate: { from: ['active'], to: 'inactive' },
  cleanup: { from: ['inactive'], to: 'unconfigured' },
  shutdown: { from: ['unconfigured', 'inactive', 'active'], to: 'finalized' },
};

/** As unkind as rclnodejs: a callback that throws ends the process, views send the wrong bytes, publishing may throw. */
export class FakePort {
  state: NodeState = 'unconfigured';
  ms = 0;
  stamp = 1_700_000_000_000_000_000n;
  aborted: unknown;
  errorsProcessed = 0;
  publishThrows = false;
  readonly sent: { topic: string; message: Record<string, unknown> }[] = [];
  readonly takers = new Map<string, (message: unknown) => void>();
  readonly services = new Map<string, () => Promise<object>>();
  readonly #callbacks = new Map<string, () => Outcome>();
  readonly #timers = new Set<{ periodMs: number; task: () => void; nextMs: number }>();

  readonly port: RosPort;

  constructor() {
    const self = this;
    this.port = {
      parameters: {},
      topics: {
        subscribe: (topic, _type, _qos, take) => {
          self.takers.set(topic, take);
          return { close: () => void self.takers.delete(topic) };
        },
        advertise: (topic, type) => {
          if (/^(?:autoware|rmf)_/.test(type)) return undefined;
          return {
            isHeard: true,
            publish: (message) => {
              if (self.publishThrows) throw new Error('out of order');
              requireWholeArrays(message);
              self.sent.push({ topic, message: structuredClone(message) as Record<string, unknown> });
            },
            close: () => undefined,
          };
        },
        serve: (name, _type, answer) => {
          self.services.set(name, answer);
          return { close: () => void self.services.delete(name) };
        },
      },
      lifecycle: {
        on: (name, callback) => void self.#callbacks.set(name, callback),
        request: (transition) => self.#change(transition),
        get state() {
          return self.state;
        },
      },
      time: {
        now: () => self.stamp,
        steadyMs: () => self.ms,
        every: (periodMs, task) => {
          const timer = { periodMs, task, nextMs: self.ms + periodMs };
          self.#timers.add(timer);
          return { close: () => void self.#timers.delete(timer) };
        },
      },
      log: () => undefined,
      close: () => undefined,
    };
  }

  /** A message arrives; its callback must neither throw nor give a promise. */
  arrive(topic: string, message: unknown): void {
    this.#call(() => this.takers.get(topic)?.(message));
  }

  request(transition: Transition): boolean {
    return this.#change(transition);
  }

  pass(ms: number): void {
    this.ms += ms;
    this.stamp += BigInt(ms) * 1_000_000n;
    for (const timer of this.#timers)
      while (timer.nextMs <= this.ms) {
        timer.nextMs += timer.periodMs;
        this.#call(timer.task);
      }
  }

  last(topic: string): Record<string, unknown> | undefined {
    return this.sent.findLast((one) => one.topic === topic)?.message;
  }

  /** The text of a row of the last diagnostics. */
  row(name: string): string | undefined {
    const status = (this.last('/diagnostics')?.status ?? []) as { name: string; message: string }[];
    return status.find((row) => row.name === `dilly_nav: ${name}`)?.message;
  }

  #change(transition: Transition): boolean {
    const { from, to } = STEPS[transition];
    if (!from.includes(this.state)) return false;
    const outcome = this.#callbacks.get(transition)?.() ?? 'success';
    if (outcome === 'success') this.state = to;
    if (outcome !== 'error') return outcome === 'success';
    this.errorsProcessed++;
    this.state = this.#callbacks.get('error')?.() === 'success' ? 'unconfigured' : 'finalized';
    return false;
  }

  #call(task: () => unknown): void {
    try {
      task();
    } catch (error) {
      this.aborted ??= error;
    }
  }
}

function requireWholeArrays(value: unknown): void {
  if (ArrayBuffer.isView(value)) {
    if (value.byteOffset !== 0 || value.byteLength !== value.buffer.byteLength)
      throw new Error('a view of a larger buffer is sent as other bytes');
  } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(requireWholeArrays);
}
