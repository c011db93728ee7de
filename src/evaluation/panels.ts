import { comparisonPanel, type OtherRun } from './comparison.ts';
import type { Size } from './plots/draw.ts';
import { drawMap } from './plots/map.ts';
import { coarsen, spansOf } from './plots/spans.ts';
import { drawStanford } from './plots/stanford.ts';
import { drawStates } from './plots/states.ts';
import { drawTimeRows, type TimeRow } from './plots/time-rows.ts';
import { correctionRows, errorRows, nisRows, protectionRows, registrationRows } from './plots/time-series.ts';
import { drawTiming } from './plots/timing.ts';
import { protectedPoses } from './protection.ts';
import type { RunRecord } from './run-record.ts';
import { endOf, errorsOf, startOf } from './summarise.ts';

/** One chart of the report. */
export interface Panel {
  readonly id: string;
  readonly title: string;
  /** what the chart shows and how to read it, in a sentence or two */
  readonly about: string;
  /** pixels of the drawing when it is 640 wide */
  readonly height: number;
  /** The chart as SVG, or in words why there is none. `id` must be unique on the page. */
  readonly draw: (id: string, size: Size) => { readonly svg: string } | { readonly missing: string };
}

/** All charts of a run, in the order of the report; first those that compare it with another. */
export function panelsOf(record: RunRecord, other?: OtherRun): Panel[] {
  const { frames, updates } = record;
  const start = startOf(record);
  const end = endOf(record);
  const spans = spansOf(frames, start);
  const errors = errorsOf(record);
  const rows =
    (series: readonly TimeRow[], missing: string, onStates = false): Panel['draw'] =>
    (id, size) => {
      const empty = series.every(({ marks }) => marks.every(({ points }) => points.length === 0));
      if (empty) return { missing };
      return { svg: drawTimeRows(id, size, end, series, onStates ? coarsen(spans, end, size.width) : []) };
    };
  const when =
    (shown: boolean, missing: string, svg: (id: string, size: Size) => string): Panel['draw'] =>
    (id, size) =>
      shown ? { svg: svg(id, size) } : { missing };
  const timed = frames.some(({ stages }) => Object.keys(stages).length > 0);
  const said = protectedPoses(record);
  const judged = said.flatMap((pose) =>
    pose.error === undefined || Number.isNaN(pose.error) ? [] : [{ ...pose, error: pose.error }],
  );
  return [
    ...(other ? [comparisonPanel(record, other)] : []),
    {
      id: 'map',
      title: 'Seen from above',
      about: `North is up, a metre is as long on both axes. ${record.mapPoints ? 'Grey: the map, darker where it has more points.' : 'No map points were recorded.'}`,
      height: 560,
      draw: (id, size) => {
        const svg = drawMap(record, id, size);
        return svg === undefined
          ? { missing: 'No pose, no fix and no map point: there is nothing to draw.' }
          : { svg };
      },
    },
    {
      id: 'error',
      title: 'Error against the reference',
      about: 'Shaded where the state was not TRACKING. The line breaks where there was no pose.',
      height: 560,
      draw: rows(errorRows(errors, start), whyNoErrors(record), true),
    },
    {
      id: 'protection',
      title: 'Protection level against error',
      about: 'Over the plane. The error must stay below the level. Shaded where the state was not TRACKING.',
      height: 320,
      draw: rows(protectionRows(said, start), 'No pose said a protection level.', true),
    },
    {
      id: 'stanford',
      title: 'Stanford diagram',
      about:
        'Each pose with the error that it had and the level that it said. In the red it was further off than it said.',
      height: 460,
      draw: when(judged.length > 0, whyNoErrors(record), (id, size) => drawStanford(judged, id, size)),
    },
    {
      id: 'states',
      title: 'States',
      about: 'When the run was in which state, and for how long in all.',
      height: 260,
      draw: when(frames.length > 0, 'The run has no frames.', (id, size) => drawStates(spans, end, id, size)),
    },
    {
      id: 'timing',
      title: 'Time for a frame',
      about: 'By stage, on a logarithmic scale.',
      height: 260,
      draw: when(timed, 'No frame was timed.', (id, size) => drawTiming(frames, id, size)),
    },
    {
      id: 'corrections',
      title: 'Corrections',
      about: 'How far each accepted update moved the position; at least 0.01 cm is drawn.',
      height: 520,
      draw: rows(correctionRows(updates, start), 'No measurement was accepted.'),
    },
    {
      id: 'nis',
      title: 'Consistency',
      about:
        'Normalised innovation squared. Above the band a sensor is worse than the filter believes, below it better.',
      height: 520,
      draw: rows(nisRows(updates, start), 'No measurement was offered to the filter.'),
    },
    {
      id: 'registration',
      title: 'Registration to the map',
      about: 'How well each scan fitted the tiles. Shaded where the state was not TRACKING.',
      height: 480,
      draw: rows(registrationRows(record, start), 'No scan was registered.', true),
    },
  ];
}

function whyNoErrors({ reference, frames }: RunRecord): string {
  if (reference === undefined) return 'No reference was given, so no error can be shown.';
  if (!frames.some(({ pose }) => pose !== undefined))
    return 'No frame had a pose, so there is nothing to compare.';
  return 'No pose has a reference at its time: check that both use the same clock.';
}
