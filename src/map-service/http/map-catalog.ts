import { createHash } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { type Manifest, parseManifest } from '../../map/manifest.ts';
import { type EnuFrame, enuFrame } from '../../math/geodesy.ts';
import type { GraphFeatures } from '../../route/features.ts';
import { parseGraph } from '../../route/parse-graph.ts';
import type { Profile } from '../../route/profile.ts';
import { Router } from '../../route/router.ts';
import { Refusal } from '../../types.ts';
import { Problem } from './problem.ts';
import type { MapStore } from './store.ts';

/** One version of a map, ready to serve. */
export interface ServedMap {
  readonly manifest: Manifest;
  readonly manifestBytes: Buffer;
  readonly manifestSha256: string;
  readonly frame: EnuFrame;
  readonly graph: GraphFeatures;
  readonly graphBytes: Buffer;
  readonly router: Router;
}

/** The maps of a store, parsed once a version. A new version is built beside the old one and swapped whole. */
export class MapCatalog {
  readonly #store: MapStore;
  readonly #refreshMs: number;
  readonly #profiles: readonly Profile[];
  readonly #held = new Map<string, { map: ServedMap; checkedMs: number }>();
  readonly #underway = new Map<string, Promise<ServedMap>>();

  /** @param profiles for which ways are to be found quickly on large graphs */
  constructor(store: MapStore, refreshMs: number, profiles: readonly Profile[] = []) {
    this.#profiles = profiles;
    this.#store = store;
    this.#refreshMs = refreshMs;
  }

  /** Rejects with a Problem 404, or a Refusal where the map in the store is damaged and none was held before. */
  async get(mapId: string): Promise<ServedMap> {
    const held = this.#held.get(mapId);
    if (held && Date.now() - held.checkedMs < this.#refreshMs) return held.map;
    const running = this.#underway.get(mapId);
    if (running) return running;
    const load = this.#refresh(mapId, held?.map).finally(() => this.#underway.delete(mapId));
    this.#underway.set(mapId, load);
    return load;
  }

  async #refresh(mapId: string, old: ServedMap | undefined): Promise<ServedMap> {
    let map: ServedMap;
    try {
      map = await this.#load(mapId, old);
    } catch (error) {
      // A half-written new version does not take the good one away; one that is gone does.
      if (!old || error instanceof Problem) {
        this.#held.delete(mapId);
        throw error;
      }
      map = old;
    }
    this.#held.set(mapId, { map, checkedMs: Date.now() });
    return map;
  }

  async #load(mapId: string, old: ServedMap | undefined): Promise<ServedMap> {
    const manifestBytes = /^[A-Za-z0-9._-]+$/.test(mapId)
      ? await this.#store.read(`${mapId}/manifest.json`)
      : undefined;
    if (!manifestBytes)
      throw new Problem(404, 'unknown-map', `expected a map of this service, found ${mapId}`);
    const manifestSha256 = createHash('sha256').update(manifestBytes).digest('hex');
    if (old?.manifestSha256 === manifestSha256) return old;
    const manifest = parseManifest(manifestBytes);
    if (manifest.mapId !== mapId)
      throw new Refusal(
        'bad-manifest',
        `map ${mapId}: expected its own id in the manifest, found ${manifest.mapId}`,
      );
    if (old && manifest.version < old.manifest.version)
      throw new Refusal(
        'map-rollback',
        `map ${mapId}: expected a version above ${old.manifest.version}, found ${manifest.version}`,
      );
    const graphBytes = await this.#store.read(`${mapId}/graph.geojson`);
    const found = graphBytes && createHash('sha256').update(graphBytes).digest('hex');
    if (!graphBytes || found !== manifest.graph.sha256)
      throw new Refusal(
        'bad-graph',
        `map ${mapId}: expected graph.geojson of sha256 ${manifest.graph.sha256}, found ${found ?? 'none'}`,
      );
    const graph = parseGraph(graphBytes);
    const frame = enuFrame(manifest.frame.origin);
    const router = new Router(graph);
    void this.#prepare(mapId, manifestSha256, router);
    return { manifest, manifestBytes, manifestSha256, frame, graph, graphBytes, router };
  }

  /** Beside the requests, a cell at a time; until it is done ways are found too, only slower. */
  async #prepare(mapId: string, manifestSha256: string, router: Router): Promise<void> {
    for (const profile of this.#profiles) {
      for (const _ of router.prepare(profile, Date.now())) {
        await breathe();
        const held = this.#held.get(mapId)?.map.manifestSha256;
        if (held !== undefined && held !== manifestSha256 && !this.#underway.has(mapId)) return;
      }
    }
  }
}
