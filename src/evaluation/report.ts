import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { cardsOf, tablesOf } from './figures.ts';
import { htmlOf } from './html.ts';
import { overviewSvg } from './overview.ts';
import { panelsOf } from './panels.ts';
import { FONT } from './plots/draw.ts';
import { colour } from './plots/theme.ts';
import { THINNED_ABOVE } from './plots/time-series.ts';
import type { RunRecord } from './run-record.ts';

/** Pixels of the pictures for each unit of the drawings. */
const ZOOM = 1.5;

/** Paths of the files of a report. */
export interface ReportFiles {
  readonly html: string;
  /** the whole report as one picture */
  readonly png: string;
  /** one picture for each chart that could be drawn */
  readonly plots: readonly string[];
}

/**
 * Writes the report of a run: `report.html` (one file, opens from disk), `report.png` and `plots/<id>.png`. Makes the
 * folder if needed and overwrites an older report. What is missing in the record is said in the report, not thrown;
 * only a file that cannot be written rejects. The same record gives the same bytes.
 */
export async function writeReport(record: RunRecord, outDir: string): Promise<ReportFiles> {
  const parts = [record.title, factsOf(record), cardsOf(record), panelsOf(record), tablesOf(record)] as const;
  const html = join(outDir, 'report.html');
  const png = join(outDir, 'report.png');
  await mkdir(join(outDir, 'plots'), { recursive: true });
  await writeFile(html, htmlOf(...parts));
  await writeFile(png, picture(overviewSvg(...parts)));
  const plots: string[] = [];
  for (const panel of panelsOf(record)) {
    const drawing = panel.draw(`${panel.id}-plot`, { width: 640, height: panel.height });
    if ('missing' in drawing) continue;
    const path = join(outDir, 'plots', `${panel.id}.png`);
    await writeFile(path, picture(drawing.svg));
    plots.push(path);
  }
  return { html, png, plots };
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

/** An SVG drawn with the fonts that come with us: a robot or a container has none. */
function picture(svg: string): Buffer {
  const require = createRequire(import.meta.url);
  const fonts = ['DejaVuSansCondensed.ttf', 'DejaVuSansCondensed-Bold.ttf'];
  const resvg = new Resvg(svg, {
    background: colour('paper'),
    fitTo: { mode: 'zoom', value: ZOOM },
    font: {
      loadSystemFonts: false,
      fontFiles: fonts.map((font) => require.resolve(`dejavu-fonts-ttf/ttf/${font}`)),
      defaultFontFamily: FONT,
    },
  });
  return resvg.render().asPng();
}
