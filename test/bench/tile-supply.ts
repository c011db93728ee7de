import { execFileSync, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from '@loaders.gl/core';
import { PCDLoader } from '@loaders.gl/pcd';
import { LOADED_AT_ONCE, restOfTiles } from '../../src/commands/open-map.ts';
import type { Core, TileMap } from '../../src/core.ts';
import { picture } from '../../src/evaluation/picture.ts';
import { draw } from '../../src/evaluation/plots/draw.ts';
import { loadTile } from '../../src/map/load-tile.ts';
import type { TileEntry } from '../../src/map/manifest.ts';
import type { MapIndex } from '../../src/map/map-index.ts';
import { indexedTile, sealIndex } from '../../src/map/tile-index.ts';
import { TileSupply } from '../../src/map/tile-supply.ts';
import { median } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import { type LargeMap, serveLargeMap, streetTile, TILE_SIZE } from './large-map.ts';
import { note, race } from './measure.ts';
import type { Row } from './row.ts';
import { openStreet } from './street.ts';
import { config } from './tiles.ts';

const POINTS = 30_000;
const SCAN_MS = 100;
const SCANS = 100;
const SWAPPED = 9;

interface Drive {
  samples: [metres: number, megabytes: number][];
  /** resident, MB */
  peak: number;
  metres: number;
  mostHeld: number;
  bytesReceived: number;
  refused: number;
}

/** Tiles from disk to searchable, scans while tiles swap, and the memory of a drive through a very large map. */
export async function run(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-bench-'));
  try {
    const core = loadCore('native');
    core.setThreads(2);
    return [...(await loading(core, folder)), ...(await swapping(core, folder)), ...(await driving(folder))];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function loading(core: Core, folder: string): Promise<Row[]> {
  const { entry, path } = await writeTile(folder);
  const bytes = await readFile(path);
  const { sha256 } = entry;
  const built = await loadTile(core, '0_0', entry, TILE_SIZE, bytes);
  const indexPath = join(folder, 'tile.idx');
  await writeFile(indexPath, await sealIndex(sha256, (await core.tileIndex(built))!));
  const prebuilt = async () => {
    const reading = readFile(indexPath);
    await loadTile(core, '0_0', entry, TILE_SIZE, await readFile(path), async (cloud, origin) => {
      const { tile, use } = await indexedTile(core, cloud, origin, sha256, await reading);
      if (use !== 'read') throw new Error(`the index was not read: ${use}`);
      return tile;
    });
  };
  const { ours, index, peer } = await race(15, {
    ours: async () => loadTile(core, '0_0', entry, TILE_SIZE, await readFile(path)),
    index: prebuilt,
    // From memory, and to an array of coordinates only: it has no hash, no checks and no tree.
    peer: () =>
      parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), PCDLoader, {
        worker: false,
      }),
  });
  return [
    {
      id: 'tiles.load.30k.prebuilt',
      value: index,
      unit: 'ms',
      peer: '@loaders.gl/pcd, parsing alone',
      peerValue: peer,
      ratio: peer / index,
      bar: { of: 'value', at: 'most', limit: 5 },
    },
    {
      id: 'tiles.load.30k.pcd',
      value: ours,
      unit: 'ms',
      peer: '@loaders.gl/pcd, parsing alone',
      peerValue: peer,
      ratio: peer / ours,
      bar: { of: 'value', at: 'most', limit: 25 },
    },
  ];
}

/** Scans at 10 Hz, each second of which nine other tiles take the place of nine. Each scan has the time to the next. */
async function swapping(core: Core, folder: string): Promise<Row[]> {
  const { path, entry } = await writeTile(folder);
  const { name, map, frames } = await openStreet(core);
  const { registration, lidar } = config;
  const tracking = { ...registration, kernelStart: registration.kernelNarrow };
  const scansWith = async (onScan: (scan: number) => Promise<void>) => {
    const taken: number[] = [];
    let due = performance.now();
    for (let scan = 0; scan < SCANS; scan++) {
      await pause(Math.max(0, due - performance.now()));
      const began = performance.now();
      await onScan(scan);
      const { message, T_base_sensor, motion, T_map_base } = frames[scan % frames.length]!;
      const { cloud } = await core.decodePointCloud2(message, lidar);
      const level = await core.deskew(cloud, T_base_sensor, motion);
      await map.align(await core.downsample(level, lidar.voxelSize), T_map_base, tracking);
      taken.push(performance.now() - began);
      // A scan that comes late by the one before it is not late twice.
      due = began + SCAN_MS;
    }
    return {
      late: taken.filter((ms) => ms > SCAN_MS).length,
      worst: Math.max(...taken),
      median: median(taken),
    };
  };
  let swaps = 0;
  const supply = supplyInto(
    core,
    map,
    entry,
    () => readFile(path),
    () => swaps++,
  );
  // A robot that drives has its tiles: they come at leisure.
  for (let k = 0; k < 100 && supply.status().held < SWAPPED; k++, await pause(20))
    await supply.moveTo([1e5 - 200, 1e5, 0], 1);
  swaps = 0;
  const still = await scansWith(async () => {});
  const swapped = await scansWith(async (scan) => {
    if (scan % 10 === 0) await supply.moveTo([1e5 + 200 * scan, 1e5, 0], 1);
  });
  note(`${name}: ${SCANS} scans at 10 Hz, ${swaps} tiles swapped in during them`);
  return [
    {
      id: 'tiles.swap.lateScans',
      value: swapped.late,
      unit: 'scans',
      peer: 'without a swap',
      peerValue: still.late,
      bar: { of: 'value', at: 'most', limit: 0 },
    },
    {
      id: 'tiles.swap.worstScan',
      value: swapped.worst,
      unit: 'ms',
      peer: 'without a swap',
      peerValue: still.worst,
    },
    {
      id: 'tiles.swap.medianScan',
      value: swapped.median,
      unit: 'ms',
      peer: 'without a swap',
      peerValue: still.median,
    },
    { id: 'tiles.swap.swapped', value: swaps, unit: 'tiles' },
  ];
}

/** A supply that puts its tiles into a map that has others, far from them: 3 × 3 around each place. */
function supplyInto(
  core: Core,
  map: TileMap,
  entry: TileEntry,
  read: () => Promise<Uint8Array>,
  onBuilt: () => void,
): TileSupply {
  const index: MapIndex = {
    mapId: 'bench',
    version: 1,
    expires: undefined,
    origin: { lat: 0, lon: 0, ellipsoidalHeight: 0 },
    tileSize: TILE_SIZE,
    size: SWAPPED,
    isSigned: true,
    file: (id) => ({ path: id, bytes: entry.bytes }),
    memoryOf: () => 1,
    pointsOrigin: () => [0, 0, 0],
    build: async (_, __, bytes) => {
      onBuilt();
      return loadTile(core, '0_0', entry, TILE_SIZE, bytes);
    },
  };
  return new TileSupply({
    core: Object.create(core, { tileMap: { value: () => map } }) as Core,
    index,
    files: { read, want: () => {}, discard: async () => false },
    // The budget is nine: the tile of the place and its neighbours.
    limits: { holdRadius: TILE_SIZE, keepFactor: 1.2, lookAhead: 0, memoryBytes: SWAPPED, fetchRadius: 0 },
    wait: false,
    loadAtOnce: LOADED_AT_ONCE,
    rest: restOfTiles,
    onRefused: note,
  });
}

/** For a computer with little memory (README): large blocks go back at once, and young objects have a small space. */
const LEAN = {
  env: { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' },
  flags: ['--max-semi-space-size=2'],
};
const PLAIN = { env: {}, flags: [] };

async function driving(folder: string): Promise<Row[]> {
  note('tiles: 2 km through 99,856 tiles of 30,000 points behind a service on loopback; building dist/');
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: join(import.meta.dirname, '../..') });
  const map = await serveLargeMap(POINTS);
  try {
    const lean = await driveIn(map, LEAN, join(folder, 'lean'));
    const plain = await driveIn(map, PLAIN, join(folder, 'plain'));
    const path = join(process.env.DILLY_BENCH_OUT ?? tmpdir(), 'tiles-rss.png');
    await writeFile(path, (await picture(chart(lean, plain)))!);
    const [start, opened] = lean.samples.map(([, megabytes]) => megabytes.toFixed(0));
    note(
      `manifest ${(map.manifestBytes / 1e6).toFixed(0)} MB; lean process ${start} MB, with the index ${opened} MB; at most ${lean.mostHeld} tiles held, ${lean.refused + plain.refused} refused; ${path}`,
    );
    return [
      {
        id: 'tiles.drive.rssPeak',
        value: lean.peak,
        unit: 'MB',
        bar: { of: 'value', at: 'most', limit: 250 },
      },
      { id: 'tiles.drive.rssPeak.plain', value: plain.peak, unit: 'MB' },
      { id: 'tiles.drive.downloaded', value: lean.bytesReceived / 1e6, unit: 'MB' },
      { id: 'tiles.drive.share', value: (100 * lean.bytesReceived) / map.bytes, unit: '% of the map' },
      { id: 'tiles.drive.length', value: lean.metres, unit: 'm' },
    ];
  } finally {
    map.close();
  }
}

function driveIn(
  { url, publicKey }: LargeMap,
  { env, flags }: typeof LEAN | typeof PLAIN,
  store: string,
): Promise<Drive> {
  const script = join(import.meta.dirname, 'drive-process.mjs');
  return new Promise((done, fail) => {
    const child = fork(script, [url, publicKey, store], {
      env: { ...process.env, ...env },
      execArgv: [...flags],
    });
    child.on('message', (found) => done(found as Drive));
    child.on('exit', (code) => fail(new Error(`the drive ended with exit code ${code}`)));
  });
}

function chart(lean: Drive, plain: Drive): string {
  const line = (name: string, data: Drive['samples']) => ({
    type: 'line' as const,
    name,
    showSymbol: false,
    data,
  });
  return draw(
    'rss',
    { width: 800, height: 340 },
    {
      legend: { top: 0 },
      grid: { left: 60, right: 20, top: 50, bottom: 50 },
      xAxis: { type: 'value', name: 'driven, m', nameLocation: 'middle', nameGap: 30 },
      yAxis: { type: 'value', name: 'resident memory, MB', min: 0 },
      series: [
        line('set for little memory', lean.samples),
        line('plain', plain.samples),
        line('bar: 250 MB', [
          [0, 250],
          [lean.metres, 250],
        ]),
      ],
    },
  );
}

async function writeTile(folder: string): Promise<{ path: string; entry: TileEntry }> {
  const bytes = streetTile(POINTS, 1);
  const path = join(folder, 'tile.pcd');
  await writeFile(path, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const bbox: TileEntry['bbox'] = [0, 0, -1, TILE_SIZE, TILE_SIZE, 11];
  return {
    path,
    entry: { sha256, bytes: bytes.length, points: POINTS, bbox, normals: { k: 20 }, fields: [] },
  };
}
