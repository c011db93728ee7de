import { z } from 'zod';

const seconds = (low: number, high: number, fallback: number) =>
  z.number().min(low).max(high).default(fallback);
const ms = (low: number, high: number, fallback: number) => z.int().min(low).max(high).default(fallback);

/** How to reach a broker. */
export const brokerConfig = z.strictObject({
  url: z
    .string()
    .regex(/^(?:mqtts?|wss?):\/\//)
    .describe('mqtt://host:1883, mqtts://host:8883'),
  clientId: z.string().min(1).max(64).default('dilly-nav').describe('stable, and one per robot and use'),
  username: z.string().optional(),
  passwordEnv: z.string().optional().describe('name of the environment variable that holds the password'),
  caFile: z.string().optional().describe('PEM of the authorities that the broker is checked against'),
  certFile: z.string().optional().describe("PEM of the robot's certificate"),
  keyFile: z.string().optional(),
  protocolVersion: z
    .union([z.literal(4), z.literal(5)])
    .default(4)
    .describe('MQTT 3.1.1 or 5'),
  keepalive: z.int().min(1).max(600).default(10).describe('s'),
  connectTimeoutMs: ms(100, 60_000, 5000),
  backoffMinMs: ms(10, 60_000, 500).describe('pause before the first new attempt'),
  backoffMaxMs: ms(100, 600_000, 30_000).describe('pauses double up to this'),
});
export type BrokerConfig = z.infer<typeof brokerConfig>;

const vendor = {
  name: z
    .string()
    .regex(/^[a-z\d-]+$/)
    .describe('stands in states, metrics and usage'),
  provider: z.string().describe("the map's `provider` whose ids this vendor knows"),
  aliases: z
    .record(
      z.string(),
      z.strictObject({ externalId: z.string(), head: z.string(), verifiedAt: z.iso.datetime() }),
    )
    .default({})
    .describe('signals of other providers by the ids that this vendor gives them, checked on the street'),
  weight: z.number().min(0).max(1000).default(1).describe('share of the requests; 0: only as a fallback'),
  costPerCall: z.number().min(0).default(0).describe('in your currency, for the metering'),
  timeoutMs: ms(50, 10_000, 1500).describe('one request'),
  maxBytes: ms(1024, 4_194_304, 262_144).describe('larger answers and messages are refused'),
  ratePerSecond: z.number().positive().max(1000).default(10).describe('requests a second, by contract'),
  burst: z.int().min(1).max(1000).default(10).describe('requests at once'),
};
const httpVendor = {
  ...vendor,
  url: z.url().describe('without a query'),
  keyEnv: z.string().optional().describe('name of the environment variable that holds the key'),
  unitsPerSecond: z
    .number()
    .positive()
    .max(1000)
    .default(10)
    .describe('how fast the remaining time must be seen to fall before it is used; T-Data and KLID: tenths'),
};

export const vendorConfig = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('mqtt-spat'),
    ...vendor,
    broker: brokerConfig,
    spatTopic: z.string().default('its/{id}/spat').describe('{id} is the intersection'),
    mapTopic: z.string().optional().describe('of MAP messages, to refuse groups that are not of a crosswalk'),
    statusTopic: z.string().default('robots/{clientId}/its').describe('online and, as last will, offline'),
    freshMs: ms(100, 60_000, 2000).describe('an older message is waited to be replaced'),
  }),
  z.strictObject({
    kind: z.literal('city-http'),
    ...httpVendor,
    feed: z
      .enum(['fusion', 'timing+phase'])
      .default('fusion')
      .describe('one request, or two whose answers are joined'),
  }),
  z.strictObject({ kind: z.literal('national-http'), ...httpVendor }),
]);
export type VendorConfig = z.infer<typeof vendorConfig>;

export const mediatorConfig = z.strictObject({
  pollMs: ms(200, 60_000, 1000).describe('each intersection within the query distance is asked so often'),
  deadlineMs: ms(100, 10_000, 1500).describe('for one question'),
  hedgeMs: ms(10, 10_000, 700).describe('so long before the deadline a second vendor is asked as well'),
  breakerFailures: z.int().min(1).max(100).default(3).describe('in a row open the breaker'),
  breakerOpenMs: ms(100, 600_000, 5000).describe('doubles with every failed trial'),
  breakerMaxMs: ms(100, 3_600_000, 60_000),
  compareMs: ms(500, 60_000, 5000).describe('states received within this are compared'),
  toleranceS: seconds(0.1, 10, 3).describe('ends of a phase so close are the same, s'),
  corroborateMs: ms(1000, 3_600_000, 60_000).describe('a vendor is compared with another at least so often'),
  trustMs: ms(1000, 86_400_000, 600_000).describe(
    'a lone `walk` counts if its vendor was borne out so lately',
  ),
  distrustMs: ms(1000, 86_400_000, 330_000).describe('after a vendor contradicted itself or was outvoted'),
  probationMs: ms(1000, 86_400_000, 60_000).describe('the same, once a trusted vendor bears it out again'),
});
export type MediatorConfig = z.infer<typeof mediatorConfig>;

/** Signals, doors and lifts. */
export const itsConfig = z.strictObject({
  queryDistance: z
    .number()
    .min(5)
    .max(500)
    .default(60)
    .describe('signals nearer on the route are asked for, m'),
  vendors: z
    .array(vendorConfig)
    .default([])
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'expected names that differ'),
  mediator: mediatorConfig.prefault({}),
  usageFile: z
    .string()
    .optional()
    .describe('calls, bytes, errors and cost by vendor and month are kept here'),
  doors: z
    .strictObject({
      broker: brokerConfig,
      prefix: z.string().default('rmf').describe('topics: PREFIX/door_states, PREFIX/lift_requests …'),
    })
    .optional(),
});
export type ItsConfig = z.infer<typeof itsConfig>;
