import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { closeSoon } from '../../http-close.ts';
import { Refusal, refusalReason } from '../../types.ts';
import { checkGraph } from '../graph-check.ts';
import { readManifest, readText, writeGraph } from '../graph-file.ts';
import { parseGraph } from '../graph-schema.ts';

export interface EditOptions {
  /** folder of the map package */
  readonly dir: string;
  /** folder of the built page */
  readonly page: string;
  /** A tile from above as PNG; undefined where there is no such tile. */
  picture(id: string): Promise<Uint8Array | undefined>;
}

/** Of graph.geojson: a country's. */
const BODY_LIMIT = 256e6;
/** A page of another site that was given our name by a lying name server must not write to the map. */
const OURS = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** The page on which the features of a map are seen and edited, and what it asks for. For one person, on loopback. */
export async function editServer({ dir, page, picture }: EditOptions): Promise<FastifyInstance> {
  const app = fastify({ bodyLimit: BODY_LIMIT });
  closeSoon(app);
  app.addHook('onRequest', async (request, reply) => {
    const { host, origin } = request.headers;
    if (!OURS.test(host ?? '') || (origin !== undefined && origin !== `http://${host}`))
      return reply
        .code(403)
        .send({ reason: 'not-here', detail: `expected this machine's own page, found ${host}` });
  });
  app.setErrorHandler((error, _, reply) => {
    const reason = refusalReason(error);
    reply.code(reason === 'map-changed' ? 409 : reason ? 422 : 500);
    return reply.send({ reason: reason ?? 'failed', detail: (error as Error).message });
  });
  for (const name of await readdir(page, { recursive: true }).catch(() => [])) {
    const type = TYPES[extname(name)];
    const bytes = type && (await readFile(join(page, name)));
    if (bytes) app.get(name === 'index.html' ? '/' : `/${name}`, (_, reply) => reply.type(type).send(bytes));
  }
  app.get('/map', async () => {
    const manifest = await readManifest(dir);
    const path = join(dir, 'graph.geojson');
    const features = parseGraph(await readText(path), path);
    const { mapId, version, tileSize, frame } = manifest;
    const tiles = Object.entries(manifest.tiles).map(([id, { sha256 }]) => ({ id, sha256 }));
    return {
      mapId,
      version,
      tileSize,
      origin: frame.origin,
      tiles,
      features,
      problems: checkGraph(features, frame.origin),
    };
  });
  app.get<{ Params: { id: string } }>('/tiles/:id', async ({ params: { id } }, reply) => {
    const png = await picture(id);
    if (!png)
      return reply
        .code(404)
        .send({ reason: 'no-such-tile', detail: `expected a tile of the map, found ${id}` });
    return reply
      .type('image/png')
      .header('cache-control', 'max-age=31536000, immutable')
      .send(Buffer.from(png));
  });
  app.put<{ Body: { version: number; features: unknown } }>('/graph', async ({ body }) => {
    const manifest = await readManifest(dir);
    if (body?.version !== manifest.version)
      throw new Refusal(
        'map-changed',
        `expected an edit of version ${manifest.version}, found one of ${body?.version}: the map was changed meanwhile; load the page again`,
      );
    const text = JSON.stringify({ type: 'FeatureCollection', features: body.features });
    const features = parseGraph(text, 'the edited graph');
    const problems = checkGraph(features, manifest.frame.origin);
    return { version: await writeGraph(dir, manifest, features), problems };
  });
  app.post<{ Body: { features: unknown } }>('/check', async ({ body }) => {
    const { frame } = await readManifest(dir);
    const text = JSON.stringify({ type: 'FeatureCollection', features: body?.features });
    return { problems: checkGraph(parseGraph(text, 'the edited graph'), frame.origin) };
  });
  return app;
}
