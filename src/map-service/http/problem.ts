import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { refusalReason } from '../../types.ts';

/** An answer of RFC 9457. `reason` is a stable kebab-case word. */
export class Problem extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, detail: string) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.reason = reason;
  }
}

/** The body of a request by its schema. Throws a Problem 400 with the wrong field's path. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new Problem(400, 'bad-body', `${issue.path.join('.') || '(root)'}: ${issue.message}`);
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(
      // As bytes: fastify adds a charset to text, which the type does not have.
      Buffer.from(
        JSON.stringify({
          type: `urn:dilly-nav:problem:${problem.reason}`,
          title: problem.reason.replaceAll('-', ' '),
          status: problem.status,
          detail: problem.message,
          instance: `urn:request:${request.id}`,
        }),
      ),
    );
}

/** Any failure as a problem; what we did not foresee stays in the log and out of the answer. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const reason = (code ?? 'bad-request').replace(/^FST_(ERR_)?/, '').toLowerCase();
    return new Problem(statusCode, reason.replaceAll('_', '-'), message ?? 'bad request');
  }
  const reason = refusalReason(error);
  if (reason) return new Problem(503, reason, (error as Error).message);
  return new Problem(500, 'internal', 'something failed here; ask with the request id');
}
