/** One figure of a benchmark. `id` is stable: others compare it from run to run. */
export interface Row {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  readonly peer?: string;
  /** in the same unit, measured in the same run */
  readonly peerValue?: number;
  /** how many times better than the peer */
  readonly ratio?: number;
  readonly bar?: Bar;
}

/** What a figure is held to: `value < 50`, `ratio ≥ 80`. */
export interface Bar {
  readonly of: 'value' | 'ratio';
  readonly at: 'least' | 'most';
  readonly limit: number;
}

export function barText({ of, at, limit }: Bar): string {
  return `${of} ${at === 'least' ? '≥' : '≤'} ${limit}`;
}

/** Undefined where there is no bar, or no peer to be compared with. */
export function isMet(row: Row): boolean | undefined {
  const measured = row.bar && row[row.bar.of];
  if (!row.bar || measured === undefined) return undefined;
  return row.bar.at === 'least' ? measured >= row.bar.limit : measured <= row.bar.limit;
}

/** The rows as a table for people. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.id,
    `${short(row.value)} ${row.unit}`,
    row.peer ? `${row.peer}: ${short(row.peerValue!)}` : '',
    row.ratio === undefined ? '' : `${short(row.ratio)} ×`,
    row.bar ? barText(row.bar) : '',
    { true: 'met', false: 'MISSED', undefined: '' }[`${isMet(row)}`],
  ]);
  const lines = [['what', 'value', 'peer', 'ratio', 'bar', ''], ...cells];
  const widths = lines[0]!.map((_, k) => Math.max(...lines.map((line) => line[k]!.length)));
  return lines.map((line) => line.map((cell, k) => cell.padEnd(widths[k]!)).join('  ')).join('\n');
}

function short(value: number): string {
  if (Math.abs(value) >= 1000) return value.toFixed(0);
  return Number(value.toPrecision(3)).toString();
}
