import { openMap, planLimits } from '../../src/commands/open-map.ts';
import { configSchema } from '../../src/config.ts';
import { TileSupply } from '../../src/map/tile-supply.ts';
import { loadCore } from '../../src/native.ts';

/** A robot in a process of its own: stands in the middle of a map of the service, and says what it holds. */
const [place, folder, key] = process.argv.slice(2);
const { map } = configSchema.parse({ map: { loadRadius: 25, trustedKeys: [key], store: { folder } } });
const opened = await openMap(place!, map, Date.now(), 'stored');
const refused: string[] = [];
const supply = new TileSupply({
  core: loadCore('auto'),
  index: opened.index,
  files: opened.source,
  limits: planLimits(map),
  wait: true,
  loadAtOnce: 2,
  onRefused: (reason) => refused.push(reason),
});
await supply.moveTo([0, 0, 0]);
await opened.close();
process.send!({ held: supply.status().held, refused });
process.disconnect();
