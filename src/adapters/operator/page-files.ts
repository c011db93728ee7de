import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

export interface PageFile {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
  /** its name holds its hash */
  readonly isImmutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * The built page, read once: paths are looked up, never joined, so that none leads out of the folder. Empty where the
 * page was not built.
 */
export async function readPage(folder: string): Promise<Map<string, PageFile>> {
  const names = await readdir(folder, { recursive: true }).catch(() => [] as string[]);
  const files = new Map<string, PageFile>();
  for (const name of names) {
    const type = TYPES[extname(name)];
    if (!type) continue;
    const bytes = await readFile(join(folder, name));
    const path = `/${name.replaceAll('\\', '/')}`;
    const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
    files.set(path === '/index.html' ? '/' : path, {
      bytes,
      type,
      etag,
      isImmutable: path.startsWith('/assets/'),
    });
  }
  return files;
}
