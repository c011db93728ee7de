import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OtherRun } from './comparison.ts';
import { cardsOf, tablesOf } from './figures.ts';
import { htmlOf } from './html.ts';
import { overviewSvg } from './overview.ts';
import { panelsOf } from './panels.ts';
import { picture } from './picture.ts';
import { THINNED_ABOVE } from './plots/time-series.ts';
import type { RunRecord } from './run-record.ts';

/** Paths of the files of a report. */
export interface ReportFiles {
  readonly html: string;
  /** the whole report as one picture; undefined where it could not be drawn */
  readonly png?: string;
  /** one picture for each chart that could be drawn */
  readonly plots: readonly string[];
}

/**
 * Writes the report of a run: `report.html` (one file, opens from disk), `report.png` and `plots/<id>.png`. Makes the
 * folder if needed and overwrites an older report. What is missing in the record is said in the report, not thrown;
 * only a file that cannot be written rejects. The same record gives the same bytes. `other`: a run to compare it with.
 */
export async function writeReport(record: RunRecord, outDir: string, other?: OtherRun): Promise<ReportFiles> {
  const panels = panelsOf(record, other);
  const parts = [record.title, factsOf(record), cardsOf(record), panels, tablesOf(record, other)] as const;
  const html = join(outDir, 'report.html');
  const png = join(outDir, 'report.png');
  await mkdir(join(outDir, 'plots'), { recursive: true });
  await writeFile(html, htmlOf(...parts));
  const hasOverview = await writePicture(png, overviewSvg(...parts));
  const plots: string[] = [];
  for (const panel of panels) {
    const drawing = panel.draw(`${panel.id}-plot`, { width: 640, height: panel.height });
    if ('missing' in drawing) continue;
    const path = join(outDir, 'plots', `${panel.id}.png`);
    if (await writePicture(path, drawing.svg)) plots.push(path);
  }
  return { html, ...(hasOverview && { png }), plots };
}

/** False where it could not be drawn; an older picture then goes too, for it would be taken for this run's. */
async function writePicture(path: string, svg: string): Promise<boolean> {
  const drawn = await picture(svg);
  if (drawn) await writeFile(path, drawn);
  else await rm(path, { force: true });
  return drawn !== undefined;
}

function factsOf(record: RunRecord): string[] {
  const thinned = Math.max(record.frames.length, record.updates.length) > THINNED_ABOVE;
  return [
    `input: ${record.input} · map: ${record.mapId ?? 'none'}`,
    record.trajectory === undefined
      ? 'no trajectory was written'
      : `trajectory: ${record.trajectory.path} · sha256 ${record.trajectory.sha256}`,
    ...(thinned
      ? ['Charts over time show a part of the points, the highest and lowest always; figures use all.']
      : []),
  ];
}
