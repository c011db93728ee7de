import type { FilterSensor, FrameResult, SensorMessage, Stamp, UpdateRecord } from '../types.ts';
import { secondsBetween } from './filter-state.ts';
import type { TimedSensor, TimeOffset } from './time-offsets.ts';
import { Windowed, type WindowFigures } from './windowed.ts';

/** How one channel has spoken over the last seconds. */
export interface ChannelDiagnosis {
  readonly kind: SensorMessage['kind'];
  /** since the start, those that could not be read included */
  readonly messages: number;
  /** over the window, 1/s */
  readonly rate: number;
  /** from a message's stamp to its arrival, s */
  readonly latency: WindowFigures;
  /** between stamps, s */
  readonly gap: WindowFigures;
}

/** What the filter made of one sensor over the last seconds. */
export interface FusionDiagnosis {
  readonly offered: number;
  readonly used: number;
  /** normalised innovation squared over its degrees of freedom: 1 on average where the noise model is right */
  readonly nis: WindowFigures;
}

/** The runtime's own health, as data: for messages, metrics and reports. */
export interface Diagnosis {
  /** the newest arrival */
  readonly at: Stamp | undefined;
  readonly channels: Readonly<Record<string, ChannelDiagnosis>>;
  readonly fusion: Readonly<Partial<Record<FilterSensor, FusionDiagnosis>>>;
  /** milliseconds of each stage over the window */
  readonly stages: Readonly<Record<string, WindowFigures>>;
  /** everything that was not used since the start, by reason */
  readonly refused: Readonly<Record<string, number>>;
  /** of the clocks of the other sensors against the IMU's */
  readonly timeOffsets: Readonly<Record<TimedSensor, TimeOffset>>;
}

interface Sink {
  frame(result: FrameResult): void;
  update(record: UpdateRecord): void;
  refused(reason: string, detail: string): void;
}

interface Channel {
  kind: SensorMessage['kind'];
  messages: number;
  first: Stamp;
  last: Stamp | undefined;
  readonly latency: Windowed;
  readonly gap: Windowed;
}

/** Counts what comes in and what becomes of it. Time is that of the messages' arrival. */
export class Diagnostics {
  readonly #channels = new Map<string, Channel>();
  readonly #fusion = new Map<FilterSensor, { offered: number; used: number; nis: Windowed }>();
  readonly #stages = new Map<string, Windowed>();
  readonly #refused = new Map<string, number>();
  #now: Stamp | undefined;

  message({ channel, kind, arrival, ...rest }: SensorMessage): void {
    if (kind === 'mount' || kind === 'pose') return;
    if (this.#now === undefined || arrival > this.#now) this.#now = arrival;
    const known = this.#channels.get(channel) ?? newChannel(kind, arrival);
    this.#channels.set(channel, known);
    known.messages++;
    const value = 'value' in rest ? rest.value : undefined;
    if (value === undefined || !('stamp' in value)) return;
    known.kind = kind;
    known.latency.add(this.#now, secondsBetween(value.stamp, arrival));
    if (known.last !== undefined && value.stamp > known.last)
      known.gap.add(this.#now, secondsBetween(known.last, value.stamp));
    if (known.last === undefined || value.stamp > known.last) known.last = value.stamp;
  }

  /** The sink, with everything that goes to it counted. */
  over(sink: Sink): Sink {
    return {
      frame: (result) => {
        for (const [stage, ms] of Object.entries(result.stages)) {
          const times = this.#stages.get(stage) ?? new Windowed();
          this.#stages.set(stage, times);
          times.add(this.#now ?? result.stamp, ms);
        }
        sink.frame(result);
      },
      update: (record) => {
        this.#update(record);
        sink.update(record);
      },
      refused: (reason, detail) => {
        this.#count(reason);
        sink.refused(reason, detail);
      },
    };
  }

  diagnosis(): Omit<Diagnosis, 'timeOffsets'> {
    const now = this.#now;
    const figures = (of: Windowed) => of.figures(now ?? 0n);
    const channels = [...this.#channels].map(([name, one]): [string, ChannelDiagnosis] => [
      name,
      {
        kind: one.kind,
        messages: one.messages,
        rate: one.latency.rate(now ?? 0n, one.first),
        latency: figures(one.latency),
        gap: figures(one.gap),
      },
    ]);
    const fusion = [...this.#fusion].map(([sensor, { offered, used, nis }]) => [
      sensor,
      { offered, used, nis: figures(nis) },
    ]);
    return {
      at: now,
      channels: Object.fromEntries(channels),
      fusion: Object.fromEntries(fusion),
      stages: Object.fromEntries([...this.#stages].map(([stage, times]) => [stage, figures(times)])),
      refused: Object.fromEntries([...this.#refused].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  #update({ sensor, accepted, reason, nis, dof, stamp }: UpdateRecord): void {
    const known = this.#fusion.get(sensor) ?? { offered: 0, used: 0, nis: new Windowed() };
    this.#fusion.set(sensor, known);
    known.offered++;
    if (accepted) known.used++;
    else this.#count(`${sensor}-${reason ?? 'unspecified'}`);
    if (accepted && dof > 0 && Number.isFinite(nis)) known.nis.add(this.#now ?? stamp, nis / dof);
  }

  #count(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }
}

function newChannel(kind: SensorMessage['kind'], first: Stamp): Channel {
  return { kind, messages: 0, first, last: undefined, latency: new Windowed(), gap: new Windowed() };
}
