import { type EnuFrame, enuFrame, type Geodetic } from '../math/geodesy.ts';
import { type Feature, type FeatureOf, ofKind, type Position } from './graph-schema.ts';

export interface GraphProblem {
  readonly reason:
    | 'link-end-missing'
    | 'link-not-joined'
    | 'nodes-apart'
    | 'crossing-without-signal'
    | 'signal-without-link'
    | 'wall-across-link'
    | 'poi-off-graph'
    | 'poi-unreachable';
  readonly id: string;
  readonly detail: string;
  readonly lon: number;
  readonly lat: number;
}

/** A link's end this far from its node does not join it; two nodes this close were meant to be one, metres. */
const JOINED_M = 0.5;
/** A POI is reached from a link this close to its approach, metres. */
const APPROACH_M = 5;

type Flat = readonly [x: number, y: number];

/** What is wrong with a graph, each with its place. */
export function checkGraph(features: readonly Feature[], origin: Geodetic): GraphProblem[] {
  const frame = enuFrame(origin);
  const links = ofKind(features, 'link');
  const walls = acrossLinks(features, links, frame);
  const blocked = new Set(walls.map(({ id }) => id));
  return [
    ...checkEnds(features, links, frame),
    ...checkNodes(features, frame),
    ...checkSignals(features, links),
    ...walls,
    ...checkPois(features, links, blocked, frame),
  ];
}

function at(reason: GraphProblem['reason'], id: string, detail: string, [lon, lat]: Position): GraphProblem {
  return { reason, id, detail, lon: lon!, lat: lat! };
}

function flat(frame: EnuFrame, [lon, lat]: Position): Flat {
  const [x, y] = frame.toEnu(lat!, lon!, frame.origin.ellipsoidalHeight);
  return [x, y];
}

function checkEnds(
  features: readonly Feature[],
  links: FeatureOf<'link'>[],
  frame: EnuFrame,
): GraphProblem[] {
  const nodes = new Map(
    ofKind(features, 'node').map((node) => [node.properties.id, node.geometry.coordinates]),
  );
  return links.flatMap(({ geometry: { coordinates }, properties: { id, from, to } }) =>
    (
      [
        [from, coordinates[0]!],
        [to, coordinates.at(-1)!],
      ] as const
    ).flatMap(([name, end]) => {
      const node = nodes.get(name);
      if (!node) return [at('link-end-missing', id, `no node ${name}`, end)];
      const [a, b] = [flat(frame, node), flat(frame, end)];
      const metres = Math.hypot(a[0] - b[0], a[1] - b[1]);
      const detail = `ends ${metres.toFixed(2)} m from node ${name}`;
      return metres > JOINED_M ? [at('link-not-joined', id, detail, end)] : [];
    }),
  );
}

/** Nodes of one floor that lie so close that they were meant to be one. */
function checkNodes(features: readonly Feature[], frame: EnuFrame): GraphProblem[] {
  const cells = new Map<string, { id: string; place: Flat }[]>();
  const found: GraphProblem[] = [];
  for (const { geometry, properties } of ofKind(features, 'node')) {
    const place = flat(frame, geometry.coordinates);
    const [i, j] = [Math.floor(place[0] / JOINED_M), Math.floor(place[1] / JOINED_M)];
    for (let n = 0; n < 9; n++) {
      for (const other of cells.get(`${properties.floor} ${i + (n % 3) - 1} ${j + Math.floor(n / 3) - 1}`) ??
        []) {
        const metres = Math.hypot(place[0] - other.place[0], place[1] - other.place[1]);
        const detail = `${metres.toFixed(2)} m from node ${other.id}, not joined`;
        if (metres < JOINED_M) found.push(at('nodes-apart', properties.id, detail, geometry.coordinates));
      }
    }
    const key = `${properties.floor} ${i} ${j}`;
    cells.set(key, [...(cells.get(key) ?? []), { id: properties.id, place }]);
  }
  return found;
}

function checkSignals(features: readonly Feature[], links: FeatureOf<'link'>[]): GraphProblem[] {
  const signals = ofKind(features, 'signal');
  const known = new Set(signals.map(({ properties }) => properties.id));
  const linkIds = new Set(links.map(({ properties }) => properties.id));
  const open = links.filter(({ properties: { crossing } }) => crossing !== undefined && !known.has(crossing));
  return [
    ...open.map(({ geometry, properties: { id, crossing } }) =>
      at('crossing-without-signal', id, `no signal ${crossing}`, geometry.coordinates[0]!),
    ),
    ...signals
      .filter(({ properties }) => !linkIds.has(properties.link))
      .map(({ geometry, properties: { id, link } }) =>
        at('signal-without-link', id, `no link ${link}`, geometry.coordinates),
      ),
  ];
}

/** Links that a no-go wall crosses; `id` is the link's. */
function acrossLinks(
  features: readonly Feature[],
  links: FeatureOf<'link'>[],
  frame: EnuFrame,
): GraphProblem[] {
  const walls = ofKind(features, 'virtual_wall').filter(({ properties }) => properties.type === 'no_go');
  const lines = walls.flatMap(({ geometry, properties }) => {
    const rings = geometry.type === 'Polygon' ? geometry.coordinates : [geometry.coordinates];
    return rings.map((ring) => ({ id: properties.id, line: ring.map((p) => flat(frame, p)) }));
  });
  if (lines.length === 0) return [];
  return links.flatMap(({ geometry, properties }) => {
    const way = geometry.coordinates.map((p) => flat(frame, p));
    for (const { id, line } of lines) {
      const place = meeting(way, line);
      if (!place) continue;
      const { lon, lat } = frame.toGeodetic([place[0], place[1], 0]);
      return [at('wall-across-link', properties.id, `wall ${id}`, [lon, lat])];
    }
    return [];
  });
}

/** Where two lines first meet. */
function meeting(a: readonly Flat[], b: readonly Flat[]): Flat | undefined {
  for (let i = 1; i < a.length; i++) {
    for (let j = 1; j < b.length; j++) {
      const [p, q] = [a[i - 1]!, b[j - 1]!];
      const r: Flat = [a[i]![0] - p[0], a[i]![1] - p[1]];
      const s: Flat = [b[j]![0] - q[0], b[j]![1] - q[1]];
      const cross = r[0] * s[1] - r[1] * s[0];
      if (cross === 0) continue;
      const t = ((q[0] - p[0]) * s[1] - (q[1] - p[1]) * s[0]) / cross;
      const u = ((q[0] - p[0]) * r[1] - (q[1] - p[1]) * r[0]) / cross;
      if (t >= 0 && t <= 1 && u >= 0 && u <= 1) return [p[0] + t * r[0], p[1] + t * r[1]];
    }
  }
  return undefined;
}

/** POIs away from every link, or on a part of the graph that no open link joins to the largest part. */
function checkPois(
  features: readonly Feature[],
  links: FeatureOf<'link'>[],
  blocked: ReadonlySet<string>,
  frame: EnuFrame,
): GraphProblem[] {
  const parent = new Map<string, string>();
  const rootOf = (name: string): string => {
    let root = name;
    while (parent.has(root)) root = parent.get(root)!;
    if (root !== name) parent.set(name, root);
    return root;
  };
  const open = links.filter(({ properties }) => !blocked.has(properties.id));
  for (const {
    properties: { from, to },
  } of open) {
    const [a, b] = [rootOf(from), rootOf(to)];
    if (a !== b) parent.set(a, b);
  }
  const sizes = new Map<string, number>();
  for (const { properties } of open) {
    const root = rootOf(properties.from);
    sizes.set(root, (sizes.get(root) ?? 0) + 1);
  }
  const main = [...sizes].sort(([, a], [, b]) => b - a)[0]?.[0];
  const ways = open.map(({ geometry, properties }) => ({
    way: geometry.coordinates.map((p) => flat(frame, p)),
    root: rootOf(properties.from),
  }));
  return ofKind(features, 'poi').flatMap(({ properties: { id, name, approach } }) => {
    const place: Position = [approach.lon, approach.lat];
    const here = flat(frame, place);
    const near = ways.filter(({ way }) => distanceTo(way, here) <= APPROACH_M);
    if (near.length === 0)
      return [at('poi-off-graph', id, `${name}: no open link within ${APPROACH_M} m of its approach`, place)];
    if (near.some(({ root }) => root === main)) return [];
    return [at('poi-unreachable', id, `${name}: its links do not join the rest of the graph`, place)];
  });
}

function distanceTo(way: readonly Flat[], [x, y]: Flat): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < way.length; i++) {
    const [a, b] = [way[i - 1]!, way[i]!];
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const length2 = dx * dx + dy * dy;
    const t = length2 > 0 ? Math.min(1, Math.max(0, ((x - a[0]) * dx + (y - a[1]) * dy) / length2)) : 0;
    least = Math.min(least, Math.hypot(x - a[0] - t * dx, y - a[1] - t * dy));
  }
  return least;
}
