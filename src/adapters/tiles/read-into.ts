import { open } from 'node:fs/promises';

/**
 * A whole file, in `into` where it fits: buffers of a megabyte each would wait for the garbage collector by the dozen,
 * which does not see their size. Rejects with the error of the file system.
 */
export async function readInto(path: string, into?: Uint8Array): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const bytes = into && into.length >= size ? into.subarray(0, size) : new Uint8Array(size);
    let at = 0;
    for (let read = 1; read > 0 && at < size; at += read)
      read = (await file.read(bytes, at, size - at, at)).bytesRead;
    return bytes.subarray(0, at);
  } finally {
    await file.close();
  }
}
