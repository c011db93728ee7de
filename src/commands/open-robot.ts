import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { MediatorEvent } from '../adapters/its/voices.ts';
import type { Config } from '../config.ts';
import type { Core } from '../core.ts';
import type { Prior } from '../localization/initialization.ts';
import { TileSupply } from '../map/tile-supply.ts';
import type { HealthRow } from '../ports/robot.ts';
import type { BuildingLink, BuildingWatcher, PoseSink, SignalFeed } from '../ports.ts';
import { LocalRoutes } from '../robot/local-routes.ts';
import type { RobotClock, RobotParts, StateStore } from '../robot/parts.ts';
import { Robot } from '../robot.ts';
import { type Profile, profileSchema } from '../route/profile.ts';
import { Refusal } from '../types.ts';
import { type OpenMap, openMap, planLimits } from './open-map.ts';
import type { Session } from './shared.ts';

/** As often as the guard of a crossing is to be asked, ms. */
const TICK_MS = 100;
const LOADED_AT_ONCE = 4;

export interface OpenRobotOptions {
  readonly core: Core;
  /** a folder or an address as for `openMap`; undefined: no map */
  readonly map?: string | undefined;
  readonly prior?: Prior | undefined;
  readonly outputOn?: RobotParts['outputOn'];
  readonly sink?: PoseSink | undefined;
  readonly store?: StateStore | undefined;
  /** YAML of what the robot can do, to find ways on the map's graph; undefined: ways come from outside */
  readonly profile?: string | undefined;
  /** default: the clocks of this machine */
  readonly clock?: RobotClock | undefined;
  /** true: each scan waits for its tiles (a replay, a simulation); default: never */
  readonly wait?: boolean;
  /** false: no vendors, doors and lifts, whatever the configuration says */
  readonly its?: boolean;
}

/** A robot that is ready to be given sensor messages. */
export interface OpenedRobot {
  readonly robot: Robot;
  readonly map: OpenMap | undefined;
  readonly supply: TileSupply | undefined;
  /** metrics in the text format of Prometheus; empty without vendors */
  metrics(): Promise<string>;
  /** Calls `tick` ten times a second by the machine's clock; `close` ends it. A simulation ticks by itself. */
  start(): void;
  close(): Promise<void>;
}

export const machineClock: RobotClock = {
  nowMs: () => performance.now(),
  stamp: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)),
};

/** The robot out of configuration: its map, its signals, its doors. Rejects with a Refusal that says what is missing. */
export async function openRobot(options: OpenRobotOptions, { config, log }: Session): Promise<OpenedRobot> {
  const clock = options.clock ?? machineClock;
  const map = options.map
    ? await openMap(options.map, config.map, Date.now(), options.wait ? 'newest' : 'stored')
    : undefined;
  for (const { detail } of map?.problems ?? []) log.warn(detail);
  map?.adopted?.(map.index).catch((error: Error) => log.warn(error.message));
  const supply = map && supplyOf(map, options, { config, log });
  const its = options.its === false ? undefined : await openSignals(config);
  const robot = new Robot({
    core: options.core,
    config,
    clock,
    map: supply,
    prior: options.prior,
    outputOn: options.outputOn ?? (map ? 'points' : 'odometry'),
    sink: options.sink,
    signals: its?.signals,
    buildings: its?.buildings,
    routes: map && options.profile !== undefined ? await routesOn(map, options.profile, clock) : undefined,
    store: options.store,
    health: () => [...healthOfMap(supply), ...(its?.health() ?? [])],
  });
  let timer: NodeJS.Timeout | undefined;
  return {
    robot,
    map,
    supply,
    metrics: async () => its?.metrics() ?? '',
    start: () => {
      timer ??= setInterval(() => robot.tick(), TICK_MS);
    },
    close: async () => {
      clearInterval(timer);
      await robot.close();
      await map?.close();
    },
  };
}

function supplyOf(
  map: OpenMap,
  { core, wait = false }: OpenRobotOptions,
  { config, log }: Session,
): TileSupply {
  return new TileSupply({
    core,
    index: map.index,
    files: map.source,
    limits: planLimits(config.map),
    wait,
    loadAtOnce: LOADED_AT_ONCE,
    onRefused: (reason, detail) => log.warn(`${reason}: ${detail}`),
    onVersion: (index) => {
      map.adopted?.(index).catch((error: Error) => log.warn(error.message));
    },
  });
}

/** Vendors, doors and lifts, where they are configured; their libraries are loaded only then. */
async function openSignals({ its }: Config) {
  if (its.vendors.length === 0 && !its.doors) return undefined;
  const { openDoors, openIts } = await import('../adapters/its/open-its.ts');
  type Mediator = ReturnType<typeof openIts>;
  let mediator: Mediator | undefined;
  const signals: RobotParts['signals'] = (listener): SignalFeed => {
    mediator = openIts(its, process.env, {
      onState: (state) => listener.state(state),
      onEvent: ({ kind, detail, signalId }: MediatorEvent) =>
        listener.event(`signal-${kind}`, signalId === undefined ? detail : `${signalId}: ${detail}`),
    });
    return mediator;
  };
  const buildings = (watcher: BuildingWatcher): BuildingLink => openDoors(its, process.env, watcher);
  return {
    signals: its.vendors.length > 0 ? signals : undefined,
    buildings: its.doors ? buildings : undefined,
    health: (): HealthRow[] =>
      (mediator?.status() ?? []).map(({ name, breaker, pausedMs, lastProblem }) => ({
        name: `vendor:${name}`,
        state: breaker === 'open' ? 'down' : pausedMs > 0 ? 'degraded' : 'ok',
        text: lastProblem ?? 'answers',
      })),
    metrics: async () => (await mediator?.metrics.registry.metrics()) ?? '',
  };
}

function healthOfMap(supply: TileSupply | undefined): HealthRow[] {
  if (!supply) return [];
  const { mapId, version, held, missing, reason } = supply.status();
  const text = `${mapId} version ${version}: ${held} tiles, ${missing} missing${reason ? `, ${reason}` : ''}`;
  return [{ name: 'map', state: missing > 0 ? 'degraded' : 'ok', text }];
}

/** Rejects with a Refusal where the map has no graph, another one than its manifest says, or the profile is none. */
async function routesOn(
  { index, source }: OpenMap,
  profile: string,
  clock: RobotClock,
): Promise<LocalRoutes> {
  if (!index.graph) throw new Refusal('no-graph', `map ${index.mapId}: expected a route graph, found none`);
  const bytes = await source.read(index.graph.path, index.graph);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== index.graph.sha256)
    throw new Refusal(
      'bad-graph',
      `map ${index.mapId}: expected graph.geojson of sha256 ${index.graph.sha256}, found ${found}; fetch the map again`,
    );
  const graph = { bytes, mapVersion: index.version, origin: index.origin };
  return new LocalRoutes(graph, await readProfile(profile), () => Number(clock.stamp() / 1_000_000n));
}

async function readProfile(path: string): Promise<Profile> {
  const parsed = profileSchema.safeParse(parse(await readFile(path, 'utf8')));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new Refusal('bad-profile', `${path}: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
}
