import type { EnuFrame } from '../math/geodesy.ts';
import type { DoorFeature, GraphFeatures, LinkFeature, SignalFeature } from '../route/features.ts';
import { progressAlong } from '../route/progress.ts';
import { Refusal, type RouteSignal } from '../types.ts';
import { lengthOf, meetingWith, partOf, type XY } from './line.ts';
import { type WallStretch, wallsOn } from './route-walls.ts';

/** A way as a router or a map service gives it. `begin`, `end`: metres from the link's `from`, backwards if end < begin. */
export interface Way {
  readonly routeId: string;
  readonly mapVersion: number;
  /** lon, lat in order of travel */
  readonly line: readonly (readonly [lon: number, lat: number])[];
  readonly links: readonly { readonly id: string; readonly begin: number; readonly end: number }[];
}

/** A way with all that a robot must heed on it. Places are metres along the line, from its start. */
export interface RobotRoute {
  readonly routeId: string;
  readonly mapVersion: number;
  /** map frame, m */
  readonly line: readonly XY[];
  readonly crossings: readonly RouteCrossing[];
  readonly buildings: readonly RouteBuilding[];
  readonly walls: readonly WallStretch[];
  readonly stretches: readonly RouteStretch[];
}

/** One link of the graph on the way; m and m/s. */
export interface RouteStretch {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly speedLimit: number;
}

/** A road to be crossed. Without a signal it is never crossed. */
export interface RouteCrossing {
  readonly id: string;
  readonly signal?: RouteSignal | undefined;
  /** where the road begins for the robot, in its direction */
  readonly stopAt: number;
}

/** A door or lift to be passed. `centre`: in the doorway, or where the robot stands in the car. */
export type RouteBuilding = {
  readonly id: string;
  readonly enterAt: number;
  readonly centre: number;
  readonly exitAt: number;
} & ({ readonly kind: 'door' } | { readonly kind: 'lift'; readonly from: string; readonly to: string });

/** The way between the jambs, m: the robot is in the door this far before and behind its middle. */
const DOOR_DEPTH = 0.5;
/** A stop line may lie so far outside the link of its crossing, m. */
const STOP_LINE_REACH = 5;

/** Lays what the graph knows of its links along a way. Throws a Refusal `bad-route` where that is not enough to go it. */
export function robotRoute(way: Way, features: GraphFeatures, frame: EnuFrame): RobotRoute {
  const toEnu = (lon: number, lat: number): XY => {
    const [x, y] = frame.toEnu(lat, lon, frame.origin.ellipsoidalHeight);
    return [x, y];
  };
  const line = way.line.map(([lon, lat]) => toEnu(lon, lat));
  if (line.length < 2)
    throw new Refusal('bad-route', `route ${way.routeId}: expected two places or more, found ${line.length}`);
  const stretches = stretchesOf(way, features.links, lengthOf(line));
  const place = { line, toEnu };
  return {
    routeId: way.routeId,
    mapVersion: way.mapVersion,
    line,
    crossings: stretches.flatMap((stretch) => crossingOn(stretch, features.signals, place) ?? []),
    buildings: stretches.flatMap((stretch) => [
      ...doorsOn(stretch, features.doors, place),
      ...liftsOn(stretch, features, place),
    ]),
    walls: wallsOn(way.line, features.walls, lengthOf(line)),
    stretches: stretches.map(({ from, to, link: { width, speedLimit } }) => ({
      from,
      to,
      width,
      speedLimit,
    })),
  };
}

interface Stretch {
  readonly link: LinkFeature['properties'];
  readonly backward: boolean;
  readonly from: number;
  readonly to: number;
}
interface Place {
  readonly line: readonly XY[];
  readonly toEnu: (lon: number, lat: number) => XY;
}

function stretchesOf(way: Way, links: readonly LinkFeature[], length: number): Stretch[] {
  const wanted = new Set(way.links.map(({ id }) => id));
  const known = new Map<string, LinkFeature['properties']>();
  for (const { properties } of links) if (wanted.has(properties.id)) known.set(properties.id, properties);
  const sum = way.links.reduce((total, { begin, end }) => total + Math.abs(end - begin), 0);
  const scale = sum > 0 ? length / sum : 0;
  let from = 0;
  return way.links.map(({ id, begin, end }) => {
    const link = known.get(id);
    if (!link)
      throw new Refusal(
        'bad-route',
        `route ${way.routeId}: expected link ${id} in the graph of the map, found none; is it of another version?`,
      );
    const to = from + scale * Math.abs(end - begin);
    const stretch = { link, backward: end < begin, from, to };
    from = to;
    return stretch;
  });
}

function crossingOn(
  { link, from, to }: Stretch,
  signals: readonly SignalFeature[],
  place: Place,
): RouteCrossing | undefined {
  const found = signals
    .filter(({ properties }) => properties.link === link.id || properties.id === link.crossing)
    .map(({ properties }) => ({ properties, meets: stopLineAt(properties.stopLine, from, to, place) }))
    // Of one for each direction it is the one whose line comes first.
    .sort((a, b) => a.meets - b.meets)[0];
  if (!found) return link.crossing === undefined ? undefined : { id: link.crossing, stopAt: from };
  const { meets } = found;
  const { id, crossingLength, provider, externalId, head, verifiedAt } = found.properties;
  const nearer = Math.abs(meets - from) <= Math.abs(meets - to);
  // The line of those who come from the other side: the road ends there. Too early and too long is on the safe side.
  const stopAt = nearer ? meets : Math.min(from, meets - crossingLength);
  return {
    id,
    stopAt,
    signal: {
      signalId: id,
      provider,
      externalId,
      head: String(head),
      verifiedAt,
      crossingLength: nearer ? crossingLength : meets - stopAt,
    },
  };
}

function stopLineAt(
  stopLine: SignalFeature['properties']['stopLine'],
  from: number,
  to: number,
  place: Place,
): number {
  const corners = Array.isArray(stopLine) ? stopLine : stopLine.coordinates;
  const line = corners.map(([lon, lat]) => place.toEnu(lon!, lat!));
  return meetingWith(place.line, line, from - STOP_LINE_REACH, to + STOP_LINE_REACH);
}

function doorsOn({ link, from, to }: Stretch, doors: readonly DoorFeature[], place: Place): RouteBuilding[] {
  return doors
    .filter(({ properties: { id, links } }) => id === link.door || links.includes(link.id))
    .map(({ properties: { id }, geometry }) => {
      const centre = placeOn(place, geometry.coordinates, from, to);
      return { kind: 'door', id, centre, enterAt: centre - DOOR_DEPTH, exitAt: centre + DOOR_DEPTH };
    });
}

function liftsOn(
  { link, backward, from, to }: Stretch,
  { lifts, nodes }: GraphFeatures,
  place: Place,
): RouteBuilding[] {
  const floorOf = (node: string) => nodes.find(({ properties }) => properties.id === node)?.properties.floor;
  return lifts
    .filter(({ properties: { id, links } }) => id === link.lift || links.includes(link.id))
    .map(({ properties: { id }, geometry }) => {
      const floors = [floorOf(link.from), floorOf(link.to)];
      const [first, last] = backward ? [floors[1], floors[0]] : floors;
      if (first === undefined || last === undefined)
        throw new Refusal(
          'bad-route',
          `lift ${id}: expected a floor at both nodes of link ${link.id}, found ${first ?? 'none'} and ${last ?? 'none'}`,
        );
      return {
        kind: 'lift',
        id,
        from: first,
        to: last,
        enterAt: from,
        centre: placeOn(place, geometry.coordinates, from, to),
        exitAt: to,
      };
    });
}

/** Metres along the way, between two places on it, nearest to a point. */
function placeOn({ line, toEnu }: Place, [lon, lat]: readonly number[], from: number, to: number): number {
  const part = partOf(line, from, to);
  return from + progressAlong(part, toEnu(lon!, lat!)).along;
}
