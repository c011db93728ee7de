import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Refusal, refusalReason } from '../../types.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { OperatorMetrics } from './operator-metrics.ts';
import type { Identity } from './tokens.ts';

export interface RouteParts extends GatewayParts {
  readonly metrics: OperatorMetrics;
  /** why the robot is not ready, or nothing */
  readonly notReady: () => string[];
}

/** Nothing of another origin is loaded, no frame shows the page, no address of ours goes elsewhere. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};
const STATUS: Readonly<Record<string, number>> = { 'bad-role': 403, 'wrong-robot': 403, 'unknown-tile': 404 };

/** The page, its data, and what watchdogs and Prometheus ask for. */
export function addRoutes(app: FastifyInstance, parts: RouteParts): void {
  const { page, map, metrics } = parts;
  app.addHook('onRequest', async (_request, reply) => void reply.headers(HEADERS));
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, error, parts));
  app.setNotFoundHandler((_request, reply) => problem(reply, 404, 'unknown-path', 'there is nothing here'));

  for (const [path, file] of page)
    app.get(path, (request, reply) => {
      reply
        .type(file.type)
        .header('etag', file.etag)
        .header('cache-control', file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
      return request.headers['if-none-match'] === file.etag ? reply.code(304).send() : reply.send(file.bytes);
    });
  if (!page.has('/'))
    app.get('/', (_request, reply) =>
      problem(reply, 404, 'no-page', 'the page was not built; npm run build makes it'),
    );

  app.get('/healthz', () => ({ ok: true }));
  app.get('/readyz', (_request, reply) => {
    const problems = parts.notReady();
    return reply.code(problems.length === 0 ? 200 : 503).send({ ok: problems.length === 0, problems });
  });
  app.get('/metrics', async (_request, reply) => {
    const texts = [metrics.registry, ...(parts.registries ?? [])].map((registry) => registry.metrics());
    const more = (await parts.moreMetrics?.()) ?? '';
    return reply.type(metrics.registry.contentType).send([...(await Promise.all(texts)), more].join('\n'));
  });

  const identify = (request: { raw: IncomingMessage }): Promise<Identity> =>
    parts.tokens.identify(bearerOf(request.raw), parts.wallMs());
  app.get('/v1/session', async (request) => {
    const { subject, role, expiresMs } = await identify(request);
    return { robot: parts.config.robot, name: subject, role, expires: expiresMs };
  });
  app.get('/v1/map', async (request) => {
    await identify(request);
    return map?.head ?? null;
  });
  app.get<{ Params: { id: string } }>('/v1/map/tiles/:id', async (request, reply) => {
    await identify(request);
    if (!map) throw new Refusal('unknown-tile', 'expected a robot with a map, found one without');
    const bytes = await map.tile(request.params.id);
    return reply.type('application/octet-stream').header('cache-control', 'private, no-cache').send(bytes);
  });
}

/** RFC 6750; undefined where there is none. */
export function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer ([\w~+/.-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
}

function sendProblem(reply: FastifyReply, error: unknown, parts: RouteParts): FastifyReply {
  const reason = refusalReason(error);
  if (reason) {
    const status = STATUS[reason] ?? (/token/.test(reason) ? 401 : 503);
    parts.metrics.refused.inc({ reason });
    if (status === 401) reply.header('www-authenticate', 'Bearer');
    return problem(reply, status, reason, (error as Error).message);
  }
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return problem(reply, statusCode, 'bad-request', 'expected another request');
  parts.onFailure('request', error);
  return problem(reply, 500, 'internal', 'something failed here; see the log of the robot');
}

function problem(reply: FastifyReply, status: number, reason: string, detail: string): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send(
      Buffer.from(
        JSON.stringify({
          type: `urn:dilly-nav:problem:${reason}`,
          title: reason.replaceAll('-', ' '),
          status,
          detail,
        }),
      ),
    );
}
