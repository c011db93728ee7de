import { randomUUID } from 'node:crypto';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { closeSoon } from '../../http-close.ts';
import type { Profile } from '../../route/profile.ts';
import type { Tokens } from './auth.ts';
import { DriveCatalog } from './drive-catalog.ts';
import { addFileRoutes } from './drive-file-routes.ts';
import { addDriveRoutes } from './drive-routes.ts';
import { DriveStore } from './drive-store.ts';
import { MapCatalog } from './map-catalog.ts';
import { addMapRoutes } from './map-routes.ts';
import { addMetrics } from './metrics.ts';
import { asProblem, Problem, sendProblem } from './problem.ts';
import { addQuotas } from './quotas.ts';
import type { MapStore } from './store.ts';
import { TileCache } from './tile-cache.ts';

export interface ServiceOptions {
  readonly store: MapStore;
  /** undefined: everybody may call */
  readonly tokens?: Tokens;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** folder of uploaded recordings; undefined: none are taken */
  readonly drives?: string;
  /** of one file of a recording */
  readonly maxDriveBytes: number;
  /** of their disk, which recordings never take; default 0 */
  readonly keepFreeBytes?: number;
  /** requests of one robot in a minute, of each instance; undefined: no limit */
  readonly perMinute?: number;
  /** bytes that one robot may send and be sent a day (UTC), of each instance; a token's own counts first */
  readonly dailyBytes?: number;
  readonly cacheBytes: number;
  readonly refreshMs: number;
  readonly radiusM: number;
  readonly routeLifeMs: number;
  readonly bodyLimit: number;
  readonly requestTimeoutMs: number;
  /** failures that are not the caller's */
  onFailure(requestId: string, error: unknown): void;
}

/** Pages for people and machines that say nothing of any map. */
const OPEN = /^\/(?:openapi(?:\/|$)|health$)/;

/** The map service, ready to listen. It holds nothing but caches: any number of it may run side by side. */
export async function mapService(options: ServiceOptions): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: options.bodyLimit,
    requestTimeout: options.requestTimeoutMs,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    },
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, asProblem(error)),
  });
  closeSoon(app);
  // Bodies are checked by zod in the handlers: schemas of routes are for the page.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  const robots = new WeakMap<FastifyRequest, string>();
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (options.tokens && !OPEN.test(request.url))
      robots.set(request, options.tokens.robotOf(request.headers.authorization));
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = asProblem(error);
    if (problem.status >= 500) options.onFailure(request.id, error);
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    return sendProblem(request, reply, problem);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new Problem(404, 'unknown-path', `expected a path of /openapi, found ${request.url}`),
    ),
  );
  const registry = addMetrics(app);
  addQuotas(app, {
    registry,
    robotOf: (request) => robots.get(request),
    quotaOf: (robot) => options.tokens?.dailyBytesOf(robot) ?? options.dailyBytes,
    nowMs: Date.now,
  });
  if (options.perMinute !== undefined)
    await app.register(rateLimit, {
      max: options.perMinute,
      timeWindow: 60_000,
      keyGenerator: (request) => robots.get(request) ?? request.ip,
      errorResponseBuilder: (_request, { after }) =>
        new Problem(
          429,
          'too-many-requests',
          `expected at most ${options.perMinute} requests a minute; again in ${after}`,
        ),
    });
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'dilly-nav map service', version: '1' } },
  });
  await app.register(swaggerUi, { routePrefix: '/openapi' });
  await app.register(async (api) => {
    const catalog = new MapCatalog(options.store, options.refreshMs, [...options.profiles.values()]);
    const tiles = new TileCache(options.store, options.cacheBytes);
    addMapRoutes(api, { ...options, catalog, tiles });
    if (options.drives !== undefined) {
      const files = new DriveStore(options.drives, options.maxDriveBytes, options.keepFreeBytes);
      addFileRoutes(api, files);
      addDriveRoutes(api, new DriveCatalog(files), registry, (request) => robots.get(request));
    }
    api.get('/health', { schema: { hide: true } }, () => ({ ok: true }));
  });
  return app;
}
