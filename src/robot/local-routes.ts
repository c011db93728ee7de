import { type EnuFrame, enuFrame, type Geodetic } from '../math/geodesy.ts';
import type { GraphFeatures } from '../route/features.ts';
import { parseGraph } from '../route/parse-graph.ts';
import type { Profile } from '../route/profile.ts';
import { type LonLat, Router } from '../route/router.ts';
import { Refusal } from '../types.ts';
import type { Destination, RouteSource } from './parts.ts';
import { type RobotRoute, robotRoute } from './robot-route.ts';

export interface GraphOfMap {
  /** graph.geojson */
  readonly bytes: Uint8Array;
  readonly mapVersion: number;
  readonly origin: Geodetic;
}

/** Ways on the graph that came with the map: found on the robot, without a service. */
export class LocalRoutes implements RouteSource {
  readonly #features: GraphFeatures;
  readonly #router: Router;
  readonly #frame: EnuFrame;
  readonly #mapVersion: number;
  readonly #profile: Profile;
  readonly #wallMs: () => number;
  #count = 0;

  /** Throws a Refusal `bad-graph`. `wallMs`: time of the day, to judge virtual walls. */
  constructor({ bytes, mapVersion, origin }: GraphOfMap, profile: Profile, wallMs: () => number) {
    this.#features = parseGraph(bytes);
    this.#router = new Router(this.#features);
    this.#frame = enuFrame(origin);
    this.#mapVersion = mapVersion;
    this.#profile = profile;
    this.#wallMs = wallMs;
  }

  async find([x, y]: readonly [number, number], to: Destination): Promise<RobotRoute> {
    const from = this.#frame.toGeodetic([x, y, 0]);
    const found = this.#router.find(from, this.#placeOf(to), this.#profile, this.#wallMs());
    if (!found.ok) throw new Refusal(found.reason, found.message);
    const { linkIds } = this.#router.graph;
    const links = found.steps.map(({ link, begin, end }) => ({ id: linkIds[link]!, begin, end }));
    const way = { routeId: `local-${++this.#count}`, mapVersion: this.#mapVersion, line: found.line, links };
    return robotRoute(way, this.#features, this.#frame);
  }

  #placeOf(to: Destination): LonLat {
    if (!('poi' in to)) return to;
    const poi = this.#features.pois.find(({ properties: { id, name } }) => id === to.poi || name === to.poi);
    if (!poi) throw new Refusal('unknown-poi', `expected a POI of the map, found ${to.poi}`);
    return poi.properties.approach;
  }
}
