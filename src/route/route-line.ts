import { chord, type FlatGraph } from './flat-graph.ts';
import type { RouteStep } from './router.ts';

type Place = readonly [lon: number, lat: number];

/** The way along steps as lon, lat; a place where two steps meet comes once. */
export function lineOfSteps(graph: FlatGraph, steps: readonly RouteStep[]): Place[] {
  const line: Place[] = [];
  for (const step of steps) {
    for (const place of lineOfStep(graph, step)) {
      const last = line.at(-1);
      if (!last || last[0] !== place[0] || last[1] !== place[1]) line.push(place);
    }
  }
  return line;
}

function lineOfStep(graph: FlatGraph, { link, begin, end }: RouteStep): Place[] {
  const [low, high] = [Math.min(begin, end), Math.max(begin, end)];
  const whole = graph.length[link]!;
  const places: Place[] = [];
  let along = 0;
  const last = graph.pointStart[link + 1]! - 1;
  for (let p = graph.pointStart[link]!; p < last; p++) {
    const a: Place = [graph.lon[p]!, graph.lat[p]!];
    const b: Place = [graph.lon[p + 1]!, graph.lat[p + 1]!];
    const length = chord(...a, ...b);
    const next = p + 1 === last ? whole : along + length;
    const between = (s: number): Place => {
      const t = length > 0 ? (s - along) / length : 0;
      return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    };
    if (low <= along && along <= high) places.push(a);
    if (along < low && low < next) places.push(between(low));
    if (along < high && high < next) places.push(between(high));
    along = next;
  }
  if (high >= whole) places.push([graph.lon[last]!, graph.lat[last]!]);
  return end < begin ? places.reverse() : places;
}
