// A drive of 2 km with a radius of 60 m on a map of the service, as fast as it goes: what a process of its own takes.
// It runs what was built, as a robot does: the loader of TypeScript alone takes 40 MB.
import { readFileSync } from 'node:fs';
import { openMap, planLimits } from '../../dist/commands/open-map.js';
import { configSchema } from '../../dist/config.js';
import { TileSupply } from '../../dist/map/tile-supply.js';
import { loadCore } from '../../dist/native.js';

const SPEED = 1.5; // m/s
const STEP = 1; // m
const LEGS = [
  [-700, -300],
  [0, -300],
  [0, 400],
  [600, 400],
];

const [url, publicKey, folder] = process.argv.slice(2);
const rss = () => process.memoryUsage.rss() / 1e6;
const samples = [[0, rss()]];
const { map } = configSchema.parse({ map: { loadRadius: 60, trustedKeys: [publicKey], store: { folder } } });
const opened = await openMap(url, map, Date.now(), 'newest');
samples.push([0, rss()]);
let refused = 0;
const supply = new TileSupply({
  core: loadCore('native'),
  index: opened.index,
  files: opened.source,
  limits: planLimits(map),
  wait: true,
  loadAtOnce: 2,
  onRefused: () => refused++,
});
supply.setRoute(LEGS);
let metres = 0;
let mostHeld = 0;
for (let leg = 1; leg < LEGS.length; leg++) {
  const [[ax, ay], [bx, by]] = [LEGS[leg - 1], LEGS[leg]];
  const length = Math.hypot(bx - ax, by - ay);
  for (let at = 0; at < length; at += STEP, metres += STEP) {
    const t = at / length;
    await supply.moveTo([ax + t * (bx - ax), ay + t * (by - ay), 0], SPEED);
    mostHeld = Math.max(mostHeld, supply.status().held);
    if (metres % 5 === 0) samples.push([metres, rss()]);
  }
}
const { bytesReceived } = opened.source.status();
await opened.close();
// Of the kernel: the moments between two samples count too. Not ru_maxrss, which begins with what the parent had.
const peak = (1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])) / 1e6;
process.send({ samples, peak, metres, mostHeld, bytesReceived, refused });
process.disconnect();
