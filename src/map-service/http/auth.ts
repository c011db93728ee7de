import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { Refusal } from '../../types.ts';
import { Problem } from './problem.ts';

const tokensSchema = z
  .array(
    z.strictObject({
      robot: z.string().min(1),
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'),
      dailyMb: z
        .number()
        .positive()
        .optional()
        .describe('bytes that it may send and be sent a day, 10⁶; default: as of all'),
    }),
  )
  .min(1);

/** Who a request comes from, by a bearer token (RFC 6750). Only hashes are kept; tokens are random, so need no salt. */
export class Tokens {
  readonly #robots = new Map<string, string>();
  readonly #dailyBytes = new Map<string, number>();

  /** Of a file `[{ "robot": "r1", "sha256": "…", "dailyMb": 500 }]`. Throws a Refusal `bad-tokens`. */
  constructor(json: string) {
    let parsed: ReturnType<typeof tokensSchema.safeParse>;
    try {
      parsed = tokensSchema.safeParse(JSON.parse(json));
    } catch (error) {
      throw new Refusal('bad-tokens', `tokens: expected JSON, found ${(error as Error).message}`);
    }
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new Refusal('bad-tokens', `tokens: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
    }
    for (const { robot, sha256, dailyMb } of parsed.data) {
      this.#robots.set(sha256, robot);
      if (dailyMb !== undefined) this.#dailyBytes.set(robot, 1e6 * dailyMb);
    }
  }

  /** What the file says that a robot may use, bytes a day; undefined where it says nothing. */
  dailyBytesOf(robot: string): number | undefined {
    return this.#dailyBytes.get(robot);
  }

  /** The robot's name. Throws a Problem 401. */
  robotOf(authorization: string | undefined): string {
    const token = /^Bearer ([\w~+/.-]+=*)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined)
      throw new Problem(401, 'no-token', 'expected Authorization: Bearer TOKEN, found none');
    const hash = createHash('sha256').update(token).digest();
    let found: string | undefined;
    // All are compared, each in constant time.
    for (const [sha256, robot] of this.#robots)
      if (timingSafeEqual(Buffer.from(sha256, 'hex'), hash)) found = robot;
    if (found === undefined) throw new Problem(401, 'bad-token', 'expected a known token, found another');
    return found;
  }
}
