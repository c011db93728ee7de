import { z } from 'zod';
import { Refusal } from '../../types.ts';

/** What a robot takes of an answer to `tiles:diff`; the service may say more. */
const diffAnswer = z.object({
  mapVersion: z.int().positive(),
  add: z.array(z.object({ id: z.string(), sha256: z.string() })),
});
export type DiffAnswer = z.infer<typeof diffAnswer>;

/** Throws a Refusal `service-answer`. */
export function parseDiffAnswer(bytes: Uint8Array): DiffAnswer {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new Refusal('service-answer', `tiles:diff: expected JSON, found ${(error as Error).message}`);
  }
  const parsed = diffAnswer.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new Refusal('service-answer', `tiles:diff: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
}
