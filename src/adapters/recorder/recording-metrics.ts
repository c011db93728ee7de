import { Counter, Gauge, Registry } from 'prom-client';
import type { WindowRow } from '../../quality/count-windows.ts';
import type { ChannelCount } from './recorder.ts';

/** What `/metrics` says of the recording. */
export class RecordingMetrics {
  readonly registry = new Registry();
  readonly deadLetters = new Counter({
    name: 'recorder_dead_letters_total',
    help: 'messages that could not be used',
    labelNames: ['channel', 'reason'],
    registers: [this.registry],
  });
  readonly #messages = new Gauge({
    name: 'recorder_messages',
    help: 'messages of the drive that is recorded',
    labelNames: ['channel', 'stage'],
    registers: [this.registry],
  });
  readonly #windows = new Gauge({
    name: 'recorder_window_messages',
    help: 'messages of the window: expected, and found at the end of the way',
    labelNames: ['channel', 'window', 'from', 'to', 'what'],
    registers: [this.registry],
  });
  readonly #alarms = new Gauge({
    name: 'recorder_window_alarm',
    help: '1 where the count of a window is wrong',
    labelNames: ['channel', 'window', 'from', 'to'],
    registers: [this.registry],
  });

  show(rows: readonly WindowRow[], counts: ReadonlyMap<string, ChannelCount>): void {
    for (const [channel, count] of counts)
      for (const stage of ['received', 'recorded', 'dropped', 'lost'] as const)
        this.#messages.set({ channel, stage }, count[stage]);
    for (const { channel, window, from, to, expected, found, verdict } of rows) {
      const way = { channel, window, from, to };
      this.#windows.set({ ...way, what: 'expected' }, expected);
      this.#windows.set({ ...way, what: 'found' }, found);
      this.#alarms.set(way, verdict === 'ok' ? 0 : 1);
    }
  }
}
