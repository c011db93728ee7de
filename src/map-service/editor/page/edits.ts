import { cornersOf, type Feature, freeId } from './features.ts';

/** Moves one corner of a feature; links go with the node that they end at. */
export function moveCorner(
  features: readonly Feature[],
  feature: Feature,
  corner: number,
  to: number[],
): void {
  setCorner(feature, corner, to);
  const { kind, id } = feature.properties;
  if (kind !== 'node') return;
  for (const { geometry, properties } of features) {
    if (properties.kind !== 'link' || geometry.type !== 'LineString') continue;
    if (properties.from === id) geometry.coordinates[0] = [...to];
    if (properties.to === id) geometry.coordinates[geometry.coordinates.length - 1] = [...to];
  }
}

function setCorner({ geometry, properties }: Feature, corner: number, to: number[]): void {
  if (geometry.type === 'Point') {
    // Where a POI is reached is moved with it: it was put there together with it.
    const { approach } = properties as { approach?: { lon: number; lat: number } };
    if (approach)
      Object.assign(approach, {
        lon: approach.lon + to[0]! - geometry.coordinates[0]!,
        lat: approach.lat + to[1]! - geometry.coordinates[1]!,
      });
    geometry.coordinates = [...to];
  } else if (geometry.type === 'LineString') geometry.coordinates[corner] = [...to];
  else {
    const ring = geometry.coordinates[0]!;
    ring[corner] = [...to];
    if (corner === 0) ring[ring.length - 1] = [...to];
  }
}

/** A point feature of a kind with what its schema asks for. */
export function addPoint(
  features: Feature[],
  kind: string,
  at: number[],
  link: Feature | undefined,
): Feature {
  const [lon, lat] = at as [number, number];
  const more: Record<string, object> = {
    node: {},
    poi: { name: 'new', approach: { lon, lat, heading: 0 } },
    signal: {
      link: link?.properties.id ?? '',
      stopLine: link ? cornersOf(link).slice(0, 2) : [at, at],
      crossingLength: 10,
      provider: 'city',
      externalId: '0',
      head: 'nt',
      verifiedAt: '',
    },
    door: {
      links: link ? [link.properties.id] : [],
      adapter: 'rmf',
      waitPose: { lon, lat, heading: 0 },
      maxHold: 30,
    },
    lift: {
      links: link ? [link.properties.id] : [],
      adapter: 'rmf',
      waitPose: { lon, lat, heading: 0 },
      maxHold: 60,
    },
  };
  const id = freeId(features, kind);
  const feature: Feature = {
    type: 'Feature',
    geometry: { type: 'Point', coordinates: at },
    properties: { kind, id, ...more[kind] },
  };
  features.push(feature);
  if (!link) return feature;
  if (kind === 'signal') link.properties.crossing = id;
  if (kind === 'door' || kind === 'lift') link.properties[kind] = id;
  return feature;
}

/** A link from corner to corner. Its ends are nodes: those that are there already, or new ones. */
export function addLink(features: Feature[], corners: number[][]): Feature {
  const nodeAt = (at: number[]) =>
    features.find(
      ({ geometry, properties }) => properties.kind === 'node' && String(geometry.coordinates) === String(at),
    ) ?? addPoint(features, 'node', at, undefined);
  const [from, to] = [nodeAt(corners[0]!), nodeAt(corners.at(-1)!)];
  const feature: Feature = {
    type: 'Feature',
    geometry: { type: 'LineString', coordinates: corners },
    properties: {
      kind: 'link',
      id: freeId(features, 'link'),
      from: from.properties.id,
      to: to.properties.id,
      width: 1.5,
      incline: 0,
      surface: 'paving_stones',
      kerbHeight: 0,
      speedLimit: 1.5,
    },
  };
  features.push(feature);
  return feature;
}

export function addWall(features: Feature[], corners: number[][], isArea: boolean): Feature {
  const feature: Feature = {
    type: 'Feature',
    geometry: isArea
      ? { type: 'Polygon', coordinates: [[...corners, [...corners[0]!]]] }
      : { type: 'LineString', coordinates: corners },
    properties: { kind: 'virtual_wall', id: freeId(features, 'wall'), type: 'no_go' },
  };
  features.push(feature);
  return feature;
}

/** Removes a feature and, with a node, the links that end at it; what named it names it no longer. */
export function remove(features: readonly Feature[], { properties: { kind, id } }: Feature): Feature[] {
  const isGone = ({ properties: p }: Feature) =>
    (p.kind === kind && p.id === id) ||
    (kind === 'node' && p.kind === 'link' && (p.from === id || p.to === id));
  const gone = new Set(features.filter(isGone).map(({ properties: p }) => `${p.kind}/${p.id}`));
  const left = features.filter((one) => !isGone(one));
  for (const { properties: p } of left) {
    if (p.kind === 'link') {
      if (gone.has(`signal/${p.crossing}`)) delete p.crossing;
      if (gone.has(`door/${p.door}`)) delete p.door;
      if (gone.has(`lift/${p.lift}`)) delete p.lift;
    }
    if (Array.isArray(p.links)) p.links = p.links.filter((link) => !gone.has(`link/${link}`));
  }
  return left;
}

/** The feature with other properties, from text. Its kind stays; links follow a node to its new id. */
export function setProperties(features: readonly Feature[], feature: Feature, text: string): void {
  const next = JSON.parse(text) as Feature['properties'];
  const { kind, id } = feature.properties;
  if (next?.kind !== kind) throw new Error(`expected kind ${kind}, found ${next?.kind}`);
  if (typeof next.id !== 'string' || next.id === '') throw new Error(`expected an id, found ${next.id}`);
  if (next.id !== id && features.some(({ properties: p }) => p.kind === kind && p.id === next.id))
    throw new Error(`expected an id of its own, found ${next.id}, which another ${kind} has`);
  feature.properties = next;
  if (kind !== 'node' || next.id === id) return;
  for (const { properties: p } of features) {
    if (p.kind !== 'link') continue;
    if (p.from === id) p.from = next.id;
    if (p.to === id) p.to = next.id;
  }
}
