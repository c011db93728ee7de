import type { Random } from '../../../math/random.ts';
import { CAR_STOP, CROSSING, KERB, PAVEMENT, ROAD } from './plan.ts';
import { type CitySolid, toMap, type VehicleKind, vehicle } from './solid.ts';

/** Vehicles keep right: the southern lanes go east. v of a lane's middle and its direction. */
const LANES = [
  { v: -5.25, way: 1 },
  { v: -1.75, way: 1 },
  { v: 1.75, way: -1 },
  { v: 5.25, way: -1 },
] as const;
const KINDS: readonly VehicleKind[] = ['car', 'car', 'car', 'van', 'truck', 'bus'];
const HALF = { car: 2.3, van: 2.7, truck: 3.9, bus: 5.5 } as const;
/** Intelligent driver model (Treiber, Hennecke & Helbing 2000): m/s, m/s², m, s */
const IDM = { speed: 10, acceleration: 1.6, braking: 2.5, gap: 2, headway: 1.2 } as const;

interface Car {
  readonly kind: VehicleKind;
  readonly lane: (typeof LANES)[number];
  /** metres along its lane's way from the crossing's middle, negative before it */
  at: number;
  speed: number;
}

interface Walker {
  readonly v: number;
  readonly from: number;
  readonly speed: number;
  u: number;
}

/** Vehicles on the main road that stop for the crossing, and people on the pavements. */
export class Traffic {
  readonly #cars: Car[] = [];
  readonly #walkers: Walker[] = [];

  constructor(random: Random, vehicles = 12, people = 14) {
    for (let i = 0; i < vehicles; i++) {
      const lane = LANES[i % LANES.length]!;
      const kind = KINDS[Math.floor(random.uniform(0, KINDS.length))]!;
      const at = -30 - 34 * Math.floor(i / LANES.length) - random.uniform(0, 15);
      this.#cars.push({ kind, lane, at, speed: IDM.speed });
    }
    const far = ROAD.half + PAVEMENT;
    for (let i = 0; i < people; i++) {
      const side = i % 2 === 0 ? -1 : 1;
      const v =
        side *
        (random.uniform() < 0.5 ? far - random.uniform(0.5, 0.9) : ROAD.half + random.uniform(1.3, 1.6));
      const speed = (random.uniform() < 0.5 ? -1 : 1) * random.uniform(0.8, 1.6);
      this.#walkers.push({ v, from: -80, speed, u: random.uniform(-80, 36) });
    }
  }

  /** `mayGo`: the road has its green, or nobody is on the crossing. */
  step(mayGo: boolean, dt: number): void {
    for (const car of this.#cars) {
      const stop = -CAR_STOP - HALF[car.kind];
      let free = Number.POSITIVE_INFINITY;
      // Who cannot stop any more drives on.
      const needed = car.speed ** 2 / (2 * 3.5);
      if (!mayGo && car.at <= stop + 0.5 && stop - car.at >= needed - 0.5) free = stop + 1 - car.at;
      let lead = 0;
      for (const other of this.#cars) {
        if (other === car || other.lane !== car.lane || other.at <= car.at) continue;
        const gap = other.at - car.at - HALF[other.kind] - HALF[car.kind];
        if (gap < free) [free, lead] = [gap, other.speed];
      }
      const wanted =
        IDM.gap +
        Math.max(
          0,
          car.speed * IDM.headway +
            (car.speed * (car.speed - lead)) / (2 * Math.sqrt(IDM.acceleration * IDM.braking)),
        );
      const pull =
        IDM.acceleration * (1 - (car.speed / IDM.speed) ** 4 - (wanted / Math.max(0.1, free)) ** 2);
      car.speed = Math.max(0, car.speed + Math.max(-8, pull) * dt);
      car.at += car.speed * dt;
    }
    const first = (car: Car) =>
      Math.min(0, ...this.#cars.filter(({ lane }) => lane === car.lane).map(({ at }) => at));
    for (const car of this.#cars) if (car.at > 100) car.at = Math.min(-110, first(car) - 20);
    for (const one of this.#walkers) {
      one.u += one.speed * dt;
      const span = 36 - one.from;
      one.u = one.from + ((((one.u - one.from) % span) + span) % span);
    }
  }

  /** Whether a vehicle is on the crossing, or cannot stop before it. */
  isOnCrossing(): boolean {
    return this.#cars.some(({ at, kind, speed }) => {
      const front = at + HALF[kind];
      const rear = at - HALF[kind];
      return rear < CROSSING.half + 0.5 && front + speed ** 2 / (2 * 3.5) > -CROSSING.half - 0.5;
    });
  }

  solids(): CitySolid[] {
    const cars = this.#cars.flatMap(({ kind, lane, at, speed }) =>
      vehicle(kind, CROSSING.u + lane.way * at, lane.v, lane.way > 0 ? 0 : Math.PI, speed),
    );
    return [...cars, ...this.#walkers.flatMap(({ u, v, speed }) => person(u, v, speed))];
  }
}

function person(u: number, v: number, speed: number): CitySolid[] {
  const [x, y] = toMap(u, v);
  const [ahead, aside] = toMap(u + speed, v);
  const one = {
    x,
    y,
    yaw: 0,
    b: 0,
    material: 'cloth',
    part: 'person',
    vx: ahead - x,
    vy: aside - y,
  } as const;
  return [
    { ...one, kind: 'cylinder', bottom: KERB, top: KERB + 1.45, a: 0.22 },
    { ...one, kind: 'ellipsoid', bottom: KERB + 1.45, top: KERB + 1.75, a: 0.12 },
  ];
}
