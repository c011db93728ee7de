import type { SensorSource, SourceInfo } from '../../ports.ts';
import type { SensorMessage } from '../../types.ts';
import { DEAD_LETTER_TOPIC } from './mcap-writer.ts';
import type { Recorder } from './recorder.ts';

/** A source whose messages are recorded as they pass, those that could not be used on `/dead_letter`. */
export class RecordedSource implements SensorSource {
  readonly #source: SensorSource;
  readonly #recorder: Pick<Recorder, 'record'>;

  constructor(source: SensorSource, recorder: Pick<Recorder, 'record'>) {
    this.#source = source;
    this.#recorder = recorder;
  }

  describe(): SourceInfo {
    return this.#source.describe();
  }

  async *messages(): AsyncGenerator<SensorMessage> {
    for await (const message of this.#source.messages()) {
      this.#recorder.record(message, message.kind === 'refused' ? DEAD_LETTER_TOPIC : message.channel);
      yield message;
    }
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
