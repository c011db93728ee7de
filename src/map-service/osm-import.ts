import { SaxesParser } from 'saxes';
import { Refusal } from '../types.ts';
import type { Feature, Position } from './graph-schema.ts';
import { isFootway, linkTags, type Tags } from './osm-tags.ts';

export interface Imported {
  readonly features: readonly Feature[];
  /** property → links whose source does not say it */
  readonly assumed: Readonly<Record<string, number>>;
}

interface Node {
  readonly place: Position;
  readonly tags: Tags;
}
interface Way {
  readonly id: string;
  readonly nodes: readonly string[];
  readonly tags: Tags;
}

/** Footways of OSM: Overpass JSON (`out body` with nodes) or .osm XML. Throws a Refusal `bad-osm`. */
export function importOsm(text: string, file: string): Imported {
  const { nodes, ways } = text.trimStart().startsWith('<') ? parseXml(text, file) : parseJson(text, file);
  return linksOf(
    nodes,
    ways.filter(({ tags }) => isFootway(tags)),
    'osm',
    file,
  );
}

/** Edges and nodes of OpenSidewalks, the text of each file. Throws a Refusal `bad-osw`. */
export function importOpenSidewalks(texts: readonly string[], file: string): Imported {
  const nodes = new Map<string, Node>();
  const ways: Way[] = [];
  const places = new Map<string, Position>();
  for (const text of texts) {
    for (const { geometry, properties } of featuresOf(text, file)) {
      const id = String(properties?._id);
      if (geometry?.type === 'Point')
        nodes.set(id, { place: geometry.coordinates as Position, tags: properties });
      if (geometry?.type !== 'LineString' || !isFootway(properties)) continue;
      const line = geometry.coordinates as Position[];
      const names = line.map((place, k) => {
        const name = k === 0 ? properties._u_id : k === line.length - 1 ? properties._v_id : undefined;
        const key = String(name ?? `${id}.${k}`);
        places.set(key, place);
        return key;
      });
      ways.push({ id, nodes: names, tags: properties });
    }
  }
  for (const [id, place] of places) if (!nodes.has(id)) nodes.set(id, { place, tags: {} });
  return linksOf(nodes, ways, 'osw', file);
}

/** Ways cut into links where they meet. */
function linksOf(
  nodes: ReadonlyMap<string, Node>,
  ways: readonly Way[],
  prefix: string,
  file: string,
): Imported {
  const uses = new Map<string, number>();
  for (const { nodes: way } of ways) for (const id of way) uses.set(id, (uses.get(id) ?? 0) + 1);
  const used = new Set<string>();
  const links: Feature[] = [];
  const assumed: Record<string, number> = {};
  for (const way of ways) {
    const places = way.nodes.map((id) => nodes.get(id));
    if (places.some((node) => node === undefined) || places.length < 2)
      throw new Refusal(
        `bad-${prefix}`,
        `${file}: way ${way.id}: expected two or more nodes, each with its place, found some missing; fetch nodes too`,
      );
    let start = 0;
    for (let end = 1; end < way.nodes.length; end++) {
      if (end < way.nodes.length - 1 && uses.get(way.nodes[end]!)! < 2) continue;
      const id = `${prefix}-${way.id}-${start}`;
      const part = places.slice(start, end + 1).map((node) => node!);
      const found = linkTags(
        way.tags,
        part.map(({ tags }) => tags),
        id,
      );
      for (const name of found.assumed) assumed[name] = (assumed[name] ?? 0) + 1;
      const [from, to] = [way.nodes[start]!, way.nodes[end]!];
      used.add(from).add(to);
      links.push({
        type: 'Feature',
        geometry: { type: 'LineString', coordinates: part.map(({ place }) => [place[0]!, place[1]!]) },
        properties: {
          kind: 'link',
          id,
          from: `${prefix}-${from}`,
          to: `${prefix}-${to}`,
          ...found.properties,
        },
      });
      start = end;
    }
  }
  const points = [...used].map((id): Feature => {
    const { place } = nodes.get(id)!;
    return {
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [place[0]!, place[1]!] },
      properties: { kind: 'node', id: `${prefix}-${id}` },
    };
  });
  return { features: [...points, ...links], assumed };
}

function parseJson(text: string, file: string): { nodes: Map<string, Node>; ways: Way[] } {
  const nodes = new Map<string, Node>();
  const ways: Way[] = [];
  try {
    for (const { type, id, lon, lat, nodes: list, tags = {} } of JSON.parse(text).elements) {
      if (type === 'node') nodes.set(String(id), { place: [Number(lon), Number(lat)], tags });
      if (type === 'way') ways.push({ id: String(id), nodes: list.map(String), tags });
    }
  } catch (error) {
    throw new Refusal(
      'bad-osm',
      `${file}: expected Overpass JSON or OSM XML, found ${(error as Error).message}`,
    );
  }
  return { nodes, ways };
}

function parseXml(text: string, file: string): { nodes: Map<string, Node>; ways: Way[] } {
  const nodes = new Map<string, Node>();
  const ways: Way[] = [];
  let tags: Record<string, string> = {};
  let list: string[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes: a }) => {
    if (name === 'node' || name === 'way') [tags, list] = [{}, []];
    if (name === 'node') nodes.set(a.id!, { place: [Number(a.lon), Number(a.lat)], tags });
    if (name === 'way') ways.push({ id: a.id!, nodes: list, tags });
    if (name === 'nd') list.push(a.ref!);
    if (name === 'tag') tags[a.k!] = a.v!;
  });
  parser.on('error', (error) => {
    throw new Refusal('bad-osm', `${file}: expected OSM XML, found ${error.message}`);
  });
  parser.write(text).close();
  return { nodes, ways };
}

interface RawFeature {
  readonly geometry?: { readonly type: string; readonly coordinates: unknown };
  readonly properties: Tags;
}

function featuresOf(text: string, file: string): RawFeature[] {
  try {
    const { features } = JSON.parse(text);
    if (Array.isArray(features)) return features;
  } catch {}
  throw new Refusal('bad-osw', `${file}: expected an OpenSidewalks FeatureCollection, found another thing`);
}
