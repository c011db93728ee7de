import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Cloud, Core } from '../core.ts';
import type { RobotWatcher } from '../ports/robot.ts';
import type { PoseSink } from '../ports.ts';
import { strictest } from '../robot/advice.ts';
import { Fixes } from '../robot/fixes.ts';
import { describeState, localisationLimits } from '../robot/localisation-limits.ts';
import { mappedScan } from '../robot/mapped-scan.ts';
import type { FrameResult, Pose, SensorMessage, Stamp } from '../types.ts';
import { DemoPage } from './demo-page.ts';
import type { OpenMap } from './open-map.ts';

export interface WatchParts {
  readonly core: Core;
  readonly config: Config;
  readonly map: OpenMap;
  /** ids of the tiles in memory */
  readonly tiles: () => readonly string[];
  readonly say: (text: string) => void;
}

const LOOK_MS = 100;

/** A replay on the operators' page: begins when somebody looks, goes as fast as it was driven, takes no commands. */
export class ReplayWatch {
  readonly #parts: WatchParts;
  readonly #page: DemoPage;
  readonly #fixes = new Fixes();
  #watcher: RobotWatcher | undefined;
  #state: FrameResult['state'] | undefined;
  #begun: { readonly arrival: Stamp; readonly atMs: number } | undefined;

  private constructor(parts: WatchParts, page: DemoPage) {
    this.#parts = parts;
    this.#page = page;
  }

  /** On a free port of this machine; the address that opens the page is said. */
  static async open(parts: WatchParts): Promise<ReplayWatch> {
    const page = await DemoPage.open(parts, parts.say);
    const watch = new ReplayWatch(parts, page);
    page.show({
      watch: (watcher) => (watch.#watcher = watcher),
      command: async ({ kind }) => ({
        ok: false,
        reason: 'a-replay',
        text: `${kind}: expected a robot, found a replay, which takes no commands`,
      }),
    });
    parts.say(`operators' page: ${page.address}\nthe replay begins when somebody opens it`);
    return watch;
  }

  /** Everything goes to `sink` too. */
  over(sink: PoseSink): PoseSink {
    return {
      frame: (frame) => {
        sink.frame(frame);
        this.#show(frame);
      },
      update: (record) => {
        this.#fixes.offered(record);
        sink.update(record);
      },
      refused: (reason, detail) => sink.refused(reason, detail),
    };
  }

  readonly scan = (cloud: Cloud, stamp: Stamp, T_map_base: Pose): void =>
    this.#watcher?.scan(mappedScan(cloud, stamp, T_map_base, this.#parts.config.robot.scanPoints));

  /** Waits until it is time for a message, as it was when it arrived. */
  async await(message: SensorMessage): Promise<void> {
    while (!this.#begun && !this.#page.isOpened) await pause(LOOK_MS);
    if (message.kind === 'gnss') this.#fixes.came(message.value);
    this.#begun ??= { arrival: message.arrival, atMs: performance.now() };
    const ahead =
      Number(message.arrival - this.#begun.arrival) / 1e6 - (performance.now() - this.#begun.atMs);
    if (ahead > 5) await pause(ahead);
  }

  close(): Promise<void> {
    return this.#page.close();
  }

  #show(frame: FrameResult): void {
    const { config, map, tiles } = this.#parts;
    this.#page.stamp = frame.stamp;
    if (frame.state !== this.#state) {
      const [severity, text, data] = describeState(frame);
      this.#watcher?.event({ stamp: frame.stamp, kind: 'state', severity, text, data });
    }
    this.#state = frame.state;
    const { mapId, version } = map.index;
    this.#watcher?.status({
      frame,
      advice: strictest(localisationLimits(frame, 0, undefined, config.robot), config.robot),
      ...(this.#fixes.last && { fix: this.#fixes.last }),
      crossings: [],
      buildings: [],
      tiles: tiles(),
      health: [{ name: 'map', state: 'ok', text: `${mapId} version ${version}` }],
    });
  }
}
