import type { RunRecord } from '../evaluation/run-record.ts';
import type { RunSummary } from '../evaluation/summarise.ts';

const cm = (metres: number) => `${(100 * metres).toFixed(1)} cm`;

/** A run in a few lines for people. */
export function describeRun(summary: RunSummary, record: RunRecord, out: string | undefined): string {
  const { ape, yaw, firstPose, states, refused, stages } = summary;
  const lines = [
    `${summary.frames} frames, ${summary.tracked} tracked, ${summary.realTimeFactor.toFixed(1)} × real time`,
    firstPose ? `first pose after ${firstPose.seconds.toFixed(2)} s` : 'no pose was found',
  ];
  if (ape)
    lines.push(
      `position error   median ${cm(ape.median)}, p95 ${cm(ape.p95)}, max ${cm(ape.max)} (${summary.matched} poses)`,
    );
  if (yaw)
    lines.push(
      `heading error    median ${yaw.median.toFixed(3)}°, p95 ${yaw.p95.toFixed(3)}°, max ${yaw.max.toFixed(3)}°`,
    );
  lines.push(`states           ${pairs(states, (s) => `${s.toFixed(1)} s`)}`);
  if (Object.keys(stages).length > 0)
    lines.push(
      `time per scan    ${pairs(stages, ({ median, p99 }) => `${median.toFixed(1)} (p99 ${p99.toFixed(1)}) ms`)}`,
    );
  lines.push(
    `measurements     ${pairs(summary.nis, ({ accepted, count }) => `${accepted} of ${count} used`)}`,
  );
  for (const [reason, count] of Object.entries(refused))
    lines.push(`refused          ${count} × ${reason}: ${record.refusedExamples[reason]}`);
  if (out) lines.push(`report           ${out}/report.html`);
  return lines.join('\n');
}

/**
 * Whether each sensor's innovations are as large as the filter expects: the mean of the normalised innovation squared
 * is near the degrees of freedom, and 95 % lie in the band, where the noise model is right; below it is cautious.
 */
export function describeNis({ nis }: RunSummary): string {
  const head = ['NIS', 'used', 'offered', 'mean', 'dof', 'in 95 % band', 'not used'];
  const rows = Object.entries(nis).map(([sensor, { accepted, count, mean, dof, withinBand95, rejected }]) => [
    sensor,
    String(accepted),
    String(count),
    mean === null ? '-' : mean.toFixed(2),
    String(dof),
    withinBand95 === null ? '-' : `${(100 * withinBand95).toFixed(1)} %`,
    pairs(rejected, String) || '-',
  ]);
  const width = (column: number) => Math.max(...[head, ...rows].map((row) => row[column]!.length));
  const line = (row: string[]) =>
    row
      .map((cell, i) => (i === 0 || i === head.length - 1 ? cell.padEnd(width(i)) : cell.padStart(width(i))))
      .join('  ')
      .trimEnd();
  return [head, ...rows].map(line).join('\n');
}

function pairs<T>(record: Readonly<Record<string, T>>, text: (value: T) => string): string {
  return Object.entries(record)
    .map(([key, value]) => `${key} ${text(value)}`)
    .join(', ');
}
