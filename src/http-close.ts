import type { FastifyInstance } from 'fastify';

/** Answers that are under way at the end have so long, ms. */
const GRACE_MS = 3000;
const LOOK_EVERY_MS = 50;

/**
 * Lets `close` of a server end soon. Node itself waits for each connection that was busy then until it is no longer
 * kept alive (72 s by fastify's default), and for ever for one that asked nothing, as browsers open them ahead.
 */
export function closeSoon(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const { server } = app;
    const look = setInterval(() => server.closeIdleConnections(), LOOK_EVERY_MS);
    const end = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    server.once('close', () => {
      clearInterval(look);
      clearTimeout(end);
    });
  });
}
