import type { CameraView, ObstacleCheck } from './crossing/go-rule.ts';
import type { Prior } from './localization/initialization.ts';
import { Localizer } from './pipeline.ts';
import type {
  CommandAnswer,
  DriveAdvice,
  RobotCommand,
  RobotControl,
  RobotEvent,
  RobotStatus,
  RobotWatcher,
} from './ports/robot.ts';
import type { BuildingLink, SignalFeed } from './ports.ts';
import { strictest } from './robot/advice.ts';
import { ClockWatch } from './robot/clock-watch.ts';
import { Commands } from './robot/commands.ts';
import { Fixes } from './robot/fixes.ts';
import { describeState, localisationLimits } from './robot/localisation-limits.ts';
import { mappedScan } from './robot/mapped-scan.ts';
import type { RobotParts } from './robot/parts.ts';
import type { RobotRoute } from './robot/robot-route.ts';
import { Trip } from './robot/trip.ts';
import { Watchers } from './robot/watchers.ts';
import type { FrameResult, SensorMessage, SignalState } from './types.ts';

/** Somebody who watches is told at least so often, also while no sensor speaks, ms. */
const STATUS_MS = 1000;

/**
 * The running robot: where it is, on which route, and what it may do now. Sensor messages, signals, doors and pictures
 * go in; status, events and advice go to the watchers. It has no timer: `tick` is to be called ten times a second.
 */
export class Robot implements RobotControl {
  readonly #parts: RobotParts;
  readonly #commands: Commands;
  readonly #trip: Trip;
  readonly #feed: SignalFeed | undefined;
  readonly #link: BuildingLink | undefined;
  readonly #watchers: Watchers;
  readonly #clock = new ClockWatch();
  readonly #fixes = new Fixes();
  #localizer: Pick<Localizer, 'handle'>;
  /** told again to a localizer that begins anew */
  readonly #mounts = new Map<string, SensorMessage>();
  #handling: Promise<void> = Promise.resolve();
  #frame: FrameResult | undefined;
  #frameAtMs = Number.NEGATIVE_INFINITY;
  #shownAtMs = Number.NEGATIVE_INFINITY;
  #scanAtMs = Number.NEGATIVE_INFINITY;
  #held = false;
  #advice: DriveAdvice = { motion: 'stop', speedLimit: 0, reason: 'starting' };

  constructor(parts: RobotParts) {
    this.#parts = parts;
    this.#watchers = new Watchers((detail) => parts.sink?.refused('watcher-failed', detail));
    const tell = (...event: Parameters<Robot['tell']>) => this.tell(...event);
    this.#feed = parts.signals?.({
      state: (state) => this.signal(state),
      event: (kind, text) => tell(kind, 'warning', text),
    });
    this.#link = parts.buildings?.({
      door: (state) => this.#trip.buildings.door(state, parts.clock.nowMs()),
      lift: (state) => this.#trip.buildings.lift(state, parts.clock.nowMs()),
      note: ({ reason, detail }) =>
        tell(`building-${reason}`, reason === 'connected' ? 'info' : 'warning', detail),
    });
    this.#trip = new Trip({
      parts,
      feed: this.#feed,
      link: this.#link,
      tell,
      onSignals: (states) => {
        for (const state of states) this.signal(state);
      },
    });
    this.#commands = new Commands({
      parts,
      tell,
      place: () => (this.#isPlaced() ? this.#frame : undefined),
      hold: (stopped) => this.#hold(stopped),
      relocalise: (prior) => this.#begin(prior),
      follow: (route) => this.follow(route),
    });
    this.#localizer = this.#localizerFrom(parts.prior);
  }

  /** What the robot may do now. */
  get advice(): DriveAdvice {
    return this.#advice;
  }

  /** From now on, until the function that is returned is called. */
  watch(watcher: RobotWatcher): () => void {
    return this.#watchers.add(watcher);
  }

  /** One message of a sensor. Resolves when the robot has made of it what there is to make. */
  handle(message: SensorMessage): Promise<void> {
    if (message.kind === 'mount') this.#mounts.set(`${message.value.parent}/${message.value.child}`, message);
    if (message.kind === 'gnss') this.#fixes.came(message.value);
    this.#handling = this.#handling.then(() => this.#localizer.handle(message));
    const handled = this.#handling;
    // A fault of one message must not be given to whoever hands over the next.
    this.#handling = handled.catch(() => {});
    return handled;
  }

  /** The state of a signal, from whoever pushes it. */
  signal(state: SignalState): void {
    if (this.#trip.crossings.take(state)) this.#step();
  }

  /** What the camera makes of a signal's light. */
  camera(signalId: string, view: CameraView): void {
    this.#trip.crossings.camera(signalId, view);
  }

  /** What the local obstacle check says of the way. */
  obstacles(check: ObstacleCheck): void {
    this.#trip.crossings.obstacles(check);
  }

  /** The route from now on, or none. */
  follow(route: RobotRoute | undefined): void {
    this.#trip.follow(route, this.#parts.clock.nowMs());
    this.#parts.map?.setRoute(route?.line);
    this.tell('route', 'info', route ? `follows route ${route.routeId}` : 'follows no route');
    const at = this.#isPlaced() ? this.#frame!.pose!.position : undefined;
    if (at) this.#trip.follower.moveTo([at[0], at[1]]);
    this.#step();
  }

  /** Time has passed. */
  tick(): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#clock.see(nowMs);
    this.#commands.pass(nowMs);
    this.#step();
    if (nowMs - this.#shownAtMs >= STATUS_MS) this.#show(nowMs);
  }

  command(command: RobotCommand): Promise<CommandAnswer> {
    return this.#commands.run(command);
  }

  /** Something happened; for the watchers. */
  tell(kind: string, severity: RobotEvent['severity'], text: string, data?: RobotEvent['data']): void {
    const event = { stamp: this.#parts.clock.stamp(), kind, severity, text, ...(data && { data }) };
    this.#watchers.each((watcher) => watcher.event(event));
  }

  /** Feeds and links come to an end; what was asked of doors and lifts is released. */
  async close(): Promise<void> {
    this.#trip.follow(undefined, this.#parts.clock.nowMs());
    await this.#handling;
    await Promise.all([this.#feed?.close(), this.#link?.close()]);
  }

  #localizerFrom(prior: Prior | undefined): Pick<Localizer, 'handle'> {
    const { core, config, clock, map, outputOn, sink } = this.#parts;
    const make = this.#parts.localizer ?? ((given) => new Localizer(given));
    const localizer: Pick<Localizer, 'handle'> = make({
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
          if (localizer === this.#localizer) this.#onFrame(frame);
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
        if (this.#watchers.size === 0 || nowMs - this.#scanAtMs < 1000 * scanInterval) return;
        this.#scanAtMs = nowMs;
        const scan = mappedScan(cloud, stamp, T_map_base, scanPoints);
        this.#watchers.each((watcher) => watcher.scan(scan));
      },
    });
    return localizer;
  }

  /** Looks for the pose anew. */
  #begin(prior: Prior): void {
    this.#localizer = this.#localizerFrom(prior);
    this.#frame = undefined;
    for (const message of this.#mounts.values()) void this.handle(message);
    this.#step();
  }

  #hold(stopped: boolean): void {
    if (this.#held !== stopped)
      this.tell(stopped ? 'operator-stop' : 'operator-resume', 'info', stopped ? 'stopped' : 'resumed');
    this.#held = stopped;
    this.#step();
  }

  #onFrame(frame: FrameResult): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#clock.see(nowMs);
    const before = this.#frame?.state;
    this.#frame = frame;
    this.#frameAtMs = nowMs;
    if (frame.state !== before) this.tell('localisation', ...describeState(frame));
    if (this.#isPlaced()) this.#trip.follower.moveTo([frame.pose!.position[0], frame.pose!.position[1]]);
    this.#step();
    this.#show(nowMs);
  }

  #isPlaced(): boolean {
    const { state, pose } = this.#frame ?? {};
    return pose !== undefined && (state === 'TRACKING' || state === 'DEGRADED');
  }

  /** What may the robot do now? From the place on the route to the strictest word. */
  #step(): void {
    const nowMs = this.#parts.clock.nowMs();
    const age = (nowMs - this.#frameAtMs) / 1000;
    const placed = this.#isPlaced() && age <= this.#parts.config.robot.maxPoseAge && !this.#clock.stands;
    this.#trip.step(placed ? this.#frame!.state : undefined, nowMs, this.#clock.stands);
    const limits = [
      ...(this.#held ? [{ speed: 0, reason: 'stopped by an operator' }] : []),
      ...(this.#clock.stands ? [{ speed: 0, reason: 'the monotonic clock of this computer stands' }] : []),
      ...localisationLimits(this.#frame, age, this.#parts.config.robot),
      ...this.#trip.limits(),
    ];
    const advice = strictest(limits, this.#parts.config.robot);
    const before = this.#advice.motion;
    this.#advice = advice;
    if (advice.motion !== before)
      this.tell('advice', 'info', `${advice.motion}: ${advice.reason}`, { ...advice });
    this.#trip.alarmOnRoad(advice);
  }

  #show(nowMs: number): void {
    if (!this.#frame || this.#watchers.size === 0) return;
    this.#shownAtMs = nowMs;
    const { map, health } = this.#parts;
    const status: RobotStatus = {
      frame: this.#frame,
      advice: this.#advice,
      ...(this.#fixes.last && { fix: this.#fixes.last }),
      ...this.#trip.status(nowMs),
      tiles: map?.tiles.tileIds ?? [],
      health: health?.() ?? [],
    };
    this.#watchers.each((watcher) => watcher.status(status));
  }
}
