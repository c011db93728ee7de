import { Random } from '../../../math/random.ts';
import { towerRow } from './buildings.ts';
import {
  ALLEY,
  BUMPS,
  CAR_STOP,
  CROSSING,
  DOORSTEP,
  HEAD,
  KERB,
  LIFT,
  LOBBY,
  PAVEMENT,
  RAMP,
  ROAD,
} from './plan.ts';
import { block, CITY, type CitySolid, pillar, toMap } from './solid.ts';

/** All that stands still and is in the map. The same seed gives the same block. */
export function buildCity(seed: number): CitySolid[] {
  const random = new Random(seed);
  const far = ROAD.half + PAVEMENT;
  const depth = 22;
  return [
    ...ground(),
    ...towerRow('south', [-120, 130], [-far - depth, -far], 1, random),
    ...towerRow('north-west', [-120, ALLEY.from - 1.6], [far, far + depth], -1, random),
    ...towerRow('north-east', [ALLEY.to + 1.6, 130], [far, LOBBY.south - 2.5], -1, random),
    ...alleySides(random),
    ...lobby(),
    ...furniture(random),
    ...lights(),
  ];
}

/** The block's ground with a smooth wall along its main road: away from its beginning nothing tells where along it is. */
export function plainWall(): CitySolid[] {
  const far = ROAD.half + PAVEMENT;
  return [
    block('road', 'asphalt', [-200, -80, -1], [200, 80, 0]),
    block('pavement', 'paving', [-200, -far, 0], [200, -ROAD.half, KERB]),
    block('wall', 'stone', [-200, -far - 1, 0], [200, -far, 12]),
    // Something to begin from: without it no first pose is believed.
    block('kiosk', 'stone', [-38, -far, KERB], [-36, -8.2, 3]),
    block('kiosk', 'stone', [-36, -6.5, 0], [-29, -5.5, 3]),
    block('bin', 'metal', [-29, -far, KERB], [-27.5, -11, 1.6]),
  ];
}

function ground(): CitySolid[] {
  const [west, east] = [-200, 200];
  const far = ROAD.half + PAVEMENT;
  const [left, right] = [CROSSING.u - CROSSING.half, CROSSING.u + CROSSING.half];
  const [x, y] = toMap(CROSSING.u, -(ROAD.half + RAMP / 2));
  const [sx, sy] = toMap((DOORSTEP.from + DOORSTEP.to) / 2, LOBBY.door);
  return [
    block('road', 'asphalt', [west, -80, -1], [east, far, 0]),
    block('alley', 'brick', [west, far, -1], [east, 120, 0]),
    block('pavement', 'paving', [west, -far, 0], [left, -ROAD.half, KERB]),
    block('pavement', 'paving', [right, -far, 0], [east, -ROAD.half, KERB]),
    block('pavement', 'paving', [left, -far, 0], [right, -ROAD.half - RAMP, KERB]),
    block('pavement', 'paving', [west, ROAD.half, 0], [ALLEY.from, far, KERB]),
    block('pavement', 'paving', [ALLEY.to, ROAD.half, 0], [east, far, KERB]),
    // A wedge rises along its own x: to the south, away from the road.
    {
      kind: 'wedge',
      x,
      y,
      bottom: 0,
      top: KERB,
      yaw: CITY.yaw - Math.PI / 2,
      a: RAMP / 2,
      b: CROSSING.half,
      material: 'paving',
      part: 'ramp',
    },
    {
      kind: 'wedge',
      x: sx,
      y: sy,
      bottom: 0,
      top: KERB,
      yaw: CITY.yaw,
      a: (DOORSTEP.to - DOORSTEP.from) / 2,
      b: LOBBY.doorHalf + 0.3,
      material: 'paving',
      part: 'ramp',
    },
    ...BUMPS.map(({ v, half, height }) =>
      block('bump', 'brick', [ALLEY.from, v - half / 2, 0], [ALLEY.to, v + half / 2, height]),
    ),
  ];
}

/** Low shops and walls along the alley, with gaps, niches and steps, so that it is no plain tube. */
function alleySides(random: Random): CitySolid[] {
  const solids: CitySolid[] = [];
  for (const side of [-1, 1] as const) {
    const rim = side < 0 ? ALLEY.from : ALLEY.to;
    for (let v = ROAD.half + PAVEMENT + 0.5, n = 1; v < ALLEY.end; n++) {
      const length = random.uniform(4, 8);
      const back = random.uniform(0.3, 1.4);
      const beside = side > 0 && v + length > LOBBY.south - 2 && v < LOBBY.north + 2;
      if (!beside) {
        const part = `alley-${side < 0 ? 'west' : 'east'}-${n}`;
        const height = random.uniform(4, 9);
        solids.push(block(part, 'stone', [rim + side * back, v, 0], [rim + side * 8, v + length, height]));
        solids.push(
          block(
            part,
            'metal',
            [rim + side * (back - 0.25), v + 1, 2.6],
            [rim + side * back, v + length - 1, 3],
          ),
        );
      }
      v += length + random.uniform(0, 1);
    }
  }
  return solids;
}

/** A room behind the door, open to the west at the door; its walls are 0.3 m thick. */
function lobby(): CitySolid[] {
  const { west, east, south, north, door, doorHalf, height } = LOBBY;
  const wall = (u0: number, v0: number, u1: number, v1: number, bottom = 0, top: number = height) =>
    block('lobby', 'stone', [u0, v0, bottom], [u1, v1, top]);
  return [
    block('lobby', 'stone', [west, south, 0], [east, north, KERB]),
    wall(west, south - 0.3, east + 0.3, south),
    wall(west, north, east + 0.3, north + 0.3),
    wall(west, south, west + 0.3, door - doorHalf),
    wall(west, door + doorHalf, west + 0.3, north),
    wall(west, door - doorHalf, west + 0.3, door + doorHalf, 2.3),
    wall(east, south, east + 0.3, north),
    block('lobby', 'stone', [west, south, height], [east, north, height + 30]),
    // The lift's shaft, its opening, the desk and two columns.
    wall(LIFT.from, door - LIFT.half - 0.2, LIFT.to, door - LIFT.half),
    wall(LIFT.from, door + LIFT.half, LIFT.to, door + LIFT.half + 0.2),
    block('desk', 'stone', [53, south + 1, KERB], [57, south + 1.8, 1.2]),
    pillar('lobby', 'stone', [52.5, 41, KERB], height, 0.3),
    pillar('lobby', 'stone', [56.5, 41, KERB], height, 0.3),
  ];
}

/** The leaf of the lobby's door: there while it is shut. */
export function doorLeaf(): CitySolid {
  const { west, door, doorHalf } = LOBBY;
  return block('door', 'glass', [west + 0.1, door - doorHalf, KERB], [west + 0.2, door + doorHalf, 2.3]);
}

/** Trees, lamp posts, bollards, bins and signs along the kerbs. */
function furniture(random: Random): CitySolid[] {
  const solids: CitySolid[] = [];
  for (const side of [-1, 1] as const) {
    for (let u = -110; u < 120; u += random.uniform(6, 10)) {
      if (Math.abs(u - CROSSING.u) < CAR_STOP + 1) continue;
      const v = side * (ROAD.half + 0.7);
      const pick = random.uniform();
      if (pick < 0.4) solids.push(...tree(u, v, random));
      else if (pick < 0.7) solids.push(pillar('lamp', 'metal', [u, v, 0], 6, 0.09));
      else if (pick < 0.85) solids.push(pillar('bollard', 'metal', [u, v, 0], 1, 0.08));
      else solids.push(block('bin', 'metal', [u - 0.3, v - 0.3, 0], [u + 0.3, v + 0.3, 1.2]));
    }
  }
  for (const end of [-1, 1])
    solids.push(
      pillar('bollard', 'metal', [CROSSING.u + end * (CROSSING.half + 0.3), -ROAD.half - 0.4, 0], 1, 0.08),
    );
  for (const v of [14.5, 22, 30])
    solids.push(block('plant', 'leaves', [ALLEY.from + 0.2, v, 0], [ALLEY.from + 0.9, v + 1, 1.1]));
  return solids;
}

function tree(u: number, v: number, random: Random): CitySolid[] {
  const crown = random.uniform(1, 1.7);
  const fork = random.uniform(2.6, 3.4);
  const [x, y] = toMap(u, v);
  return [
    pillar('tree', 'bark', [u, v, 0], fork + 1, random.uniform(0.1, 0.2)),
    {
      kind: 'ellipsoid',
      x,
      y,
      bottom: fork,
      top: fork + 2.6 * crown,
      yaw: 0,
      a: crown,
      b: 0,
      material: 'leaves',
      part: 'tree',
    },
  ];
}

/** Posts of the signals on both sides of the crossing; the heads are thin enough to be looked past. */
function lights(): CitySolid[] {
  return [-1, 1].map((side) => pillar('signal', 'metal', [HEAD.u, side * HEAD.v, 0], 3, 0.07));
}
