import type { Prior } from '../localization/initialization.ts';
import { Localizer } from '../pipeline.ts';
import type { MappedScan, RobotMotion } from '../ports/robot.ts';
import type { FrameResult, Pose, SensorMessage, Stamp } from '../types.ts';
import type { Fixes } from './fixes.ts';
import { mappedScan } from './mapped-scan.ts';
import { motionOf } from './motion.ts';
import type { RobotLocalizer, RobotParts } from './parts.ts';

export interface LocalisationWatcher {
  frame(frame: FrameResult): void;
  scan(scan: MappedScan): void;
  /** nobody looks at scans: they need not be made */
  isWatched(): boolean;
}

/** A result with a pose that may be believed. */
export type PlacedFrame = FrameResult & { readonly pose: Pose };

/** Where the robot is: the localizer in use, one message after the other, and the last of its results. */
export class Localisation {
  readonly #parts: RobotParts;
  readonly #fixes: Fixes;
  readonly #watcher: LocalisationWatcher;
  #localizer: RobotLocalizer;
  /** told again to a localizer that begins anew */
  readonly #mounts = new Map<string, SensorMessage>();
  #handling: Promise<void> = Promise.resolve();
  #frame: FrameResult | undefined;
  #frameAtMs = Number.NEGATIVE_INFINITY;
  #scanAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RobotParts, fixes: Fixes, watcher: LocalisationWatcher) {
    this.#parts = parts;
    this.#fixes = fixes;
    this.#watcher = watcher;
    this.#localizer = this.#localizerFrom(parts.prior);
  }

  /** The last result, whatever it is worth. */
  get frame(): FrameResult | undefined {
    return this.#frame;
  }

  /** The last result where it has a pose to be believed. */
  get placed(): PlacedFrame | undefined {
    const frame = this.#frame;
    const known = frame?.state === 'TRACKING' || frame?.state === 'DEGRADED';
    return known && frame.pose ? (frame as PlacedFrame) : undefined;
  }

  /** By prediction from what was handled so far, while the last result is to be believed. */
  motionAt(stamp: Stamp): RobotMotion | undefined {
    const estimate = this.placed && this.#localizer.stateAt?.(stamp);
    return estimate && motionOf(stamp, estimate);
  }

  /** Of the last result, s. */
  age(nowMs: number): number {
    return (nowMs - this.#frameAtMs) / 1000;
  }

  /** Metres free on the narrower side of the robot; undefined: nobody says. */
  set freeWidth(metres: number | undefined) {
    this.#localizer.freeWidth = metres;
  }

  /** Resolves when it is known what there is to be known by it. */
  handle(message: SensorMessage): Promise<void> {
    if (message.kind === 'mount') this.#mounts.set(`${message.value.parent}/${message.value.child}`, message);
    if (message.kind === 'gnss') this.#fixes.came(message.value);
    this.#handling = this.#handling.then(() => this.#localizer.handle(message));
    const handled = this.#handling;
    // A fault of one message must not be given to whoever hands over the next.
    this.#handling = handled.catch(() => {});
    return handled;
  }

  /** Looks for the pose anew; undefined: by GNSS and odometry. */
  begin(prior: Prior | undefined): void {
    this.#localizer = this.#localizerFrom(prior);
    this.#frame = undefined;
    for (const message of this.#mounts.values()) void this.handle(message);
  }

  /** Resolves when all that was handed over is done. */
  settled(): Promise<void> {
    return this.#handling;
  }

  #localizerFrom(prior: Prior | undefined): RobotLocalizer {
    const { core, config, clock, map, outputOn, sink } = this.#parts;
    const make = this.#parts.localizer ?? ((given) => new Localizer(given));
    const localizer: RobotLocalizer = make({
      core,
      config,
      clock,
      map,
      prior,
      outputOn,
      sink: {
        frame: (frame) => {
          sink?.frame(frame);
          // What a localizer that was replaced still finds is not ours any more.
          if (localizer === this.#localizer) this.#take(frame);
        },
        update: (record) => {
          this.#fixes.offered(record);
          sink?.update(record);
        },
        refused: (reason, detail) => sink?.refused(reason, detail),
      },
      onScan: (cloud, stamp, T_map_base) => {
        const nowMs = clock.nowMs();
        const { scanInterval, scanPoints } = config.robot;
        if (!this.#watcher.isWatched() || nowMs - this.#scanAtMs < 1000 * scanInterval) return;
        this.#scanAtMs = nowMs;
        this.#watcher.scan(mappedScan(cloud, stamp, T_map_base, scanPoints));
      },
    });
    return localizer;
  }

  #take(frame: FrameResult): void {
    this.#frame = frame;
    this.#frameAtMs = this.#parts.clock.nowMs();
    this.#watcher.frame(frame);
  }
}
