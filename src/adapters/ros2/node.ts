import type { CommandAnswer, RobotCommand, RobotStatus, RobotWatcher } from '../../ports/robot.ts';
import type { SensorMessage } from '../../types.ts';
import { ClockWatch, JumpNotice } from './clock-watch.ts';
import { type Configured, openConfigured } from './configured.ts';
import { sensorTopics, subscribeAll } from './inputs.ts';
import { Mailbox } from './mailbox.ts';
import { MapDrawing } from './map-drawing.ts';
import { MountMemory } from './mount-memory.ts';
import { MountWatch } from './mount-watch.ts';
import type { NodeParts } from './node-parts.ts';
import { nodeRows } from './node-rows.ts';
import { OdomTrack } from './odom-track.ts';
import { Outputs } from './outputs.ts';
import type { Closeable, Outcome } from './ros-port.ts';
import { SensorWatch } from './sensor-watch.ts';
import { serveAll } from './services.ts';

const DIAGNOSTICS_MS = 1000;
/** One message in work for longer: something is stuck. A first pose on a slow computer takes some seconds. */
const STUCK_MS = 10_000;

/**
 * The lifecycle node. Callbacks return at once: the map is opened meanwhile, and the node says when it is ready. A map
 * that cannot be had now is tried again; one that will never do leads to ErrorProcessing, never to a crash.
 */
export class Ros2Node {
  readonly #parts: NodeParts;
  readonly #odom: OdomTrack;
  readonly #clock: ClockWatch;
  readonly #mounts: MountWatch;
  readonly #sensors: SensorWatch;
  readonly #memory = new MountMemory();
  readonly #frames = new Set<string>();
  readonly #closers: Closeable[] = [];
  #outputs: Outputs | undefined;
  #mailbox: Mailbox | undefined;
  #configured: Configured | undefined;
  #status: RobotStatus | undefined;
  #frameAtMs = 0;
  readonly #drawing = new MapDrawing((text) => this.#note(text));
  readonly #jump = new JumpNotice();
  #fault: string | undefined;
  #closing: Promise<unknown> = Promise.resolve();

  constructor(parts: NodeParts) {
    this.#parts = parts;
    const { port, config, frames } = parts;
    this.#odom = new OdomTrack(config.odomTimeout);
    this.#clock = new ClockWatch(config.clockJump);
    this.#mounts = new MountWatch(frames.base, frames.mounts);
    this.#sensors = new SensorWatch(sensorTopics(config), config.sensorTimeout, port.time.steadyMs());
    const on = (name: Parameters<typeof port.lifecycle.on>[0], task: () => Outcome) =>
      port.lifecycle.on(name, () => this.#guarded(name, task));
    on('configure', () => this.#configure());
    on('activate', () => this.#activate());
    on('deactivate', () => this.#deactivate());
    on('cleanup', () => this.#cleanup());
    on('shutdown', () => this.#cleanup());
    on('error', () => this.#cleanup());
    this.#closers.push(
      port.time.every(DIAGNOSTICS_MS, () => this.#guarded('diagnostics', () => this.#diagnose())),
      serveAll(
        port,
        config,
        (command) => this.command(command),
        () => this.#configured?.robot?.recording,
        () => this.#status?.frame.pose?.position,
      ),
    );
    // Diagnostics are given in every state: an operator wants to know most when nothing works.
    this.#outputs = new Outputs(port, config, frames.base, (text) => this.#note(`cannot publish: ${text}`));
  }

  /** Ends: deactivates, closes the robot, which keeps its pose, and the port. */
  async close(): Promise<void> {
    this.#parts.port.lifecycle.request('shutdown');
    this.#cleanup();
    await this.#closing;
    for (const closer of this.#closers) closer.close();
    this.#outputs?.close();
    this.#parts.port.close();
  }

  /** For a watchdog: false where a message has been in work for too long. */
  get isAlive(): boolean {
    return (this.#mailbox?.busyMs(this.#parts.port.time.steadyMs()) ?? 0) < STUCK_MS;
  }

  /** To the robot; refused with a reason where there is none. */
  async command(command: RobotCommand): Promise<CommandAnswer> {
    const robot = this.#configured?.robot;
    if (robot) return robot.command(command);
    const cause = this.#configured?.cause ?? 'the node is not configured';
    return { ok: false, reason: 'not-ready', text: `expected a running robot, found none: ${cause}` };
  }

  #configure(): Outcome {
    if (this.#configured) this.#cleanup();
    this.#fault = undefined;
    const configured: Configured = {
      abort: new AbortController(),
      robot: undefined,
      cause: 'opening the map',
      failed: false,
      retry: undefined,
    };
    this.#configured = configured;
    const { port, config, open } = this.#parts;
    const start = () => open(this.#watcher(configured), configured.abort.signal);
    void this.#closing.then(() => openConfigured(configured, port, config.retry, start));
    return 'success';
  }

  #activate(): Outcome {
    const configured = this.#configured;
    if (!configured || configured.failed) return 'error';
    const { port, config } = this.#parts;
    this.#mailbox = new Mailbox(
      async (message) => configured.robot?.handle(message),
      port.time,
      (error) =>
        this.#note(`fault while ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    );
    this.#inputs = subscribeAll(port, config, {
      message: (message) => this.#take(message),
      parentOf: (child, parent) => this.#parentOf(child, parent),
      command: (command) => void this.#say(this.command(command)),
      goTo: (x, y) => {
        const place = configured.robot?.pictures.toLonLat(x, y);
        if (place) void this.#say(this.command({ kind: 'go-to', lon: place[0], lat: place[1] }));
      },
      refused: (topic, reason, detail) => {
        this.#sensors.heard(topic, port.time.steadyMs(), `${reason}: ${detail}`);
        if (reason === 'fault') port.log('warn', `${topic}: ${detail}`);
      },
    });
    return 'success';
  }
  #inputs: { close(): void } | undefined;

  #deactivate(): Outcome {
    this.#stopInputs();
    return this.#configured?.failed ? 'error' : 'success';
  }

  #stopInputs(): void {
    this.#inputs?.close();
    this.#inputs = undefined;
    const mailbox = this.#mailbox;
    this.#mailbox = undefined;
    if (mailbox) this.#closing = Promise.allSettled([this.#closing, mailbox.close()]);
  }

  /** Frees all; the cause of a failure stays in the diagnostics until the next configure. */
  #cleanup(): Outcome {
    this.#stopInputs();
    const configured = this.#configured;
    this.#configured = undefined;
    this.#status = undefined;
    this.#drawing.forget();
    this.#odom.clear();
    if (!configured) return 'success';
    configured.abort.abort();
    configured.retry?.close();
    if (configured.failed) this.#fault = configured.cause;
    this.#closing = Promise.allSettled([this.#closing]).then(() => configured.robot?.close());
    this.#closing = this.#closing.catch((error: Error) => this.#note(`closing: ${error.message}`));
    return 'success';
  }

  #take(message: SensorMessage): void {
    const nowMs = this.#parts.port.time.steadyMs();
    if (message.kind === 'mount') this.#mounts.add(message.value);
    else if (message.kind === 'refused') {
      this.#sensors.heard(message.channel, nowMs, message.detail);
    } else {
      this.#sensors.heard(message.channel, nowMs);
      const leap = this.#clock.jump(message.channel, message.value.stamp, nowMs);
      if (leap !== undefined) this.#jumped(message.channel, leap, nowMs);
    }
    if (message.kind === 'points') this.#frames.add(message.value.frameId);
    if (message.kind === 'odometry') this.#odom.add(message.value);
    const { robot } = this.#configured ?? {};
    if (message.kind === 'imu') this.#outputs?.motion(message.value.stamp, robot);
    for (const one of this.#memory.before(message, robot)) this.#mailbox?.put(one);
    this.#mailbox?.put(message);
  }
  #jumped(channel: string, leap: number, nowMs: number): void {
    this.#parts.port.log('warn', this.#jump.begin(channel, leap, nowMs));
    this.#odom.clear();
    this.#configured?.robot?.clockJumped(leap);
  }

  #parentOf(child: string, parent: string): void {
    const { config, frames } = this.#parts;
    if (!this.#outputs || child.replace(/^\//, '') !== frames.base) return;
    if (config.tf === 'base' && parent.replace(/^\//, '') !== config.mapFrame)
      this.#outputs.otherParent = parent;
  }

  #watcher(configured: Configured): RobotWatcher {
    const isOurs = () => configured === this.#configured && this.#parts.port.lifecycle.state === 'active';
    return {
      status: (status) => {
        if (configured !== this.#configured) return;
        if (status.frame !== this.#status?.frame) this.#frameAtMs = this.#parts.port.time.steadyMs();
        this.#status = status;
        if (!isOurs() || !configured.robot) return;
        this.#outputs?.status(status, this.#odom, configured.robot.pictures);
        void this.#drawing.draw(status, configured.robot, this.#outputs);
      },
      scan: (scan) => {
        if (isOurs()) this.#outputs?.scan(scan);
      },
      event: (event) => {
        if (configured === this.#configured) this.#outputs?.event(event);
      },
    };
  }

  #diagnose(): Outcome {
    const { port, config } = this.#parts;
    const nowMs = port.time.steadyMs();
    const rows = nodeRows({
      active: port.lifecycle.state === 'active',
      configured: this.#configured,
      fault: this.#fault,
      retrySeconds: config.retry,
      status: this.#status,
      silentMs: nowMs - this.#frameAtMs,
      sensors: this.#sensors.rows(nowMs),
      missing: [...this.#frames].flatMap((frame) => this.#mounts.missing(frame) ?? []),
      jump: this.#jump.at(nowMs),
      tfProblem: this.#outputs?.tfProblem,
      late: this.#mailbox?.lateClouds ?? 0,
      overflow: this.#mailbox?.overflow ?? 0,
    });
    this.#outputs?.diagnostics(rows);
    return 'success';
  }

  async #say(answer: Promise<CommandAnswer>): Promise<void> {
    const { ok, text } = await answer;
    this.#parts.port.log(ok ? 'info' : 'warn', text);
  }

  #guarded(name: string, task: () => Outcome): Outcome {
    try {
      return task();
    } catch (error) {
      this.#note(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return 'error';
    }
  }

  #note(text: string): void {
    this.#parts.port.log('error', text);
  }
}
