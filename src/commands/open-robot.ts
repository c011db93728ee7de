import type { Core } from '../core.ts';
import type { Prior } from '../localization/initialization.ts';
import { TileSupply } from '../map/tile-supply.ts';
import type { HealthRow } from '../ports/robot.ts';
import type { PoseSink } from '../ports.ts';
import type { RobotClock, RobotParts, StateStore } from '../robot/parts.ts';
import { Robot } from '../robot.ts';
import { MapFollower } from './follow-map.ts';
import { MapRoutes, readProfile } from './map-routes.ts';
import { LOADED_AT_ONCE, type OpenMap, openMap, planLimits, restOfTiles } from './open-map.ts';
import { type ItsParts, openSignals } from './open-signals.ts';
import type { Session } from './shared.ts';

/** As often as the guard of a crossing is to be asked, ms. */
const TICK_MS = 100;

export interface OpenRobotOptions {
  readonly core: Core;
  /** a folder or an address as for `openMap`, or one that is open and stays the caller's; undefined: no map */
  readonly map?: string | OpenMap | undefined;
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
  /** signals, doors and lifts; default: those of the configuration; false: none, whatever it says */
  readonly its?: ItsParts | false | undefined;
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
  const map = await mapFor(options, config);
  for (const { detail } of map?.problems ?? []) log.warn(detail);
  map?.adopted?.(map.index).catch((error: Error) => log.warn(error.message));
  const opened: { robot?: Robot } = {};
  const supply =
    map &&
    supplyOf(
      map,
      options,
      { config, log },
      {
        onVersion: () => opened.robot?.reroute(),
        onNewer: () => void follower?.check(),
      },
    );
  const follower =
    map &&
    supply &&
    new MapFollower({
      map,
      supply,
      checkEvery: config.map.service.checkEvery,
      onProblem: (reason, detail) => log.warn(`${reason}: ${detail}`),
    });
  const routes =
    map && options.profile !== undefined
      ? new MapRoutes({
          source: map.source,
          index: () => supply!.index,
          profile: await readProfile(options.profile),
          wallMs: () => Number(clock.stamp() / 1_000_000n),
        })
      : undefined;
  await routes?.ready();
  const its = options.its === false ? undefined : (options.its ?? (await openSignals(config.its)));
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
    routes,
    store: options.store,
    health: () => [...healthOfMap(map, supply), ...(its?.health() ?? [])],
  });
  opened.robot = robot;
  const timers: NodeJS.Timeout[] = [];
  return {
    robot,
    map,
    supply,
    metrics: async () => its?.metrics() ?? '',
    start: () => {
      if (timers.length > 0) return;
      timers.push(setInterval(() => robot.tick(), TICK_MS));
      follower?.start();
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      await robot.close();
      await follower?.stop();
      if (typeof options.map === 'string') await map?.close();
    },
  };
}

async function mapFor(
  { map, wait }: OpenRobotOptions,
  config: Session['config'],
): Promise<OpenMap | undefined> {
  if (typeof map !== 'string') return map;
  return openMap(map, config.map, Date.now(), wait ? 'newest' : 'stored');
}

function supplyOf(
  map: OpenMap,
  { core, wait = false }: OpenRobotOptions,
  { config, log }: Session,
  { onVersion, onNewer }: { readonly onVersion: () => void; readonly onNewer: () => void },
): TileSupply {
  return new TileSupply({
    core,
    index: map.index,
    files: map.source,
    limits: planLimits(config.map),
    wait,
    loadAtOnce: LOADED_AT_ONCE,
    rest: restOfTiles,
    onRefused: (reason, detail) => log.warn(`${reason}: ${detail}`),
    onVersion: (index) => {
      map.adopted?.(index).catch((error: Error) => log.warn(error.message));
      onVersion();
    },
    onNewer,
  });
}

function healthOfMap(map: OpenMap | undefined, supply: TileSupply | undefined): HealthRow[] {
  if (!map || !supply) return [];
  const { mapId, version, staged, held, missing, damaged, reason } = supply.status();
  const next = staged === undefined ? '' : `, version ${staged} is being loaded`;
  const text = `${mapId} version ${version}: ${held} tiles, ${missing} missing, ${damaged} damaged${next}${reason ? `, ${reason}` : ''}`;
  const rows: HealthRow[] = [{ name: 'map', state: missing + damaged > 0 ? 'degraded' : 'ok', text }];
  const service = map.status?.();
  if (service) {
    const said = service.online ? 'answers' : 'no network: tiles come from the store alone';
    const why = service.detail ? `; ${service.detail}` : '';
    rows.push({ name: 'map-service', state: service.online ? 'ok' : 'degraded', text: `${said}${why}` });
  }
  return rows;
}
