const MEMORY = 4;

/**
 * Anderson's mixing: from the last places and the plain steps there, the step that would cancel the plain one if the
 * iteration were linear (Walker & Ni 2011). As in native/include/dilly/icp.hpp.
 */
export function mix(at: readonly number[][], steps: readonly number[][]): number[] {
  const m = Math.min(steps.length - 1, MEMORY);
  const next = [...steps.at(-1)!];
  const difference = (rows: readonly number[][], i: number, k: number) =>
    rows.at(-1 - i)![k]! - rows.at(-2 - i)![k]!;
  const a = Array.from({ length: m }, () => new Array<number>(m + 1).fill(0));
  let trace = 0;
  for (let i = 0; i < m; i++)
    for (let k = 0; k < 6; k++) {
      const d = difference(steps, i, k);
      for (let j = 0; j < m; j++) a[i]![j]! += d * difference(steps, j, k);
      a[i]![m]! += d * steps.at(-1)![k]!;
      trace += d * d;
    }
  for (let i = 0; i < m; i++) a[i]![i]! += 1e-8 * trace + 1e-18;
  for (let i = 0; i < m; i++)
    for (let r = 0; r < m; r++) {
      if (r === i) continue;
      const ratio = a[r]![i]! / a[i]![i]!;
      for (let c = i; c <= m; c++) a[r]![c]! -= ratio * a[i]![c]!;
    }
  for (let i = 0; i < m; i++)
    for (let k = 0; k < 6; k++)
      next[k]! -= (a[i]![m]! / a[i]![i]!) * (difference(at, i, k) + difference(steps, i, k));
  return next;
}
