import { copyFile, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { Refusal } from '../../types.ts';
import {
  type BagFile,
  type BagTopic,
  type Damage,
  errorText,
  plainTypeName,
  type RawMessage,
  type ReportDamage,
  type Span,
} from './bag-file.ts';
import { RandomFile } from './random-file.ts';
import { readInOrder, salvage } from './sqlite-rows.ts';

/**
 * Opens a rosbag2 SQLite file, read-only, streaming its rows. Rejects with a Refusal `damaged-bag` if its tables cannot
 * be read at all; later damage is reported when reading.
 */
export async function openSqlite(path: string): Promise<BagFile> {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-bag-'));
  const close = () => rm(folder, { recursive: true, force: true });
  let db: sqlite.Database | undefined;
  try {
    const damage = await sizeDamage(path);
    db = await openDatabase(path, folder);
    return new SqliteFile(db, damage, close);
  } catch (error) {
    db?.close();
    await close();
    throw new Refusal(
      'damaged-bag',
      `expected the tables of a rosbag2 SQLite file in ${path}, found: ${errorText(error)}; ` +
        'recover it with `sqlite3 FILE .recover`, or record it again',
    );
  }
}

/**
 * SQLite puts its lock beside the file and, for a file in WAL mode, a log. Opening it through a link keeps both out of
 * the user's folder, which may be read-only. Exclusive locking lets WAL files be read without shared memory.
 */
async function openDatabase(path: string, folder: string): Promise<sqlite.Database> {
  const link = join(folder, 'bag.db3');
  await symlink(resolve(path), link);
  // Rows of a recording that was not closed; ours is a copy, because SQLite may write to it.
  await copyFile(`${path}-wal`, `${link}-wal`).catch(() => undefined);
  const db = new sqlite.Database(link, { readOnly: true, fileMustExist: true });
  db.exec('PRAGMA locking_mode = EXCLUSIVE');
  return db;
}

/** Compares the size with the header's count of pages (https://sqlite.org/fileformat2.html §1.3). */
async function sizeDamage(path: string): Promise<Damage | undefined> {
  const file = await RandomFile.open(path);
  try {
    if (file.size < 100)
      return { reason: 'truncated-bag', detail: `expected a header of 100 bytes, found ${file.size}` };
    const bytes = await file.read(0, 100);
    const view = new DataView(bytes.buffer);
    const pageSize = view.getUint16(16) === 1 ? 65536 : view.getUint16(16);
    const expected = view.getUint32(28) * pageSize;
    if (file.size < expected) {
      return {
        reason: 'truncated-bag',
        detail: `expected ${expected} bytes, found ${file.size}; what is left is used`,
      };
    }
  } finally {
    await file.close();
  }
  const journal = await stat(`${path}-journal`).catch(() => undefined);
  if (!journal?.size) return undefined;
  return {
    reason: 'damaged-bag',
    detail: 'expected no journal beside the file: its last write was not finished',
  };
}

class SqliteFile implements BagFile {
  readonly topics: readonly BagTopic[];
  readonly span: Span | undefined;
  readonly #db: sqlite.Database;
  readonly #byId = new Map<number, BagTopic>();
  readonly #damage: Damage | undefined;
  readonly #cleanUp: () => Promise<void>;

  constructor(db: sqlite.Database, damage: Damage | undefined, cleanUp: () => Promise<void>) {
    this.#db = db;
    this.#damage = damage;
    this.#cleanUp = cleanUp;
    const definitions = readDefinitions(db);
    for (const row of db.all('SELECT id, name, type, serialization_format FROM topics')) {
      const definition = definitions.get(String(row.type));
      this.#byId.set(Number(row.id), {
        name: String(row.name),
        type: plainTypeName(String(row.type)),
        encoding: String(row.serialization_format),
        schemaEncoding: definition?.encoding ?? '',
        definition: definition?.text ?? '',
      });
    }
    this.topics = [...this.#byId.values()];
    this.span = readSpan(db);
  }

  /** Counting would read the whole table. */
  messageCount(): undefined {
    return undefined;
  }

  async *read(wanted: (topic: BagTopic) => boolean, report: ReportDamage): AsyncGenerator<RawMessage> {
    const topics = new Map([...this.#byId].filter(([, topic]) => wanted(topic)));
    if (!this.#damage) {
      yield* readInOrder(this.#db, topics, report);
      return;
    }
    report(this.#damage);
    yield* salvage(this.#db, topics, report);
  }

  async close(): Promise<void> {
    this.#db.close();
    await this.#cleanUp();
  }
}

/** Newer recorders store definitions too. */
function readDefinitions(db: sqlite.Database): Map<string, { encoding: string; text: string }> {
  const definitions = new Map<string, { encoding: string; text: string }>();
  const table = db.get("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'message_definitions'");
  if (!table) return definitions;
  for (const row of db.all(
    'SELECT topic_type, encoding, encoded_message_definition AS text FROM message_definitions',
  )) {
    definitions.set(String(row.topic_type), { encoding: String(row.encoding), text: String(row.text) });
  }
  return definitions;
}

function readSpan(db: sqlite.Database): Span | undefined {
  try {
    const start = db.get('SELECT min(timestamp) AS time FROM messages')?.time;
    const end = db.get('SELECT max(timestamp) AS time FROM messages')?.time;
    if (start === null || end === null) return undefined;
    return { start: BigInt(start as number | bigint), end: BigInt(end as number | bigint) };
  } catch {
    // A cut file may have lost its index of times; the rows are tried all the same.
    return undefined;
  }
}
