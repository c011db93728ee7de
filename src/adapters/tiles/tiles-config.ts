import { z } from 'zod';

const serviceConfig = z.strictObject({
  tokenFile: z
    .string()
    .default('')
    .describe("file with this robot's token for the map service; default: none"),
  connectTimeout: z.number().positive().max(60).default(5).describe('s'),
  stallTimeout: z
    .number()
    .positive()
    .max(300)
    .default(10)
    .describe('a download that brings nothing for so long is broken off and resumed, s'),
  downloadTimeout: z
    .number()
    .positive()
    .max(3600)
    .default(120)
    .describe('one request may take so long at most, s'),
  attempts: z.int().min(1).max(50).default(6).describe('of one download, the first included'),
  firstPause: z
    .number()
    .positive()
    .max(60)
    .default(0.25)
    .describe('about so long until the second attempt; doubles with each, with jitter, s'),
  longestPause: z.number().positive().max(600).default(20).describe('s'),
  breakAfter: z
    .int()
    .min(1)
    .max(1000)
    .default(8)
    .describe('attempts in a row that brought nothing, after which the service is left alone for a while'),
  breakFor: z.number().positive().max(3600).default(15).describe('how long, s'),
  parallel: z.int().min(1).max(32).default(4).describe('downloads at once'),
  checkEvery: z
    .number()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('seconds between two questions for a newer version of the map; 0: none in a drive'),
  manifestLimit: z.number().positive().max(2048).default(256).describe('a manifest is at most so large, MB'),
});

/** Where tiles come from, whom to trust, and what they may take. */
export const tilesConfig = z.strictObject({
  trustedKeys: z
    .array(z.string())
    .default([])
    .describe('Ed25519 public keys (SPKI, PEM text): a map needs a signature by one of them'),
  allowUnsigned: z.boolean().default(false).describe('use maps that nobody signed'),
  origin: z
    .strictObject({
      lat: z.number().min(-90).max(90),
      lon: z.number().min(-180).max(180),
      ellipsoidalHeight: z.number().min(-1000).max(10_000).default(0),
    })
    .optional()
    .describe('of a map that does not say it (divided the Autoware way): degrees, m'),
  keepFactor: z
    .number()
    .min(1.05)
    .max(3)
    .default(1.2)
    .describe('a tile stays in memory until it is so many load radii away'),
  lookAhead: z
    .number()
    .min(0)
    .max(600)
    .default(20)
    .describe('tiles of the route that come within the load radius so soon are in memory too, s'),
  fetchRadius: z
    .number()
    .min(0)
    .max(5000)
    .default(300)
    .describe('without a route, files of tiles closer than this are fetched ahead, m'),
  memoryBudget: z.number().positive().max(65_536).default(512).describe('for tiles in memory, MB'),
  store: z
    .strictObject({
      folder: z
        .string()
        .default('')
        .describe(
          'of downloaded tiles and their search structures; default: dilly-nav in the cache of the user, and none for the map in a folder',
        ),
      budget: z.number().positive().max(1_000_000).default(4096).describe('for files in it, MB'),
    })
    .prefault({}),
  service: serviceConfig.prefault({}),
});
export type TilesConfig = z.infer<typeof tilesConfig>;
export type ServiceConfig = z.infer<typeof serviceConfig>;
