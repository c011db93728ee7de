import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { refusalReason } from '../types.ts';
import { filesOf, surveyBag } from './bag-read.ts';

export type Verdict =
  | 'ok'
  /** a sound bag without messages */
  | 'no-messages'
  | 'empty-file'
  | 'truncated'
  | 'damaged'
  | 'bad-messages'
  | 'unsupported'
  /** a file that the bag's metadata.yaml names is missing */
  | 'incomplete'
  /** not as many messages as metadata.yaml says */
  | 'other-count'
  | 'not-a-bag';

export interface CheckRow {
  readonly path: string;
  readonly verdict: Verdict;
  readonly format: string | null;
  readonly messages: number;
  readonly detail: string;
}

const VERDICTS: Readonly<Record<string, Verdict>> = {
  'empty-bag': 'empty-file',
  'truncated-bag': 'truncated',
  'damaged-bag': 'damaged',
  'unsupported-compression': 'unsupported',
  'not-a-bag': 'not-a-bag',
};

/** rosbag2_storage's BagMetadata as far as it can be held against the files; versions 1 to 9 have it. */
const metadataSchema = z.object({
  rosbag2_bagfile_information: z.object({
    relative_file_paths: z.array(z.string()),
    message_count: z.number(),
    topics_with_message_count: z.array(
      z.object({ topic_metadata: z.object({ name: z.string(), serialization_format: z.string() }) }),
    ),
  }),
});
const METADATA = 'metadata.yaml';

/** A verdict on each file that the paths mean, and on the description of each bag's folder where it is wrong. */
export async function checkBags(
  paths: readonly string[],
  onFile: (done: number, of: number) => void = () => {},
): Promise<CheckRow[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const rows: CheckRow[] = [];
  for (const file of files) {
    rows.push(await checkFile(file));
    onFile(rows.length, files.length);
  }
  for (const folder of (await Promise.all(paths.map(describedFolders))).flat()) {
    const wrong = await metadataFault(folder, rows);
    if (wrong) rows.push({ path: join(folder, METADATA), format: 'rosbag2 metadata', messages: 0, ...wrong });
  }
  return rows;
}

/** The verdict on one file; it never rejects for what is in the file. */
export async function checkFile(path: string): Promise<CheckRow> {
  try {
    const { format, messages, damage, refused } = await surveyBag(path);
    const cut = damage.find(({ reason }) => reason === 'truncated-bag') ?? damage[0];
    if (cut) return { path, verdict: VERDICTS[cut.reason]!, format, messages, detail: cut.detail };
    const bad = Object.entries(refused).map(([reason, count]) => `${count} × ${reason}`);
    if (bad.length > 0) return { path, verdict: 'bad-messages', format, messages, detail: bad.join(', ') };
    return { path, verdict: messages > 0 ? 'ok' : 'no-messages', format, messages, detail: '' };
  } catch (error) {
    const verdict = VERDICTS[refusalReason(error) ?? ''];
    if (!verdict) throw error;
    return { path, verdict, format: null, messages: 0, detail: (error as Error).message };
  }
}

/** What other programs would go by and the files of the folder do not bear out. */
async function metadataFault(
  folder: string,
  rows: readonly CheckRow[],
): Promise<Pick<CheckRow, 'verdict' | 'detail'> | undefined> {
  let found: z.infer<typeof metadataSchema>;
  try {
    found = metadataSchema.parse(parse(await readFile(join(folder, METADATA), 'utf8')));
  } catch (error) {
    const what = (error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 200);
    return { verdict: 'damaged', detail: `expected a description of a bag, found: ${what}` };
  }
  const {
    relative_file_paths: names,
    message_count,
    topics_with_message_count,
  } = found.rosbag2_bagfile_information;
  // The first versions name the folder too.
  const files = names.map((name) => rows.find(({ path }) => path === join(folder, basename(name))));
  const missing = names.filter((_, k) => !files[k]);
  if (missing.length > 0)
    return { verdict: 'incomplete', detail: `expected ${missing.join(', ')}, found no such file` };
  for (const { topic_metadata } of topics_with_message_count) {
    const { name, serialization_format: format } = topic_metadata;
    if (format !== 'cdr')
      return {
        verdict: 'unsupported',
        detail: `${name}: expected serialization format cdr, found ${format}`,
      };
  }
  const messages = files.reduce((sum, file) => sum + file!.messages, 0);
  if (messages === message_count) return undefined;
  return {
    verdict: 'other-count',
    detail: `expected ${message_count} messages as it says, found ${messages}`,
  };
}

async function describedFolders(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.name === METADATA).map((entry) => entry.parentPath);
}
