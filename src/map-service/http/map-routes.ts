import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Profile } from '../../route/profile.ts';
import type { MapCatalog } from './map-catalog.ts';
import { Problem, parseBody } from './problem.ts';
import { diffAnswer, diffRequest, routeAnswer, routeRequest } from './route-answer.ts';
import { sendBytes } from './send-bytes.ts';
import type { MapStore } from './store.ts';
import type { TileCache } from './tile-cache.ts';

export interface MapRoutesOptions {
  readonly store: MapStore;
  readonly catalog: MapCatalog;
  readonly tiles: TileCache;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly radiusM: number;
  readonly routeLifeMs: number;
}

type MapParams = { Params: { mapId: string } };
const REVALIDATE = 'no-cache';
const IMMUTABLE = 'public, max-age=31536000, immutable';

export function addMapRoutes(app: FastifyInstance, options: MapRoutesOptions): void {
  const { store, catalog, tiles, profiles } = options;

  app.get('/v1/maps', { schema: { summary: 'The maps of this service' } }, async () => {
    const ids = await store.list();
    const maps = await Promise.all(ids.map((id) => catalog.get(id).catch(() => undefined)));
    return {
      maps: maps.flatMap((map) =>
        map
          ? [
              {
                mapId: map.manifest.mapId,
                version: map.manifest.version,
                expires: map.manifest.expires,
                manifestSha256: map.manifestSha256,
              },
            ]
          : [],
      ),
    };
  });

  app.get<MapParams>(
    '/v1/maps/:mapId/manifest.json',
    { schema: { summary: 'The manifest, byte by byte as it was signed; strong ETag' } },
    async (request, reply) => {
      const { manifestBytes, manifestSha256 } = await catalog.get(request.params.mapId);
      return sendBytes(request, reply, {
        bytes: manifestBytes,
        etag: `"${manifestSha256}"`,
        type: 'application/json',
        cacheControl: REVALIDATE,
      });
    },
  );

  app.get<MapParams>(
    '/v1/maps/:mapId/manifest.json.dsse',
    { schema: { summary: 'The signature of the manifest, a DSSE envelope' } },
    async (request, reply) => {
      const { manifest } = await catalog.get(request.params.mapId);
      const bytes = await store.read(`${manifest.mapId}/manifest.json.dsse`);
      if (!bytes)
        throw new Problem(404, 'not-signed', `map ${manifest.mapId} has no signature: dilly-nav map sign`);
      return sendBytes(request, reply, {
        bytes,
        etag: `"${createHash('sha256').update(bytes).digest('hex')}"`,
        type: 'application/json',
        cacheControl: REVALIDATE,
      });
    },
  );

  app.get<MapParams>(
    '/v1/maps/:mapId/graph.geojson',
    { schema: { summary: 'The route graph; strong ETag' } },
    async (request, reply) => {
      const { graphBytes, manifest } = await catalog.get(request.params.mapId);
      return sendBytes(request, reply, {
        bytes: graphBytes,
        etag: `"${manifest.graph.sha256}"`,
        type: 'application/geo+json',
        cacheControl: REVALIDATE,
      });
    },
  );

  app.get<{ Params: { mapId: string; file: string } }>(
    '/v1/maps/:mapId/tiles/sha256/:file',
    { schema: { summary: 'A tile, HEX.pcd: immutable; Range, If-Range, If-Match' } },
    async (request, reply) => {
      const { mapId, file } = request.params;
      const hex = /^([0-9a-f]{64})\.pcd$/.exec(file)?.[1];
      const known = hex !== undefined && /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(mapId);
      const held = known ? tiles.get(mapId, hex) : undefined;
      const bytes = held instanceof Promise ? await held : held;
      if (!bytes) throw new Problem(404, 'unknown-tile', `expected a tile of map ${mapId}, found ${file}`);
      return sendBytes(request, reply, {
        bytes,
        etag: `"${hex}"`,
        type: 'application/octet-stream',
        cacheControl: IMMUTABLE,
      });
    },
  );

  app.post<MapParams>(
    '/v1/maps/:mapId/routes',
    {
      schema: {
        summary: 'A way for a profile, with its tiles in order of travel',
        body: z.toJSONSchema(routeRequest),
      },
    },
    async (request) => {
      const map = await catalog.get(request.params.mapId);
      const wanted = parseBody(routeRequest, request.body);
      const profile = typeof wanted.profile === 'string' ? profiles.get(wanted.profile) : wanted.profile;
      if (!profile)
        throw new Problem(
          400,
          'unknown-profile',
          `profile: expected one of ${[...profiles.keys()].join(', ')}, found ${wanted.profile}`,
        );
      const { radiusM, routeLifeMs } = options;
      return routeAnswer(map, wanted, profile, Date.now(), { radiusM, lifeMs: routeLifeMs });
    },
  );

  app.post<MapParams>(
    // find-my-way reads '::' as a colon.
    '/v1/maps/:mapId/tiles::diff',
    {
      schema: {
        summary: 'Tiles of an area that a robot lacks, nearest first, and those it can let go',
        body: z.toJSONSchema(diffRequest),
      },
    },
    async (request) =>
      diffAnswer(await catalog.get(request.params.mapId), parseBody(diffRequest, request.body)),
  );
}
