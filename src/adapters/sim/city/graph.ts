import { enuFrame, type Geodetic } from '../../../math/geodesy.ts';
import { ALLEY, CROSSING, HEAD, LIFT, LOBBY, PAVEMENT, ROAD, WAY, type WayName } from './plan.ts';
import { CITY, toMap } from './solid.ts';

type UV = readonly [u: number, v: number];

/** Ids of the graph that others ask for. */
export const SIGNAL_ID = 'gangnam-crossing';
export const DOOR_ID = 'lobby-door';
export const LIFT_ID = 'lobby-lift';
export const DESTINATION = 'lobby';

/** The block's route graph as graph.geojson (contracts, map package). */
export function cityGraph(origin: Geodetic): { type: 'FeatureCollection'; features: object[] } {
  const frame = enuFrame(origin);
  const place = ([u, v]: UV): number[] => {
    const { lon, lat } = frame.toGeodetic([...toMap(u, v), 0]);
    return [lon, lat];
  };
  const feature = (geometry: object, properties: object) => ({ type: 'Feature', geometry, properties });
  const point = (at: UV) => ({ type: 'Point', coordinates: place(at) });
  const line = (...at: UV[]) => ({ type: 'LineString', coordinates: at.map(place) });
  const node = (id: WayName) => feature(point(WAY[id]), { kind: 'node', id: `n-${id}` });
  const link = (id: string, from: WayName, to: WayName, more: object = {}) =>
    feature(line(WAY[from], WAY[to]), {
      kind: 'link',
      id,
      from: `n-${from}`,
      to: `n-${to}`,
      width: 2.4,
      incline: 0,
      surface: 'paving_stones',
      kerbHeight: 0,
      speedLimit: 1.5,
      ...more,
    });
  const poi = (id: string, name: string, at: UV, heading: number) => {
    const [lon, lat] = place(at);
    return feature(point(at), { kind: 'poi', id, name, approach: { lon, lat, heading } });
  };
  const wall = (id: string, type: string, ...at: UV[]) =>
    feature(line(...at), { kind: 'virtual_wall', id, type });
  const [left, right] = [CROSSING.u - CROSSING.half - 0.2, CROSSING.u + CROSSING.half + 0.2];
  const kerb = ROAD.half + 0.15;
  return {
    type: 'FeatureCollection',
    features: [
      ...(Object.keys(WAY) as WayName[]).map(node),
      link('pavement', 'hub', 'corner'),
      link('ramp', 'corner', 'south', { incline: -0.075 }),
      link('crossing', 'south', 'north', { surface: 'asphalt', crossing: SIGNAL_ID }),
      link('alley', 'north', 'turn', { surface: 'sett', speedLimit: 1.2 }),
      link('doorstep', 'turn', 'door', { speedLimit: 0.8, width: 1.8, door: DOOR_ID }),
      link('lobby-way', 'door', 'lift', { surface: 'concrete', speedLimit: 0.8 }),
      poi('hub', 'Hub on the pavement', WAY.hub, CITY.yaw),
      poi(DESTINATION, 'Lobby, before the lift', WAY.lift, CITY.yaw),
      wall('kerb-west', 'no_go', [-110, -kerb], [left, -kerb]),
      wall('kerb-east', 'no_go', [right, -kerb], [110, -kerb]),
      wall('north-kerb-west', 'no_go', [-110, kerb], [ALLEY.from, kerb]),
      wall('north-kerb-east', 'no_go', [ALLEY.to, kerb], [110, kerb]),
      wall(
        'lobby-front-south',
        'no_go',
        [LOBBY.west, LOBBY.south],
        [LOBBY.west, LOBBY.door - LOBBY.doorHalf],
      ),
      wall(
        'lobby-front-north',
        'no_go',
        [LOBBY.west, LOBBY.door + LOBBY.doorHalf],
        [LOBBY.west, LOBBY.north],
      ),
      wall(
        'alley-end',
        'slow',
        [ALLEY.from, ROAD.half + PAVEMENT + 20],
        [ALLEY.to, ROAD.half + PAVEMENT + 20],
      ),
      feature(point([HEAD.u, HEAD.v]), {
        kind: 'signal',
        id: SIGNAL_ID,
        link: 'crossing',
        stopLine: line([left, WAY.south[1]], [right, WAY.south[1]]),
        crossingLength: 2 * ROAD.half + 0.6,
        provider: 'fake-spat',
        externalId: '2691',
        head: 'nt',
        verifiedAt: '2026-01-05T00:00:00Z',
      }),
      feature(point([LOBBY.west, LOBBY.door]), {
        kind: 'door',
        id: DOOR_ID,
        links: ['doorstep'],
        adapter: 'mqtt',
        waitPose: { u: LOBBY.west - 1.5, v: LOBBY.door },
        maxHold: 60,
      }),
      feature(point([LIFT.from, LOBBY.door]), {
        kind: 'lift',
        id: LIFT_ID,
        links: [],
        adapter: 'mqtt',
        waitPose: { u: WAY.lift[0], v: WAY.lift[1] },
        floors: ['L1', 'L2', 'L3'],
        maxHold: 120,
      }),
    ],
  };
}
