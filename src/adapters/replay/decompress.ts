import { createRequire } from 'node:module';
import zstd from '@foxglove/wasm-zstd';
import { Refusal } from '../../types.ts';
import { bunzip2 } from './bzip2.ts';

const require = createRequire(import.meta.url);
/** Neither library checks its allocations: a damaged size must not reach them. */
const MAX_CHUNK = 512 * 2 ** 20;

interface Lz4 {
  (data: Uint8Array, size: number): Uint8Array;
  readonly isLoaded: Promise<unknown>;
}

let lz4: Lz4 | undefined;

/**
 * Undoes the compression of a chunk (`''` and `none`, `zstd`, `lz4` frames, `bz2`). Throws a Refusal `damaged-bag` if it does
 * not give exactly `size` bytes, `unsupported-compression` for any other word.
 */
export async function decompress(compression: string, data: Uint8Array, size: number): Promise<Uint8Array> {
  refuseUnsupported(compression);
  if (size > MAX_CHUNK) {
    throw new Refusal('damaged-bag', `expected a chunk of at most ${MAX_CHUNK} bytes, found ${size}`);
  }
  const bytes = await decompressors[compression as keyof typeof decompressors](data, size);
  if (bytes.length !== size) {
    throw new Refusal(
      'damaged-bag',
      `expected ${size} bytes in a ${compression} chunk, found ${bytes.length}`,
    );
  }
  return bytes;
}

/** Throws a Refusal `unsupported-compression` that says what to do, unless we can read it. */
export function refuseUnsupported(compression: string): void {
  if (Object.hasOwn(decompressors, compression)) return;
  throw new Refusal(
    'unsupported-compression',
    `expected chunks without compression, or zstd, lz4 or bz2, found ${compression}; ` +
      'unpack the bag first (ROS 1: `rosbag decompress FILE`, ROS 2: `ros2 bag convert`)',
  );
}

const decompressors = {
  '': async (data: Uint8Array) => data,
  none: async (data: Uint8Array) => data,
  bz2: async (data: Uint8Array, size: number) => bunzip2(data, size),
  async zstd(data: Uint8Array, size: number) {
    await zstd.isLoaded;
    return zstd.decompress(data, size);
  },
  async lz4(data: Uint8Array, size: number) {
    lz4 ??= loadLz4();
    await lz4.isLoaded;
    try {
      return lz4(data, size);
    } catch (error) {
      lz4 = undefined;
      throw error;
    }
  },
};

/** The library keeps one decoder, which refuses everything after its first bad frame: then a new one is needed. */
function loadLz4(): Lz4 {
  const path = require.resolve('@foxglove/wasm-lz4');
  delete require.cache[path];
  return require(path) as Lz4;
}
