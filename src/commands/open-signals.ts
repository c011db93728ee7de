import type { ItsConfig } from '../adapters/its/its-config.ts';
import type { Timing } from '../adapters/its/timing.ts';
import type { MediatorEvent } from '../adapters/its/voices.ts';
import type { HealthRow } from '../ports/robot.ts';
import type { BuildingLink, BuildingWatcher, SignalFeed } from '../ports.ts';
import type { RobotParts } from '../robot/parts.ts';

/** Signals, doors and lifts for a robot, and how those who give them are. */
export interface ItsParts extends Pick<RobotParts, 'signals' | 'buildings'> {
  health(): HealthRow[];
  /** in the text format of Prometheus */
  metrics(): Promise<string>;
}

/** Notes of a connection that came or went. */
const LINKED: Readonly<Record<string, boolean>> = { connected: true, disconnected: false };

/**
 * Vendors, doors and lifts, where they are configured; their libraries are loaded only then. Each opens when the robot
 * asks for it, and closes with the robot. `timing`: default the clocks of this machine.
 */
export async function openSignals(its: ItsConfig, timing?: Timing): Promise<ItsParts | undefined> {
  if (its.vendors.length === 0 && !its.doors) return undefined;
  const { openDoors, openIts } = await import('../adapters/its/open-its.ts');
  let mediator: ReturnType<typeof openIts> | undefined;
  const brokers = new Map<string, HealthRow>();
  for (const { kind, name } of its.vendors) if (kind === 'mqtt-spat') brokers.set(name, away(name));
  if (its.doors) brokers.set('doors', away('doors'));
  const linked = (name: string, reason: string, text: string) => {
    const isUp = LINKED[reason];
    if (isUp !== undefined && brokers.has(name))
      brokers.set(name, { name: `broker:${name}`, state: isUp ? 'ok' : 'down', text: `${reason}: ${text}` });
  };
  const signals: RobotParts['signals'] = (listener): SignalFeed => {
    mediator = openIts(its, process.env, {
      ...(timing && { timing }),
      onState: (state) => listener.state(state),
      onEvent: ({ kind, detail, signalId, vendor }: MediatorEvent) => {
        if (vendor !== undefined) linked(vendor, kind, detail);
        listener.event(`signal-${kind}`, signalId === undefined ? detail : `${signalId}: ${detail}`);
      },
    });
    return mediator;
  };
  const buildings = (watcher: BuildingWatcher): BuildingLink =>
    openDoors(
      its,
      process.env,
      {
        door: (state) => watcher.door(state),
        lift: (state) => watcher.lift(state),
        note: (note) => {
          linked('doors', note.reason, note.detail);
          watcher.note(note);
        },
      },
      timing,
    );
  return {
    signals: its.vendors.length > 0 ? signals : undefined,
    buildings: its.doors ? buildings : undefined,
    health: () => [...(mediator?.status() ?? []).map(vendorRow), ...brokers.values()],
    metrics: async () => (await mediator?.metrics.registry.metrics()) ?? '',
  };
}

function away(name: string): HealthRow {
  return { name: `broker:${name}`, state: 'down', text: 'not connected yet' };
}

function vendorRow(status: {
  readonly name: string;
  readonly breaker: 'open' | 'closed';
  readonly pausedMs: number;
  readonly lastProblem?: string;
}): HealthRow {
  const { name, breaker, pausedMs, lastProblem } = status;
  return {
    name: `vendor:${name}`,
    state: breaker === 'open' ? 'down' : pausedMs > 0 ? 'degraded' : 'ok',
    text: lastProblem === undefined ? 'answers' : `last problem: ${lastProblem}`,
  };
}
