import { randomUUID } from 'node:crypto';
import type { MappedScan, RobotEvent, RobotStatus } from '../../ports/robot.ts';
import { encodeCloud, SCAN } from './cloud-frame.ts';
import { EventLog } from './event-log.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { OperatorMetrics } from './operator-metrics.ts';
import { seconds, statusContent } from './status-frame.ts';
import { Throttle } from './throttle.ts';
import { Topics } from './topics.ts';
import type { ControlFrame, EventFrame } from './wire.ts';

/** Events of this long before an intervention belong to it, ms. */
const BEFORE_MS = 30_000;

/** What the robot shows, encoded once for all clients: events in a log, all else as the newest of each topic. */
export class Publisher {
  readonly epoch = randomUUID();
  readonly log: EventLog;
  readonly topics = new Topics(['control', 'status', 'route', 'tiles'], ['scan']);
  readonly #parts: GatewayParts;
  readonly #metrics: OperatorMetrics;
  readonly #changed: () => void;
  readonly #status: Throttle<RobotStatus>;
  readonly #scan: Throttle<MappedScan>;
  #latest: { readonly status: RobotStatus; readonly atMs: number } | undefined;
  #shown = { route: '', tiles: '' };

  /** `changed` is called after each thing that is new; `wanted` says whether anybody would see a scan. */
  constructor(parts: GatewayParts, metrics: OperatorMetrics, changed: () => void, wanted: () => boolean) {
    this.#parts = parts;
    this.#metrics = metrics;
    this.#changed = changed;
    const { retention, rates } = parts.config;
    this.log = new EventLog(retention.events, 1000 * retention.seconds);
    this.#status = new Throttle(1000 / rates.poseHz, parts.clock, (status) => this.#publish(status));
    this.#scan = new Throttle(1000 / rates.cloudHz, parts.clock, (scan) => {
      if (!wanted()) return;
      this.topics.cloud('scan', encodeCloud(SCAN, scan, rates.cloudPoints));
      this.#published('scan');
    });
  }

  /** The last status and when it came, ms on the monotonic clock. */
  get latest() {
    return this.#latest;
  }

  status(status: RobotStatus): void {
    this.#latest = { status, atMs: this.#parts.clock.nowMs() };
    this.#status.offer(status);
  }

  scan(scan: MappedScan): void {
    this.#scan.offer(scan);
  }

  event({ stamp, kind, severity, text, data }: RobotEvent): void {
    const at = this.#parts.wallMs();
    const frameOf = (seq: number): EventFrame => ({
      epoch: this.epoch,
      seq,
      type: 'event',
      at,
      stamp: seconds(stamp),
      kind,
      severity,
      text,
      ...(data && { data: plain(data) }),
    });
    this.log.append(this.#parts.clock.nowMs(), frameOf);
    this.#metrics.events.inc({ severity });
    this.#changed();
  }

  control(holder: ControlFrame['holder']): void {
    this.topics.text('control', { ...this.#head(), type: 'control', holder });
    this.#published('control');
  }

  /** For an intervention: what happened before it. */
  eventsBefore(): EventFrame[] {
    return this.log.since(this.#parts.clock.nowMs() - BEFORE_MS);
  }

  stop(): void {
    this.#status.stop();
    this.#scan.stop();
  }

  #publish(status: RobotStatus): void {
    const { wallMs, sensorNow } = this.#parts;
    this.topics.text('status', { ...this.#head(), ...statusContent(status, wallMs(), sensorNow?.()) });
    this.#metrics.frames.inc({ type: 'status' });
    const { route, tiles } = status;
    // The same route may get a new line, so the line itself counts.
    const routeText = JSON.stringify({ routeId: route?.routeId ?? null, line: route?.line ?? [] });
    if (routeText !== this.#shown.route) {
      this.#shown.route = routeText;
      this.topics.text('route', { ...this.#head(), type: 'route', ...JSON.parse(routeText) });
      this.#metrics.frames.inc({ type: 'route' });
    }
    const head = this.#parts.map?.head;
    const map = head && { mapId: head.mapId, version: head.version };
    const tilesText = JSON.stringify([map, tiles]);
    if (tilesText !== this.#shown.tiles) {
      this.#shown.tiles = tilesText;
      this.topics.text('tiles', { ...this.#head(), type: 'tiles', ...(map && { map }), tiles });
      this.#metrics.frames.inc({ type: 'tiles' });
    }
    this.#changed();
  }

  #published(type: string): void {
    this.#metrics.frames.inc({ type });
    this.#changed();
  }

  #head() {
    return { epoch: this.epoch, seq: this.log.last };
  }
}

/** As JSON can say it: a bigint as text. */
function plain(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(data, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
}
