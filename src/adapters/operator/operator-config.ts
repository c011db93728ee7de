import { z } from 'zod';

const ms = (low: number, high: number, fallback: number) => z.int().min(low).max(high).default(fallback);
const count = (high: number, fallback: number) => z.int().min(1).max(high).default(fallback);

export const operatorConfig = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('address to listen at'),
  port: z.int().min(0).max(65_535).default(8095).describe('0: any free one'),
  robot: z
    .string()
    .min(1)
    .max(64)
    .default('robot')
    .describe('name that operators see; the audience of their tokens'),
  keysFile: z
    .string()
    .default('')
    .describe(
      'JWKS or PEM of the public keys that sign operators’ tokens; without it the port of a robot stays closed',
    ),
  origins: z
    .array(z.url())
    .default([])
    .describe('other pages that may connect, as https://console.example; the page of this port always may'),
  foxgloveOrigins: z
    .array(z.url())
    .default(['https://app.foxglove.dev', 'https://lichtblick-suite.github.io'])
    .describe('pages that may connect read-only by a protocol of Foxglove; desktop programs have none'),
  interventions: z
    .string()
    .default('')
    .describe(
      'folder that interventions are stored in; empty: of ros2 beside its kept state, of the demo beside its recording',
    ),
  retention: z
    .strictObject({
      events: count(1_000_000, 10_000).describe('events kept for those who resume'),
      seconds: z.number().min(1).max(86_400).default(3600).describe('and for how long, s'),
    })
    .prefault({}),
  rates: z
    .strictObject({
      poseHz: z.number().positive().max(100).default(20).describe('poses a second at most'),
      cloudHz: z.number().positive().max(20).default(2).describe('scans a second at most'),
      cloudPoints: count(200_000, 30_000).describe('points of a scan that are sent at most'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      clients: count(10_000, 200).describe('connections at once'),
      perAddress: count(10_000, 60).describe('connections of one address at once'),
      perToken: count(1000, 8).describe('connections of one token at once'),
      connectsPerMinute: count(100_000, 240).describe('attempts of one address'),
      requestsPerMinute: count(1_000_000, 6000).describe('HTTP requests of one address'),
      messagesPerSecond: count(10_000, 20).describe('messages of one token; twice as many at once'),
      messageBytes: z.int().min(1024).max(1_048_576).default(16_384).describe('one message of a client'),
      inFlightBytes: z
        .int()
        .min(16_384)
        .max(67_108_864)
        .default(4_194_304)
        .describe('sent to one client and not yet known to be read'),
    })
    .prefault({}),
  times: z
    .strictObject({
      helloMs: ms(100, 60_000, 5000).describe('from the connection to the first message'),
      headersMs: ms(100, 60_000, 5000).describe('for the headers of a request, and again for its body'),
      pingMs: ms(100, 60_000, 5000).describe('a silent client is asked'),
      pongMs: ms(200, 120_000, 15_000).describe('a client that does not answer for so long is let go'),
      leaseMs: ms(500, 120_000, 10_000).describe('control lapses when its holder is silent'),
      commandMs: ms(1000, 600_000, 60_000).describe('a command may be valid for so long at most'),
      retryMs: ms(0, 60_000, 1000).describe('least pause before a new attempt'),
      retryJitterMs: ms(0, 60_000, 4000).describe('random time on top, so that not all come back at once'),
    })
    .prefault({}),
});
export type OperatorConfig = z.infer<typeof operatorConfig>;
