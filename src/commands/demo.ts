import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { FolderStore } from '../map-service/http/folder-store.ts';
import { mapService } from '../map-service/http/server.ts';
import { Refusal } from '../types.ts';
import { NetworkCity } from './demo-outside.ts';
import { DemoPage } from './demo-page.ts';
import { DemoRecording } from './demo-recording.ts';
import { readProfiles } from './map-serve.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';
import { DEMO_MAP, openSim, PROFILES } from './sim.ts';
import { type Delivery, runDelivery, type SimNow } from './sim-run.ts';

interface DemoOptions extends CommonOptions {
  readonly headless?: boolean;
  readonly minutes: number;
  readonly seed: number;
  readonly record?: string;
}

/** So often a line says where the robot is, s. */
const SAY = 5;

export function addDemo(program: Command): void {
  const number = (text: string) => {
    if (Number(text) > 0 && Number(text) <= 600) return Number(text);
    throw new InvalidArgumentError(`expected a number up to 600, found ${text}`);
  };
  withCommonOptions(program.command('demo'))
    .description('the whole product in one process: map service, vendors, broker, city, robot; one delivery')
    .option('--headless', 'without a page; exit code 1 where the delivery fails')
    .option('--minutes <n>', 'the delivery must be done by then', number, 4)
    .option('--seed <n>', 'of sensors and traffic', number, 1)
    .option('--record <dir>', 'record the drive, sensors and what the robot says, to a folder in it')
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  await openSession(options);
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  const store = await mkdtemp(join(tmpdir(), 'dilly-demo-'));
  const closers: (() => Promise<unknown>)[] = [() => rm(store, { recursive: true, force: true })];
  try {
    const delivery = await deliver(options, store, ending.signal, closers);
    answer(options, delivery, describe(delivery));
    if (!delivery.delivered) process.exitCode = 1;
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    process.stderr.write('ended before the delivery was done\n');
    process.exitCode = options.headless ? 1 : 0;
  } finally {
    // The last that was opened is the first to be closed.
    for (const close of closers.reverse()) await close();
    process.removeListener('SIGINT', end);
    process.removeListener('SIGTERM', end);
  }
}

async function deliver(
  options: DemoOptions,
  store: string,
  ending: AbortSignal,
  closers: (() => Promise<unknown>)[],
): Promise<Delivery> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const service = await mapService({
    store: new FolderStore(dirname(DEMO_MAP), ['gangnam-demo']),
    profiles: await readProfiles(PROFILES),
    maxDriveBytes: 1e9,
    cacheBytes: 64e6,
    refreshMs: 2000,
    radiusM: 60,
    routeLifeMs: 15 * 60_000,
    bodyLimit: 1e6,
    requestTimeoutMs: 30_000,
    onFailure: (_, error) => say(`map service: ${String(error)}`),
  });
  closers.push(() => service.close());
  const address = await service.listen({ host: '127.0.0.1', port: 0 });
  const { parts, close } = await openSim({
    ...options,
    // The demo's map is made by `dilly-nav sim map` and comes with the product: nobody signs it.
    set: ['map.allowUnsigned=true', `map.store.folder=${store}`, ...options.set],
    map: `${address}/v1/maps/gangnam-demo`,
    graph: DEMO_MAP,
    lidar: 'spin-32',
    rain: '0',
    seconds: String(60 * options.minutes),
  });
  closers.push(close);
  const graph = await readFile(join(DEMO_MAP, 'graph.geojson'));
  const outside = await NetworkCity.start(graph.toString(), parts.config, say);
  closers.push(() => outside.close());
  say(`map service ${address}/openapi; city ${outside.addresses}; ends at Ctrl-C`);
  const recording = options.record ? await DemoRecording.start(options.record, parts.config, say) : undefined;
  if (recording) closers.push(() => recording.close());
  const page = options.headless ? undefined : await DemoPage.open(parts, say, recording, outside.its);
  if (page) closers.push(() => page.close());
  if (page) say(`operators' page: ${page.address}`);
  const begun = performance.now();
  let said = Number.NEGATIVE_INFINITY;
  return runDelivery({
    ...parts,
    seed: options.seed,
    outside,
    onOpened: (robot) => {
      page?.show(robot);
      recording?.watch(robot);
    },
    ...(recording && { onMessage: async (message) => recording.message(message) }),
    onStep: async ({ stamp }, now) => {
      if (page) page.stamp = stamp;
      recording?.pass(stamp);
      if (ending.aborted) throw new Refusal('cancelled', 'ended');
      const ahead = 1000 * now.seconds - (performance.now() - begun);
      if (ahead > 5) await pause(ahead);
      if (now.seconds - said < SAY) return;
      said = now.seconds;
      say(lineOf(now));
    },
  });
}

function lineOf({ seconds, status, advice }: SimNow): string {
  const { state = 'UNINITIALISED', stateReason } = status?.frame ?? {};
  const said = stateReason === undefined ? state : `${state} (${stateReason})`;
  const along = (status?.route?.along ?? 0).toFixed(0).padStart(4);
  return `${seconds.toFixed(0).padStart(4)} s  ${along} m  ${said}  ${advice.motion}: ${advice.reason}`;
}

function describe(row: Delivery): string {
  const cm = (value: number | null) => (value === null ? '-' : `${(100 * value).toFixed(1)} cm`);
  return [
    row.delivered
      ? `delivered in ${row.seconds.toFixed(0)} s`
      : `NOT delivered in ${row.seconds.toFixed(0)} s`,
    `${row.distance.toFixed(0)} m driven; error against truth: median ${cm(row.errorMedian)}, p99 ${cm(row.errorP99)}, most ${cm(row.errorMax)}`,
    `tiles: ${row.tilesLoaded} loaded, ${row.tilesDropped} dropped`,
    `virtual walls crossed: ${row.wallsCrossed}; entered on red: ${row.enteredOnRed}`,
    ...Object.entries(row.waits).map(([reason, seconds]) => `waited ${seconds.toFixed(1)} s: ${reason}`),
  ].join('\n');
}
