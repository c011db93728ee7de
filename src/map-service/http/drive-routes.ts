import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import { z } from 'zod';
import { driveId, driveOffer, sha256Hex } from '../../quality/drive-offer.ts';
import type { DriveCatalog, Offered } from './drive-catalog.ts';
import { Problem, parseBody } from './problem.ts';

const listQuery = z.object({
  after: sha256Hex.or(z.literal('')).default(''),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  robot: z.string().min(1).max(100).optional(),
});

/** Drives: a robot offers one until nothing of it is missing; then it is accepted, once, and listed. */
export function addDriveRoutes(
  app: FastifyInstance,
  drives: DriveCatalog,
  registry: Registry,
  robotOf: (request: FastifyRequest) => string | undefined,
): void {
  const labelNames = ['robot'];
  const accepted = new Counter({
    name: 'drives_accepted_total',
    help: 'drives that came whole',
    labelNames,
    registers: [registry],
  });
  const wrong = new Counter({
    name: 'drive_window_alarms_total',
    help: 'windows of accepted drives in which messages are missing, or too many',
    labelNames,
    registers: [registry],
  });
  /** Two offers of one drive at once are one. */
  const underway = new Map<string, Promise<Offered>>();

  app.post(
    '/v1/drives',
    {
      schema: {
        summary: 'Offer a drive: a name and its files by content',
        description:
          'Answers 202 with the files that are missing and how much of each is here: send them to /v1/drives/files and offer again. 201 when it is accepted: all files are here whole and were read; 200 when it was before. The same files are the same drive, whoever sends them.',
        body: z.toJSONSchema(driveOffer),
      },
    },
    async (request, reply) => {
      const offer = parseBody(driveOffer, request.body);
      const drive = driveId(offer);
      const robot = robotOf(request);
      const count = (answer: Offered) => {
        if (answer.kind !== 'accepted') return answer;
        accepted.inc({ robot: robot ?? '' });
        wrong.inc({ robot: robot ?? '' }, answer.record.wrong.length);
        return answer;
      };
      let answer = underway.get(drive);
      if (!answer) {
        answer = drives
          .offer(offer, robot, new Date())
          .then(count)
          .finally(() => underway.delete(drive));
        underway.set(drive, answer);
      }
      const found = await answer;
      reply.header('cache-control', 'no-store').header('location', `/v1/drives/${drive}`);
      if (found.kind === 'missing')
        return reply.code(202).send({ drive, accepted: false, missing: found.missing });
      const code = found.kind === 'accepted' ? 201 : 200;
      return reply.code(code).send({ drive, accepted: true, record: found.record });
    },
  );

  app.get(
    '/v1/drives',
    {
      schema: {
        summary: 'Drives that were accepted',
        description:
          'In the order of their ids, up to `limit` after `after`; `next` is the last of them where there may be more.',
        querystring: z.toJSONSchema(listQuery, { io: 'input' }),
      },
    },
    async (request, reply) => {
      const { after, limit, robot } = parseBody(listQuery, request.query);
      const found = await drives.list(after, limit, robot);
      const next = found.length === limit ? { next: found.at(-1)!.drive } : {};
      return reply.header('cache-control', 'no-store').send({ drives: found, ...next });
    },
  );

  app.get(
    '/v1/drives/:drive',
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'One accepted drive: its files, what was counted in it, and what is wrong with that',
      },
    },
    async (request, reply) => {
      const id = (request.params as { drive: string }).drive;
      const record = sha256Hex.safeParse(id).success ? await drives.find(id) : undefined;
      if (!record) throw new Problem(404, 'unknown-drive', `expected a drive that was accepted, found ${id}`);
      return reply.header('cache-control', 'no-store').send(record);
    },
  );
}
