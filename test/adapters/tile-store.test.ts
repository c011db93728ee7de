import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderManifestStore } from '../../src/adapters/tiles/manifest-store.ts';
import { TileStore } from '../../src/adapters/tiles/tile-store.ts';
import { refusalReason } from '../../src/types.ts';
import { sha256 } from '../tiles/fixture.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dilly-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const MB = 1e6;
const bytesOf = (n: number, size = 1000) => Buffer.alloc(size, n);

async function put(store: TileStore, bytes: Uint8Array): Promise<string> {
  const name = sha256(bytes);
  const incoming = await store.begin(name, bytes.length);
  await incoming.write(bytes.subarray(0, 300));
  await incoming.write(bytes.subarray(300));
  await incoming.commit();
  return name;
}

async function all<T>(given: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of given) found.push(one);
  return found;
}

async function reasonOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error) => refusalReason(error) ?? String(error),
  );
}

/** Makes a file look as if it had been used so many seconds ago. */
async function age(name: string, seconds: number): Promise<void> {
  const then = new Date(Date.now() - 1000 * seconds);
  await utimes(join(folder, 'sha256', `${name}.pcd`), then, then);
}

/** Files whose writes fail once so many bytes were written to them. */
function fullDisk(room: number, code = 'ENOSPC') {
  return async (path: string, flags: string): Promise<FileHandle> => {
    const file = await open(path, flags);
    let left = room;
    return new Proxy(file, {
      get(target, key) {
        if (key === 'write')
          return async (chunk: Uint8Array, from: number, length: number, at: number) => {
            if (left <= 0) throw Object.assign(new Error(`${code}: disk`), { code, syscall: 'write' });
            const some = Math.min(length, left);
            left -= some;
            return target.write(chunk, from, some, at);
          };
        const value = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
}

describe('a tile store', () => {
  it('gives back what was put in, also to the next process; nothing is seen before commit', async () => {
    const store = await TileStore.open(folder, MB);
    const bytes = bytesOf(1);
    const name = sha256(bytes);
    const incoming = await store.begin(name, bytes.length);
    await incoming.write(bytesOf(9, 500));
    expect(await store.has(name)).toBe(false);
    expect(await store.read(name)).toBeUndefined();
    await incoming.restart();
    await incoming.write(bytes);
    await incoming.commit();
    expect(Buffer.compare((await store.read(name))!, bytes)).toBe(0);
    expect(store.bytes).toBe(1000);
    const next = await TileStore.open(folder, MB);
    expect(next.bytes).toBe(1000);
    expect(Buffer.compare((await next.read(name))!, bytes)).toBe(0);
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  it('keeps an index beside its tile, counts it, and removes the two together', async () => {
    const store = await TileStore.open(folder, MB);
    const name = await put(store, bytesOf(1));
    expect(await store.readIndex(name)).toBeUndefined();
    await store.writeIndex(name, bytesOf(7, 200));
    await store.read(name);
    expect(store.bytes).toBe(1200);
    const next = await TileStore.open(folder, MB);
    expect(next.bytes).toBe(1200);
    expect(Buffer.compare((await next.readIndex(name))!, bytesOf(7, 200))).toBe(0);
    await next.free(1200);
    expect(await readdir(join(folder, 'sha256'))).toEqual([]);
    expect(await reasonOf((await TileStore.open(folder, 100)).writeIndex(name, bytesOf(7, 200)))).toBe(
      'disk-budget',
    );
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  });

  it('removes what was used longest ago, never what is pinned, here or by another process', async () => {
    const store = await TileStore.open(folder, 3500);
    const other = await TileStore.open(folder, 3500);
    const names = [await put(store, bytesOf(1)), await put(store, bytesOf(2)), await put(store, bytesOf(3))];
    for (const [k, name] of names.entries()) await age(name, 100 - k);
    await other.pin([names[0]!]);
    await store.read(names[1]!); // used: the third is now the oldest
    const fourth = await put(store, bytesOf(4));
    expect(await Promise.all([...names, fourth].map((name) => store.has(name)))).toEqual([
      true,
      true,
      false,
      true,
    ]);
    await store.pin([names[1]!, fourth]);
    expect(await reasonOf(put(store, bytesOf(5)))).toBe('disk-budget');
    expect(store.bytes).toBe(3000);
    await other.close(); // its pins go with it
    await put(store, bytesOf(5));
    expect(await store.has(names[0]!)).toBe(false);
    expect(await store.has(names[1]!)).toBe(true);
  });

  it.each(['ENOSPC', 'EDQUOT', 'EIO'])(
    'says %s by a reason, leaves no part behind, and keeps the old files',
    async (code) => {
      const old = await put(await TileStore.open(folder, MB), bytesOf(1));
      const store = await TileStore.open(folder, MB, fullDisk(400, code));
      const incoming = await store.begin(sha256(bytesOf(2)), 1000);
      expect(await reasonOf(incoming.write(bytesOf(2)))).toBe(code === 'EIO' ? 'disk-error' : 'disk-full');
      await incoming.abort();
      expect(await readdir(join(folder, 'incoming'))).toEqual([]);
      expect(await readdir(join(folder, 'sha256'))).toEqual([`${old}.pcd`]);
      expect(Buffer.compare((await store.read(old))!, bytesOf(1))).toBe(0);
    },
  );

  it('does the same on a disk that is really full', async (context) => {
    const mount = join(folder, 'small');
    await mkdir(mount);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount], { stdio: 'ignore' });
    } catch {
      context.skip('skipped: mounting needs root');
    }
    try {
      const store = await TileStore.open(mount, MB);
      const first = await put(store, bytesOf(1, 30_000));
      const incoming = await store.begin(sha256(bytesOf(2, 60_000)), 60_000);
      expect(await reasonOf(incoming.write(bytesOf(2, 60_000)))).toBe('disk-full');
      await incoming.abort();
      expect(Buffer.compare((await store.read(first))!, bytesOf(1, 30_000))).toBe(0);
    } finally {
      execFileSync('umount', ['-l', mount]);
    }
  });

  it('removes what a dead process left, and nothing that is on its way', async () => {
    await TileStore.open(folder, MB);
    const left = join(folder, 'incoming', `${'a'.repeat(64)}.1.x`);
    const fresh = join(folder, 'incoming', `${'b'.repeat(64)}.1.y`);
    await writeFile(left, 'x');
    await writeFile(fresh, 'y');
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(left, hourAgo, hourAgo);
    const pins = join(folder, 'pins', '1.dead');
    await writeFile(pins, 'c'.repeat(64));
    await utimes(pins, new Date(0), new Date(0));
    const store = await TileStore.open(folder, 1500);
    expect(await readdir(join(folder, 'incoming'))).toEqual([`${'b'.repeat(64)}.1.y`]);
    await put(store, bytesOf(1));
    await put(store, bytesOf(2)); // makes room, and so looks at all pins
    expect(await readdir(join(folder, 'pins'))).toEqual([]);
  });

  it('does without files that another process removed, and sees those that it put', async () => {
    const [store, other] = [await TileStore.open(folder, MB), await TileStore.open(folder, MB)];
    const name = await put(store, bytesOf(1));
    expect(await other.read(name)).toBeDefined();
    await other.discard(name);
    expect(await store.read(name)).toBeUndefined();
    expect(store.bytes).toBe(0);
    await Promise.all([put(store, bytesOf(2)), put(other, bytesOf(2))]);
    expect(Buffer.compare((await store.read(sha256(bytesOf(2))))!, bytesOf(2))).toBe(0);
  });

  it('says what to do where the folder is a file', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(TileStore.open(join(folder, 'file'), MB)).rejects.toThrow(/set map\.store\.folder/);
  });

  it('is safe with two processes that put, read and remove at once', async () => {
    const script = join(import.meta.dirname, '../tiles/store-process.ts');
    const run = (seed: number) =>
      new Promise<string>((done, fail) => {
        const child = fork(script, [folder, String(seed)], {
          execArgv: ['--import', 'tsx'],
          stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        });
        let said = '';
        child.stdout!.on('data', (text) => {
          said += text;
        });
        child.on('exit', (code) => (code === 0 ? done(said) : fail(new Error(`exit code ${code}`))));
      });
    const said = await Promise.all([run(1), run(2)]);
    for (const text of said) expect(JSON.parse(text)).toMatchObject({ wrong: 0, refused: {} });
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
    const files = await readdir(join(folder, 'sha256'));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect((await stat(join(folder, 'sha256', file))).size).toBe(1000);
  });
});

describe('a manifest store', () => {
  const received = (n: number) => ({ manifest: bytesOf(n), envelope: bytesOf(n + 100) });

  it('keeps each manifest with its own signature, the latest first, and not too many', async () => {
    const store = await FolderManifestStore.open(folder, 'yard');
    for (const version of [2, 1, 10, 9, 11]) await store.keep(version, received(version));
    await store.keep(11, received(11));
    const stored = await all((await FolderManifestStore.open(folder, 'yard')).stored());
    expect(stored.map(({ manifest }) => manifest[0])).toEqual([11, 10, 9]);
    for (const { manifest, envelope } of stored) expect(envelope![0]).toBe(manifest[0]! + 100);
  });

  it('never removes the version in use', async () => {
    const store = await FolderManifestStore.open(folder, 'yard');
    await store.seen.raise(1, 0);
    for (const version of [1, 2, 3, 4, 5]) await store.keep(version, received(version));
    expect((await all(store.stored())).map(({ manifest }) => manifest[0])).toEqual([5, 4, 3, 1]);
  });

  it('remembers the most that was seen, whoever saw it, in whatever order', async () => {
    const [one, two] = [
      await FolderManifestStore.open(folder, 'yard'),
      await FolderManifestStore.open(folder, 'yard'),
    ];
    expect(await one.seen.read()).toEqual({ version: 0, timeMs: 0 });
    await Promise.all([one.seen.raise(7, 1000), two.seen.raise(5, 2000), one.seen.raise(3, 10)]);
    await two.seen.raise(6, 500);
    const after = await (await FolderManifestStore.open(folder, 'yard')).seen.read();
    expect(after).toEqual({ version: 7, timeMs: 2000 });
  });
});
