import type { CameraView, ObstacleCheck } from './crossing/go-rule.ts';
import type { Prior } from './localization/initialization.ts';
import type {
  CommandAnswer,
  DriveAdvice,
  RobotCommand,
  RobotControl,
  RobotEvent,
  RobotMotion,
  RobotStatus,
  RobotWatcher,
} from './ports/robot.ts';
import type { BuildingLink, SignalFeed } from './ports.ts';
import { strictest } from './robot/advice.ts';
import { ClockWatch } from './robot/clock-watch.ts';
import { Commands } from './robot/commands.ts';
import { Fixes } from './robot/fixes.ts';
import { Localisation } from './robot/localisation.ts';
import { describeState, localisationLimits } from './robot/localisation-limits.ts';
import type { RobotParts } from './robot/parts.ts';
import type { RobotRoute } from './robot/robot-route.ts';
import { SensorWatch } from './robot/sensor-watch.ts';
import { Trip } from './robot/trip.ts';
import { Watchers } from './robot/watchers.ts';
import type { FrameResult, LocalizationState, SensorMessage, SignalState, Stamp } from './types.ts';

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
  readonly #sensors = new SensorWatch();
  readonly #localisation: Localisation;
  #state: LocalizationState | undefined;
  #shownAtMs = Number.NEGATIVE_INFINITY;
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
      place: () => this.#localisation.placed,
      hold: (stopped) => this.#hold(stopped),
      relocalise: (prior) => this.begin(prior),
      follow: (route) => this.follow(route),
    });
    this.#localisation = new Localisation(parts, this.#fixes, {
      frame: (frame) => this.#onFrame(frame),
      scan: (scan) => this.#watchers.each((watcher) => watcher.scan(scan)),
      isWatched: () => this.#watchers.size > 0,
    });
  }

  /** What the robot may do now. */
  get advice(): DriveAdvice {
    return this.#advice;
  }

  /** The route that is followed. */
  get route(): RobotRoute | undefined {
    return this.#trip.follower.route;
  }

  /** From now on, until the function that is returned is called. */
  watch(watcher: RobotWatcher): () => void {
    return this.#watchers.add(watcher);
  }

  /** One message of a sensor. Resolves when the robot has made of it what there is to make. */
  handle(message: SensorMessage): Promise<void> {
    this.#sensors.heard(message, this.#parts.clock.nowMs());
    return this.#localisation.handle(message);
  }

  /** Where the robot is at a stamp of the IMU and how it moves; undefined while that is not to be believed. */
  motionAt(stamp: Stamp): RobotMotion | undefined {
    return this.#localisation.motionAt(stamp);
  }

  /** Looks for the pose anew: an operator has shown where, or all stamps leapt. Undefined: by GNSS and odometry. */
  begin(prior: Prior | undefined): void {
    this.#localisation.begin(prior);
    this.#step();
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
    this.#move();
    this.#step();
  }

  /** A new version of the map is in use: the way to where it goes is looked for again. */
  async reroute(): Promise<void> {
    const answer = await this.#commands.again();
    if (answer?.ok === false)
      this.tell('reroute-failed', 'warning', `on the new version of the map: ${answer.text}`);
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
    await this.#localisation.settled();
    await Promise.all([this.#feed?.close(), this.#link?.close()]);
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
    if (frame.state !== this.#state) this.tell('localisation', ...describeState(frame));
    this.#state = frame.state;
    this.#move();
    this.#step();
    this.#show(nowMs);
  }

  /** The robot is elsewhere, or follows another route. */
  #move(): void {
    const at = this.#localisation.placed?.pose.position;
    if (at) this.#trip.follower.moveTo([at[0], at[1]]);
    this.#localisation.freeWidth = this.#trip.follower.freeWidth;
  }

  /** What may the robot do now? From the place on the route to the strictest word. */
  #step(): void {
    const { clock, config } = this.#parts;
    const nowMs = clock.nowMs();
    const { frame, placed } = this.#localisation;
    const age = this.#localisation.age(nowMs);
    const known = placed !== undefined && age <= config.robot.maxPoseAge && !this.#clock.stands;
    this.#trip.step(known ? placed.state : undefined, nowMs, this.#clock.stands);
    const limits = [
      ...(this.#held ? [{ speed: 0, reason: 'stopped by an operator' }] : []),
      ...(this.#clock.stands ? [{ speed: 0, reason: 'the monotonic clock of this computer stands' }] : []),
      ...localisationLimits(frame, age, this.#trip.follower.freeWidth, config.robot),
      ...this.#trip.limits(),
    ];
    const advice = strictest(limits, config.robot);
    const before = this.#advice.motion;
    this.#advice = advice;
    if (advice.motion !== before)
      this.tell('advice', 'info', `${advice.motion}: ${advice.reason}`, { ...advice });
    this.#trip.alarmOnRoad(advice);
  }

  #show(nowMs: number): void {
    const { frame } = this.#localisation;
    if (!frame || this.#watchers.size === 0) return;
    this.#shownAtMs = nowMs;
    const { map, health, config } = this.#parts;
    const status: RobotStatus = {
      frame,
      advice: this.#advice,
      ...(this.#fixes.last && { fix: this.#fixes.last }),
      ...this.#trip.status(nowMs),
      tiles: map?.tiles.tileIds ?? [],
      health: [...(health?.() ?? []), ...this.#sensors.rows(nowMs, config.robot.sensorSilence)],
    };
    this.#watchers.each((watcher) => watcher.status(status));
  }
}
