import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { MapIndex } from '../map/map-index.ts';
import type { MapSource } from '../ports.ts';
import { LocalRoutes } from '../robot/local-routes.ts';
import type { Destination, RouteSource } from '../robot/parts.ts';
import type { RobotRoute } from '../robot/robot-route.ts';
import { type Profile, profileSchema } from '../route/profile.ts';
import { Refusal } from '../types.ts';

export interface MapRoutesParts {
  readonly source: MapSource;
  /** the version in use */
  readonly index: () => MapIndex;
  readonly profile: Profile;
  /** time of the day, to judge virtual walls, ms */
  readonly wallMs: () => number;
}

/** Ways on the graph of the map that is in use: read again where its version has changed. */
export class MapRoutes implements RouteSource {
  readonly #parts: MapRoutesParts;
  #routes: { readonly version: number; readonly found: Promise<LocalRoutes> } | undefined;

  constructor(parts: MapRoutesParts) {
    this.#parts = parts;
  }

  async find(from: readonly [number, number], to: Destination): Promise<RobotRoute> {
    return (await this.ready()).find(from, to);
  }

  /** Rejects with a Refusal where the map has no graph, or another one than its manifest says. */
  async ready(): Promise<LocalRoutes> {
    const index = this.#parts.index();
    if (this.#routes?.version !== index.version)
      this.#routes = { version: index.version, found: this.#read(index) };
    const routes = this.#routes;
    try {
      return await routes.found;
    } catch (error) {
      // The next who asks tries again.
      if (this.#routes === routes) this.#routes = undefined;
      throw error;
    }
  }

  async #read({ graph, mapId, version, origin }: MapIndex): Promise<LocalRoutes> {
    if (!graph) throw new Refusal('no-graph', `map ${mapId}: expected a route graph, found none`);
    const bytes = await this.#parts.source.read(graph.path, graph);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== graph.sha256)
      throw new Refusal(
        'bad-graph',
        `map ${mapId}: expected graph.geojson of sha256 ${graph.sha256}, found ${found}; fetch the map again`,
      );
    return new LocalRoutes({ bytes, mapVersion: version, origin }, this.#parts.profile, this.#parts.wallMs);
  }
}

/** Rejects with a Refusal `bad-profile` that names the field. */
export async function readProfile(path: string): Promise<Profile> {
  const parsed = profileSchema.safeParse(parse(await readFile(path, 'utf8')));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new Refusal('bad-profile', `${path}: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
}
