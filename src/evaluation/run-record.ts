import type { FrameResult, Stamp, StampedPose, UpdateRecord, Vec3 } from '../types.ts';
import type { AssociationOptions } from './associate.ts';

/** A GNSS fix in the map's ENU frame, metres. */
export interface FixRecord {
  readonly stamp: Stamp;
  readonly position: Vec3;
  readonly accepted: boolean;
}

/** What is known of a run before its first frame. */
export interface RunFacts {
  readonly title: string;
  readonly input: string;
  readonly mapId: string | null;
  /** the settings worth reading in a report, by dotted key */
  readonly config: Readonly<Record<string, string | number | boolean>>;
  /** first stamp of the input; the time to the first pose counts from here. Default: the first frame's. */
  readonly start?: Stamp | undefined;
}

/** Of the values of a window; null where there were none. */
type WindowFigures = { readonly mean: number; readonly max: number } | null;

/** How a channel spoke in the last seconds of a run: messages in all, 1/s, and seconds. */
export interface ChannelRecord {
  readonly messages: number;
  readonly rate: number;
  readonly latency: WindowFigures;
  readonly gap: WindowFigures;
}

/** How a sensor's clock stood beside the IMU's at the end: what is believed, how surely, what was used; s. */
export interface ClockRecord {
  readonly seconds: number;
  readonly sigma: number;
  readonly used: number;
}

/** What is known of a run after its last frame. */
export interface RunOutcome {
  /** seconds of data over seconds of work */
  readonly realTimeFactor: number;
  readonly wallSeconds: number;
  readonly rssPeakBytes: number;
  readonly eventLoopDelayP99Ms: number;
  /** by channel, where it was watched */
  readonly channels?: Readonly<Record<string, ChannelRecord>> | undefined;
  /** by sensor */
  readonly clocks?: Readonly<Record<string, ClockRecord>> | undefined;
  /** T_map_base, rising in time */
  readonly reference?: readonly StampedPose[] | undefined;
  /** how estimate and reference are paired; see `associate` */
  readonly association?: AssociationOptions | undefined;
  /** x y z of each point in the map frame, metres; a sample is enough to draw */
  readonly mapPoints?: Float32Array | undefined;
  /** the TUM file that was written, and the SHA-256 of its bytes in hex */
  readonly trajectory?: { readonly path: string; readonly sha256: string } | undefined;
}

/** A whole run: everything that the summary and the report are made from. */
export interface RunRecord extends RunFacts, RunOutcome {
  readonly frames: readonly FrameResult[];
  readonly updates: readonly UpdateRecord[];
  readonly fixes: readonly FixRecord[];
  /** messages and measurements that were not used, by reason */
  readonly refused: Readonly<Record<string, number>>;
  /** the detail that came with the first of each reason */
  readonly refusedExamples: Readonly<Record<string, string>>;
}

/** Collects a run as a sink of poses (the port `PoseSink`); `finish` gives the record. Keeps what it is given. */
export class RunRecorder {
  readonly #facts: RunFacts;
  readonly #frames: FrameResult[] = [];
  readonly #updates: UpdateRecord[] = [];
  readonly #fixes: FixRecord[] = [];
  readonly #refused = new Map<string, { count: number; example: string }>();

  constructor(facts: RunFacts) {
    this.#facts = facts;
  }

  frame(result: FrameResult): void {
    this.#frames.push(result);
  }

  update(record: UpdateRecord): void {
    this.#updates.push(record);
    const { stamp, sensor, fix, accepted, reason, innovation } = record;
    if (!accepted)
      this.refused(
        `${sensor}-${reason ?? 'unspecified'}`,
        `measured at ${stamp} ns${innovation > 0 ? `, off by ${innovation.toFixed(2)} ${sensor === 'odometry' ? 'm/s' : 'm'}` : ''}`,
      );
    if (fix) this.#fixes.push({ stamp, position: fix, accepted });
  }

  refused(reason: string, detail: string): void {
    const known = this.#refused.get(reason);
    if (known === undefined) this.#refused.set(reason, { count: 1, example: detail });
    else known.count++;
  }

  /** State of the latest frame, for a progress bar. */
  latest(): string {
    return this.#frames.at(-1)?.state ?? '';
  }

  /** The poses so far, ready for `formatTum`. */
  trajectory(): StampedPose[] {
    return trajectoryOf(this.#frames);
  }

  /** The record of all that was collected; the recorder is not to be used after. */
  finish(outcome: RunOutcome): RunRecord {
    // By name, so that the order of arrival does not show in the output.
    const refused = [...this.#refused].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      ...this.#facts,
      ...outcome,
      frames: this.#frames,
      updates: this.#updates,
      fixes: this.#fixes,
      refused: Object.fromEntries(refused.map(([reason, { count }]) => [reason, count])),
      refusedExamples: Object.fromEntries(refused.map(([reason, { example }]) => [reason, example])),
    };
  }
}

/** The poses of the frames that have one. */
export function trajectoryOf(frames: readonly FrameResult[]): StampedPose[] {
  return frames.flatMap(({ stamp, pose }) => (pose === undefined ? [] : [{ stamp, pose }]));
}
