import type sqlite from 'node-sqlite3-wasm';
import { type BagTopic, compareRaw, errorText, type RawMessage, type ReportDamage } from './bag-file.ts';

type Row = Record<string, number | bigint | string | Uint8Array | null>;
type Topics = ReadonlyMap<number, BagTopic>;

/** The rows of a sound file, by (time, name, id): SQLite walks its index of times and sorts only equal times. */
export function* readInOrder(
  db: sqlite.Database,
  topics: Topics,
  report: ReportDamage,
): Generator<RawMessage> {
  const sql =
    'SELECT messages.id AS id, topic_id, timestamp, data FROM messages JOIN topics ON topics.id = topic_id ' +
    `WHERE topic_id IN (${[...topics.keys()].join()}) ORDER BY timestamp, topics.name, messages.id`;
  for (const row of rows(db, sql, report)) {
    const topic = topics.get(Number(row.topic_id));
    if (topic) yield message(row, topic, row.data);
  }
}

/**
 * What is left of a damaged file: walks over the rows in the order they were written until that fails, sorts what it
 * saw (without the data, so that this is small), then fetches each row.
 */
export function* salvage(db: sqlite.Database, topics: Topics, report: ReportDamage): Generator<RawMessage> {
  const found: RawMessage[] = [];
  for (const row of rows(
    db,
    'SELECT id, topic_id, timestamp FROM messages NOT INDEXED ORDER BY id',
    report,
  )) {
    const topic = topics.get(Number(row.topic_id));
    if (topic) found.push(message(row, topic, null));
  }
  const fetch = db.prepare('SELECT data FROM messages WHERE id = ?');
  let lost = 0;
  try {
    for (const item of found.sort(compareRaw)) {
      try {
        const row = fetch.get(item.sequence) as Row | null;
        yield { ...item, data: bytes(row?.data) };
      } catch {
        lost++;
      }
    }
  } finally {
    fetch.finalize();
  }
  if (lost > 0) report({ reason: 'truncated-bag', detail: `${lost} rows have lost their data` });
}

function* rows(db: sqlite.Database, sql: string, report: ReportDamage): Generator<Row> {
  let statement: sqlite.Statement | undefined;
  try {
    statement = db.prepare(sql);
    yield* statement.iterate() as IterableIterator<Row>;
  } catch (error) {
    report({ reason: 'damaged-bag', detail: `reading rows stopped: ${errorText(error)}` });
  } finally {
    statement?.finalize();
  }
}

/** The row's id stands in for a sequence, which SQLite bags do not have. */
function message(row: Row, topic: BagTopic, data: unknown): RawMessage {
  return {
    topic,
    arrival: BigInt(row.timestamp as number | bigint),
    sequence: Number(row.id),
    data: bytes(data),
  };
}

function bytes(data: unknown): Uint8Array {
  return data instanceof Uint8Array ? data : new Uint8Array(0);
}
