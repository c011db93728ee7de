import { z } from 'zod';
import type { RobotCommand } from '../../ports/robot.ts';

/** Subprotocols of the port. */
export const DILLY = 'dilly.operator.v1';
export const FOXGLOVE: readonly string[] = ['foxglove.sdk.v1', 'foxglove.websocket.v1'];
/** A token beside the subprotocol, for browsers: `Sec-WebSocket-Protocol: dilly.operator.v1, bearer.TOKEN`. */
export const BEARER = 'bearer.';

/** Why we close a connection; the close reason is JSON `{reason, retryAfterMs}`. */
export const CLOSE = {
  badMessage: [4400, 'bad-message'],
  tokenExpired: [4401, 'token-expired'],
  silent: [4408, 'silent'],
  replaced: [4409, 'session-continued-elsewhere'],
  tooSlow: [4413, 'too-slow'],
  tooManyMessages: [4429, 'too-many-messages'],
  goingAway: [1001, 'going-away'],
} as const satisfies Record<string, readonly [number, string]>;
export type CloseCause = (typeof CLOSE)[keyof typeof CLOSE];

const id = z.string().min(1).max(64);
const metres = z.number().min(-1e7).max(1e7);
const commandSchema = z.union([
  z.strictObject({ kind: z.enum(['stop', 'resume', 'save-state']) }),
  z.strictObject({
    kind: z.literal('relocalise'),
    x: metres,
    y: metres,
    yaw: z.number().min(-7).max(7).optional(),
    radius: z.number().positive().max(1000).optional(),
  }),
  z.strictObject({ kind: z.literal('mark-intervention'), note: z.string().max(2000) }),
  z.strictObject({ kind: z.literal('go-to'), poi: id }),
  z.strictObject({
    kind: z.literal('go-to'),
    lon: z.number().min(-180).max(180),
    lat: z.number().min(-90).max(90),
  }),
]);

/** What a client of `dilly.operator.v1` may say. The first message is `resume`, with nothing in it for a first visit. */
export const clientMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('resume'),
    epoch: id.optional(),
    lastSeq: z.int().min(0).optional(),
    session: id.optional().describe('of the welcome before: goes on with its control'),
  }),
  z.strictObject({
    type: z.literal('command'),
    id,
    expires: z.number().describe('ms since the Unix epoch, by the clock of the robot'),
    command: commandSchema,
  }),
  z.strictObject({ type: z.literal('control'), action: z.enum(['take', 'release', 'renew']) }),
  z.strictObject({ type: z.literal('ping'), t: z.number() }),
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;
export type CommandMessage = Extract<ClientMessage, { type: 'command' }>;

/** The command without keys that are undefined, as the port wants it. */
export function robotCommand({ command }: CommandMessage): RobotCommand {
  return Object.fromEntries(
    Object.entries(command).filter(([, value]) => value !== undefined),
  ) as unknown as RobotCommand;
}
