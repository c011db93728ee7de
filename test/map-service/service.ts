import { readProfiles } from '../../src/commands/map-serve.ts';
import { mapService, type ServiceOptions } from '../../src/map-service/http/server.ts';

/** A service on a free port of loopback. */
export async function serveMaps({
  port = 0,
  ...options
}: Partial<ServiceOptions> & Pick<ServiceOptions, 'store'> & { readonly port?: number }) {
  const failures: unknown[] = [];
  const app = await mapService({
    profiles: await readProfiles('maps/profiles'),
    maxDriveBytes: 10_000_000,
    cacheBytes: 1e8,
    refreshMs: 0,
    radiusM: 60,
    routeLifeMs: 60_000,
    bodyLimit: 100_000,
    requestTimeoutMs: 10_000,
    onFailure: (_, error) => failures.push(error),
    ...options,
  });
  const url = await app.listen({ host: '127.0.0.1', port });
  return { app, url, failures };
}
