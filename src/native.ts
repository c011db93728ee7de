import { createRequire } from 'node:module';
import type { Core, RayScene, TileMap } from './core.ts';
import { createPortableCore } from './portable/core.ts';
import { Refusal } from './types.ts';

/** What `native/src/addon.cpp` exports: the core's functions, with a cancel token where the core takes a signal. */
type Addon = Pick<Core, 'cloud' | 'keepMemory' | 'setThreads' | 'traceVoxels'> & {
  [K in LongWork]: (...args: WithToken<Parameters<Core[K]>>) => ReturnType<Core[K]>;
} & {
  /** Sets (when given) and says the instruction set. */
  setSimd(simd?: 'scalar' | 'best'): Core['simd'];
  TileMap: new (tileSize: number) => NativeTileMap;
  CancelToken: new () => CancelToken;
  RayScene: new (solids: Float64Array) => RayScene;
};

/** What works off the event loop: its last parameter is an AbortSignal. */
type LongWork =
  | 'decodePointCloud2'
  | 'decodePcd'
  | 'deskew'
  | 'thin'
  | 'downsample'
  | 'estimateNormals'
  | 'firstFault'
  | 'kdTree'
  | 'tile'
  | 'tileFromIndex'
  | 'tileIndex';

type WithToken<Args extends unknown[]> =
  Required<Args> extends [...infer Given, AbortSignal] ? [...Given, token?: CancelToken] : never;

type NativeTileMap = Omit<TileMap, 'align' | 'places'> & {
  [K in 'align' | 'places']: (...args: WithToken<Parameters<TileMap[K]>>) => ReturnType<TileMap[K]>;
};

interface CancelToken {
  cancel(): void;
}

/**
 * The computing core: native where the addon was built, else the portable one. Which one it is, is in `core.kind`;
 * whoever runs a robot on it warns when it is not `native`.
 * @param preference `native` throws a Refusal when the addon is missing; `portable` never loads it
 * @param simd `scalar` leaves AVX2 unused, for tests and benchmarks; on arm64, where NEON is the baseline, it changes nothing
 */
export function loadCore(
  preference: 'auto' | 'native' | 'portable' = 'auto',
  simd: 'best' | 'scalar' = 'best',
): Core {
  if (preference === 'portable') return createPortableCore();
  const addon = loadAddon();
  if (addon) return nativeCore(addon, simd);
  if (preference === 'auto') return createPortableCore();
  throw new Refusal(
    'no-native-core',
    'expected native/build/dilly.node, found none that loads; run: npm rebuild',
  );
}

function loadAddon(): Addon | undefined {
  try {
    return createRequire(import.meta.url)('../native/build/dilly.node') as Addon;
  } catch {
    return undefined;
  }
}

function nativeCore(addon: Addon, simd: 'best' | 'scalar'): Core {
  const inUse = addon.setSimd(simd);

  /** Runs work that a signal can end early: between its blocks where the addon looks, else while it waits for a thread. */
  async function cancellable<T>(
    signal: AbortSignal | undefined,
    work: (token?: CancelToken) => Promise<T>,
  ): Promise<T> {
    if (!signal) return work();
    if (signal.aborted) throw new Refusal('cancelled', 'cancelled before it began');
    const token = new addon.CancelToken();
    const cancel = () => token.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await work(token);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  return {
    kind: 'native',
    simd: inUse,
    setThreads: (count) => addon.setThreads(count),
    keepMemory: () => addon.keepMemory(),
    cloud: (arrays) => addon.cloud(arrays),
    decodePointCloud2: (message, range, signal) =>
      cancellable(signal, (token) => addon.decodePointCloud2(message, range, token)),
    decodePcd: (bytes, signal) => cancellable(signal, (token) => addon.decodePcd(bytes, token)),
    deskew: (cloud, mount, motion, signal) =>
      cancellable(signal, (token) => addon.deskew(cloud, mount, motion, token)),
    thin: (sweeps, size, signal) => cancellable(signal, (token) => addon.thin(sweeps, size, token)),
    downsample: (cloud, size, signal) => cancellable(signal, (token) => addon.downsample(cloud, size, token)),
    estimateNormals: (cloud, k, signal) =>
      cancellable(signal, (token) => addon.estimateNormals(cloud, k, token)),
    firstFault: (cloud, limits, signal) =>
      cancellable(signal, (token) => addon.firstFault(cloud, limits, token)),
    kdTree: (cloud, signal) => cancellable(signal, (token) => addon.kdTree(cloud, token)),
    tile: (cloud, origin, signal) => cancellable(signal, (token) => addon.tile(cloud, origin, token)),
    tileFromIndex: (cloud, origin, index, signal) =>
      cancellable(signal, (token) => addon.tileFromIndex(cloud, origin, index, token)),
    tileIndex: (tile, signal) => cancellable(signal, (token) => addon.tileIndex(tile, token)),
    rayScene: (solids) => new addon.RayScene(solids),
    traceVoxels: (block, scans, gap) => addon.traceVoxels(block, scans, gap),
    tileMap: (tileSize) => {
      const map = new addon.TileMap(tileSize);
      return {
        get tileSize() {
          return map.tileSize;
        },
        get tileIds() {
          return map.tileIds;
        },
        get points() {
          return map.points;
        },
        add: (id, tile) => map.add(id, tile),
        remove: (id) => map.remove(id),
        nearest: (queries, maxDistance) => map.nearest(queries, maxDistance),
        align: (cloud, start, options, signal) =>
          cancellable(signal, (token) => map.align(cloud, start, options, token)),
        places: (cloud, prior, area, signal) =>
          cancellable(signal, (token) => map.places(cloud, prior, area, token)),
      };
    },
  };
}
