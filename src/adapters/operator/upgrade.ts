import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { refusalReason } from '../../types.ts';
import type { Admission } from './admission.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { bearerOf } from './http-routes.ts';
import type { OperatorMetrics } from './operator-metrics.ts';
import { BEARER, DILLY, FOXGLOVE } from './protocol.ts';
import type { Identity } from './tokens.ts';

export interface UpgradeParts extends GatewayParts {
  readonly admission: Admission;
  readonly metrics: OperatorMetrics;
  readonly retryAfterMs: () => number;
  readonly onClient: (socket: WebSocket, line: Duplex, protocol: string, identity: Identity) => void;
}

/** From an HTTP request to a WebSocket: limits first, then origin, protocol and token. Nobody is told more than why not. */
export function upgrader(parts: UpgradeParts) {
  const { config, admission, metrics, clock } = parts;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: config.limits.messageBytes,
    // A message in crumbs costs more than its bytes: nobody needs more pieces than that.
    maxFragments: 64,
    maxBufferedChunks: 1024,
    autoPong: false,
    handleProtocols: (offered) =>
      [...offered].find((one) => one === DILLY || FOXGLOVE.includes(one)) ?? false,
  });

  return async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    // It may end while its token is looked at.
    socket.on('error', () => socket.destroy());
    const refuse = (status: number, reason: string) => {
      metrics.refused.inc({ reason });
      refuseUpgrade(socket, status, reason, parts.retryAfterMs());
    };
    const address = request.socket.remoteAddress ?? 'unknown';
    const early = admission.attempt(address, clock.nowMs());
    if (early) return refuse(429, early);
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    const protocol = offered.find((one) => one === DILLY || FOXGLOVE.includes(one));
    if (!protocol) return refuse(400, 'unknown-protocol');
    if (!isAllowedOrigin(request, protocol, config)) return refuse(403, 'foreign-origin');
    let identity: Identity;
    try {
      identity = await parts.tokens.identify(tokenOf(request, offered, protocol), parts.wallMs());
    } catch (error) {
      const reason = refusalReason(error);
      if (!reason) parts.onFailure('token', error);
      return refuse(reason === 'bad-role' || reason === 'wrong-robot' ? 403 : 401, reason ?? 'internal');
    }
    if (socket.destroyed) return;
    const leave = admission.enter(address, identity.subject);
    if (typeof leave === 'string') return refuse(429, leave);
    // Also where the handshake itself fails, the place is free again.
    socket.once('close', leave);
    server.handleUpgrade(request, socket, head, (client) => {
      metrics.admitted.inc({ protocol });
      parts.onClient(client, socket, protocol, identity);
    });
  };
}

/** Browsers cannot set headers, and programs like Foxglove only an address: these may put it there, read-only. */
function tokenOf(request: IncomingMessage, offered: readonly string[], protocol: string): string | undefined {
  const beside = offered.find((one) => one.startsWith(BEARER))?.slice(BEARER.length);
  const inAddress =
    protocol === DILLY
      ? undefined
      : (new URL(request.url ?? '/', 'http://robot').searchParams.get('token') ?? undefined);
  return bearerOf(request) ?? beside ?? inAddress;
}

/** Programs send no origin; a page must be ours or be named in the configuration. */
function isAllowedOrigin(
  request: IncomingMessage,
  protocol: string,
  config: GatewayParts['config'],
): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (origin === `http://${host}` || origin === `https://${host}`) return true;
  if (config.origins.some((one) => new URL(one).origin === origin)) return true;
  return protocol !== DILLY && config.foxgloveOrigins.some((one) => new URL(one).origin === origin);
}

const TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

function refuseUpgrade(socket: Duplex, status: number, reason: string, retryAfterMs: number): void {
  const body = JSON.stringify({ type: `urn:dilly-nav:problem:${reason}`, status, retryAfterMs });
  socket.end(
    [
      `HTTP/1.1 ${status} ${TEXTS[status] ?? 'Error'}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
      ...(status === 429 ? [`Retry-After: ${Math.ceil(retryAfterMs / 1000)}`] : []),
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  // Whoever keeps the line open after a no is cut off.
  setTimeout(() => socket.destroy(), 1000).unref();
}
