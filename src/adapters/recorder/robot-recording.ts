import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HealthRow, RobotWatcher } from '../../ports/robot.ts';
import { RECEIVED_FILE } from '../../quality/drive-offer.ts';
import { Refusal, refusalReason, type SensorMessage, type Stamp } from '../../types.ts';
import { DriveQuality } from './drive-quality.ts';
import { DEAD_LETTER_TOPIC } from './mcap-writer.ts';
import { messageFault } from './message-fault.ts';
import { QualityAlarms, type Tell } from './quality-alarms.ts';
import { recordWatcher } from './record-watcher.ts';
import { Recorder } from './recorder.ts';
import type { RecorderConfig } from './recorder-config.ts';
import { RecordingMetrics } from './recording-metrics.ts';
import { ros2TypeOf } from './ros2-messages.ts';
import { SchemaRegistry } from './schema-registry.ts';

interface Running {
  readonly recorder: Recorder;
  readonly watcher: RobotWatcher;
  readonly registry: SchemaRegistry;
  readonly quality: DriveQuality;
  readonly alarms: QualityAlarms;
  /** topic → why its messages are dead letters; undefined: they are sound */
  readonly schemas: Map<string, string | undefined>;
}

/**
 * The recording of a running robot: raw messages of its sensors and what it says of itself, started and stopped at any
 * time. Data that fails is kept apart and told of at once. It is told everything whether it records or not.
 */
export class RobotRecording implements RobotWatcher {
  readonly metrics = new RecordingMetrics();
  readonly #config: RecorderConfig;
  readonly #tell: Tell;
  /** told again to each recording: they come once only */
  readonly #mounts = new Map<string, SensorMessage>();
  #running: Running | undefined;

  /** @param tell brings an event to the operators */
  constructor(config: RecorderConfig, tell: Tell) {
    this.#config = config;
    this.#tell = tell;
  }

  /** @param name of the drive. Resolves to its folder. Rejects with a Refusal. */
  async start(name: string): Promise<string> {
    if (this.#running)
      throw new Refusal('recording', `expected no recording, found one: ${this.#running.recorder.folder}`);
    const { folder, acceptSchemas, rates, missing, chunkSeconds } = this.#config;
    if (folder === '')
      throw new Refusal('no-folder', 'expected a folder to record to, found none: set recorder.folder');
    await mkdir(folder, { recursive: true });
    const registry = await SchemaRegistry.open(join(folder, 'channels.json'), acceptSchemas);
    const quality = new DriveQuality({
      rates: new Map([...registry.rates, ...Object.entries(rates)]),
      missing,
      chunkSeconds,
    });
    const recorder = await Recorder.open(this.#config, name, {
      failed: (text) => this.#tell('recorder-failed', 'alarm', `not recorded: ${text}`),
      full: (topic) =>
        this.#tell('recorder-full', 'warning', `${topic}: the disk is too slow, clouds are dropped`),
      deleted: (path, uploaded) =>
        this.#tell(
          'recording-deleted',
          uploaded ? 'info' : 'warning',
          `${path}, ${uploaded ? 'uploaded' : 'NOT uploaded'}`,
        ),
      synced: (topic, bucket, count) => quality.recorded.add(topic, bucket, count),
    });
    const alarms = new QualityAlarms(this.#tell);
    const watcher = recordWatcher(recorder);
    this.#running = { recorder, watcher, registry, quality, alarms, schemas: new Map() };
    for (const mount of this.#mounts.values()) this.#record(this.#running, mount);
    return recorder.folder;
  }

  /** Resolves to the folder when all is on the disk. Rejects with a Refusal where nothing is recorded. */
  async stop(): Promise<string> {
    const running = this.#running;
    if (!running) throw new Refusal('not-recording', 'expected a recording, found none');
    this.#running = undefined;
    const { recorder, quality, registry } = running;
    await recorder.close();
    for (const [topic, hertz] of quality.learnt) registry.setRate(topic, hertz);
    await registry.save();
    await mkdir(recorder.folder, { recursive: true });
    const path = join(recorder.folder, RECEIVED_FILE);
    await writeFile(
      `${path}.tmp`,
      JSON.stringify({
        rates: Object.fromEntries(quality.rates),
        missing: this.#config.missing,
        received: quality.received,
        recorded: quality.recorded,
      }),
      {
        flush: true,
      },
    );
    await rename(`${path}.tmp`, path);
    return recorder.folder;
  }

  /** What a sensor sent, sound or not. Its buffers are free when the call returns. */
  message(message: SensorMessage): void {
    if (message.kind === 'mount') this.#mounts.set(`${message.value.parent}/${message.value.child}`, message);
    if (this.#running) this.#record(this.#running, message);
  }

  /** Time passes, by the clock of the messages: what does not come any more is noticed. */
  pass(now: Stamp): void {
    const running = this.#running;
    if (running?.quality.pass(now)) this.#look(running);
  }

  status(status: Parameters<RobotWatcher['status']>[0]): void {
    this.#running?.watcher.status(status);
  }
  scan(): void {}
  event(event: Parameters<RobotWatcher['event']>[0]): void {
    this.#running?.watcher.event(event);
  }

  /** The folder of the drive that is recorded now. */
  get folder(): string | undefined {
    return this.#running?.recorder.folder;
  }

  /** Messages by topic since the drive began. */
  counts(): ReturnType<Recorder['counts']> {
    return this.#running?.recorder.counts() ?? new Map();
  }

  windows(): ReturnType<DriveQuality['rows']> {
    return this.#running?.quality.rows() ?? [];
  }

  health(): HealthRow {
    const name = 'recorder';
    const running = this.#running;
    if (!running) return { name, state: 'ok', text: 'does not record' };
    const { failure, queue, folder } = running.recorder;
    if (failure !== undefined) return { name, state: 'down', text: failure };
    const alarms = running.alarms.count;
    const text = `${folder}, queue ${(100 * queue).toFixed(0)} %${alarms > 0 ? `, ${alarms} windows with wrong counts` : ''}`;
    return { name, state: alarms > 0 ? 'degraded' : 'ok', text };
  }

  #record(running: Running, message: SensorMessage): void {
    const { recorder, quality } = running;
    const { channel, kind, arrival } = message;
    const fault = messageFault(message) ?? this.#schemaFault(running, message);
    if (fault) {
      this.#deadLetter(running, message, fault.reason, fault.detail);
    } else {
      try {
        recorder.record(message);
        if (quality.take(channel, kind, arrival)) this.#look(running);
      } catch (error) {
        const reason = refusalReason(error);
        if (!reason) throw error;
        this.#deadLetter(running, message, reason, (error as Error).message);
      }
    }
  }

  #deadLetter(running: Running, message: SensorMessage, reason: string, detail: string): void {
    const { channel, arrival, sequence } = message;
    const sender = (message.kind === 'refused' && message.sender) || channel;
    running.recorder.record(
      { kind: 'refused', channel, arrival, sequence, reason, detail, sender },
      DEAD_LETTER_TOPIC,
    );
    this.metrics.deadLetters.inc({ channel, reason });
    running.alarms.deadLetter(channel, sender, reason, detail, arrival);
  }

  #schemaFault({ registry, schemas }: Running, message: SensorMessage) {
    const { channel, kind } = message;
    const key = `${kind} ${channel}`;
    if (!schemas.has(key)) {
      const found = registry.register(channel, ros2TypeOf(message));
      schemas.set(key, found.ok ? undefined : found.detail);
      if (found.ok && found.change)
        this.#tell('schema-changed', 'info', `${channel}: version ${found.version}: ${found.change}`);
      if (!found.ok)
        this.#tell(
          'schema-refused',
          'alarm',
          `${channel}: does not fit version ${found.version}: ${found.detail}`,
        );
      // A crash must not forget a version that files already hold.
      registry.save().catch((error: Error) => this.#tell('recorder-failed', 'warning', error.message));
    }
    const detail = schemas.get(key);
    return detail === undefined ? undefined : { reason: 'incompatible-schema', detail };
  }

  #look({ quality, alarms, recorder }: Running): void {
    const rows = quality.rows();
    alarms.windows(rows);
    this.metrics.show(rows, recorder.counts());
  }
}
