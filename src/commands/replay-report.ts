import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRecord } from '../evaluation/run-record.ts';
import type { RunSummary } from '../evaluation/summarise.ts';
import { writeEvidence } from './evidence.ts';
import { type ReplayOptions, replay } from './replay.ts';
import { describeNis } from './replay-text.ts';

/** Where a report goes for which nobody names a folder. */
export const REPORT_FOLDER = 'dilly-report';

export async function writeResults(out: string, summary: RunSummary, record: RunRecord): Promise<void> {
  await writeFile(join(out, 'result.json'), `${JSON.stringify(summary, null, 2)}\n`);
  await writeEvidence(join(out, 'evidence.jsonl'), record);
  // Loaded here: the drawing libraries are large, and a replay without --out needs none of them.
  const { writeReport } = await import('../evaluation/report.ts');
  await writeReport(record, out);
}

/** Replays once more with the settings of --compare, into `other` below the folder, and writes one report of both. */
export async function compareReplays(
  record: RunRecord,
  input: string,
  options: ReplayOptions,
  out: string,
): Promise<void> {
  const name = (options.compare ?? []).join(' ');
  const set = [...options.set, ...(options.compare ?? [])];
  const other = await replay(input, { ...options, set, out: join(out, 'other') });
  process.stderr.write(`with ${name}:\n${describeNis(other.summary)}\n`);
  const { writeReport } = await import('../evaluation/report.ts');
  await writeReport(record, out, { name, record: other.record });
}
