import { createRequire } from 'node:module';
import type { AlignOptions, Cloud, Core, TileMap } from './core.ts';
import { createPortableCore } from './portable/core.ts';
import type { Pose, Vec3 } from './types.ts';
import { Refusal } from './types.ts';

/** What `native/src/addon.cpp` exports: the core's functions, with a cancel token where the core takes a signal. */
type Addon = Pick<
  Core,
  'decodePointCloud2' | 'decodePcd' | 'cloud' | 'deskew' | 'downsample' | 'kdTree' | 'setThreads'
> & {
  estimateNormals(cloud: Cloud, k: number, token?: CancelToken): Promise<Cloud>;
  tile(cloud: Cloud, origin: Vec3): ReturnType<Core['tile']>;
  /** Sets (when given) and says the instruction set. */
  setSimd(simd?: 'scalar' | 'best'): Core['simd'];
  TileMap: new (tileSize: number) => NativeTileMap;
  CancelToken: new () => CancelToken;
};

type NativeTileMap = Omit<TileMap, 'align'> & {
  align(
    cloud: Cloud,
    T_map_base: Pose,
    options: AlignOptions,
    token?: CancelToken,
  ): ReturnType<TileMap['align']>;
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

  /** Runs work that a signal can end early: between its blocks where the addon looks, else before it starts. */
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
    cloud: (arrays) => addon.cloud(arrays),
    decodePointCloud2: (message, range, signal) =>
      cancellable(signal, () => addon.decodePointCloud2(message, range)),
    decodePcd: (bytes, signal) => cancellable(signal, () => addon.decodePcd(bytes)),
    deskew: (cloud, mount, motion, signal) => cancellable(signal, () => addon.deskew(cloud, mount, motion)),
    downsample: (cloud, size, signal) => cancellable(signal, () => addon.downsample(cloud, size)),
    estimateNormals: (cloud, k, signal) =>
      cancellable(signal, (token) => addon.estimateNormals(cloud, k, token)),
    kdTree: (cloud, signal) => cancellable(signal, () => addon.kdTree(cloud)),
    tile: (cloud, origin, signal) => cancellable(signal, () => addon.tile(cloud, origin)),
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
      };
    },
  };
}
