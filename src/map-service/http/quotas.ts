import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import { Problem } from './problem.ts';

const DAY_MS = 86_400_000;

/** Bytes of bodies that each robot sent and was sent on the day (UTC) at hand, of this instance. */
export class DailyBytes {
  #day = -1;
  #used = new Map<string, number>();

  used(robot: string, nowMs: number): number {
    this.#turn(nowMs);
    return this.#used.get(robot) ?? 0;
  }

  add(robot: string, bytes: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#used.set(robot, (this.#used.get(robot) ?? 0) + bytes);
  }

  #turn(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#used = new Map();
  }
}

export interface QuotaOptions {
  readonly registry: Registry;
  /** whose request it is; undefined: nobody's in particular, which has no quota */
  readonly robotOf: (request: FastifyRequest) => string | undefined;
  /** bytes a day; undefined: no limit */
  readonly quotaOf: (robot: string) => number | undefined;
  readonly nowMs: () => number;
}

/** Refuses the requests of a robot that has used its bytes of the day: 429 with Retry-After, until midnight UTC. */
export function addQuotas(app: FastifyInstance, { registry, robotOf, quotaOf, nowMs }: QuotaOptions): void {
  const daily = new DailyBytes();
  const counter = new Counter({
    name: 'robot_bytes_total',
    help: 'bytes of bodies, both ways',
    labelNames: ['robot'],
    registers: [registry],
  });
  app.addHook('onRequest', async (request, reply) => {
    const robot = robotOf(request);
    const quota = robot === undefined ? undefined : quotaOf(robot);
    if (robot === undefined || quota === undefined) return;
    const now = nowMs();
    const used = daily.used(robot, now);
    if (used < quota) return;
    reply.header('retry-after', Math.ceil((DAY_MS - (now % DAY_MS)) / 1000));
    throw new Problem(
      429,
      'quota-used',
      `expected at most ${quota} bytes a day of ${robot}, found ${used}; again after midnight UTC`,
    );
  });
  app.addHook('onResponse', async (request, reply) => {
    const robot = robotOf(request);
    if (robot === undefined) return;
    const sent = request.method === 'HEAD' ? 0 : reply.getHeader('content-length');
    const bytes = (Number(sent) || 0) + (Number(request.headers['content-length']) || 0);
    daily.add(robot, bytes, nowMs());
    counter.inc({ robot }, bytes);
  });
}
