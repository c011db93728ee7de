import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { readPage } from '../../src/adapters/operator/page-files.ts';
import { WatchedMap } from '../../src/adapters/operator/watched-map.ts';
import { percentile } from '../../src/math/statistics.ts';
import { BROWSER } from '../operator/browser.ts';
import { type Rig, startRig, status, token } from '../operator/fake-robot.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';

const PAGE = resolve(import.meta.dirname, '../../dist/operator-page');
const SIDE = 5;
/** m; small, so that all of them are seen at once */
const SIZE = 10;
const TILES = Array.from({ length: SIDE * SIDE }, (_, k) => `${k % SIDE}_${Math.floor(k / SIDE)}`);
const POINTS = 30_000;
/** `DILLY_PAGE_SECONDS=600` looks longer at the memory. */
const SECONDS = Number(process.env.DILLY_PAGE_SECONDS ?? 60);
/** Frames that are drawn one after the other, as fast as they can be. */
const FRAMES = 60;

/**
 * The operators' page with 25 tiles of 30,000 points, a pose at 20 Hz and a scan of 30,000 points at 2 Hz. There is no
 * graphics card here: what the processor does for a frame and what it hands to the card is measured; frames a second are
 * those of a software renderer and say nothing of a laptop.
 */
export async function run(): Promise<Row[]> {
  if (!existsSync(BROWSER.executablePath) || !existsSync(PAGE)) {
    note(`page: needs ${BROWSER.executablePath} (apt-get install chromium) and npm run build`);
    return [];
  }
  const rig = await startRig(
    { rates: { poseHz: 20, cloudHz: 2, cloudPoints: POINTS } },
    { page: await readPage(PAGE), map: street() },
  );
  const browser = await chromium.launch(BROWSER);
  const robot = drive(rig);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    await page.goto(`${rig.url}/#token=${await token('viewer')}`);
    await until(page, `dilly.scene.tileIds.size === ${TILES.length}`);
    await page.evaluate(`dilly.scene.view('top')`);
    await pause(1000 * Math.min(10, SECONDS / 4));
    const first = await memory(page, browser);
    const frames = await drawFrames(page);
    await pause(1000 * SECONDS);
    const last = await memory(page, browser);
    return rowsOf(frames, first, last);
  } finally {
    robot.stop();
    await browser.close();
    await rig.close();
  }
}

function street(): WatchedMap {
  return new WatchedMap({
    mapId: 'street',
    version: 1,
    origin: { lat: 37.49794, lon: 127.02762, ellipsoidalHeight: 45.2 },
    tileSize: SIZE,
    features: [{ kind: 'signal', id: 's1', line: [[20, 2]] }],
    points: async (id) => {
      const [i, j] = id.split('_').map(Number) as [number, number];
      const positions = Float32Array.from({ length: 3 * POINTS }, (_, k) =>
        k % 3 === 2 ? 4 * Math.abs(Math.sin(k)) : (k * 7.3137) % SIZE,
      );
      return { origin: [SIZE * i, SIZE * j, 0], positions };
    },
  });
}

function drive(rig: Rig): { stop(): void } {
  const positions = Float32Array.from({ length: 3 * POINTS }, (_, k) => 30 * Math.sin(k));
  let ticks = 0;
  const timer = setInterval(() => {
    const x = 20 + (ticks % 200) / 20;
    const { frame } = status(x);
    const pose = { ...frame.pose!, position: [x, 25, 0] as const };
    rig.gateway.status(status(x, { frame: { ...frame, pose }, tiles: TILES }));
    if (ticks++ % 10 === 0) rig.gateway.scan({ stamp: BigInt(ticks), origin: [x, 25, 0], positions });
  }, 50);
  return { stop: () => clearInterval(timer) };
}

interface Frames {
  readonly ms: readonly number[];
  readonly calls: number;
  readonly points: number;
  readonly perSecond: number;
}

/** Draws again and again, whatever changed, and asks each frame what it cost. */
async function drawFrames(page: Page): Promise<Frames> {
  return page.evaluate<Frames>(`new Promise((resolve) => {
    const ms = [];
    const begun = performance.now();
    const next = () => {
      ms.push(dilly.scene.cost.ms);
      if (ms.length < ${FRAMES}) {
        dilly.scene.touch();
        // After the frame that touch() asked for.
        requestAnimationFrame(next);
      } else {
        const { calls, points } = dilly.scene.cost;
        resolve({ ms: ms.slice(5), calls, points, perSecond: (1000 * ms.length) / (performance.now() - begun) });
      }
    };
    dilly.scene.touch();
    requestAnimationFrame(next);
  })`);
}

/** MB: of the page's process what is its own, and of that what JavaScript holds after a collection. */
async function memory(page: Page, browser: Browser) {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize = 0 } = (await session.send('Runtime.getHeapUsage')) as {
    usedSize: number;
    backingStorageSize?: number;
  };
  const { processInfo } = await (await browser.newBrowserCDPSession()).send('SystemInfo.getProcessInfo');
  const own = (kind: string) =>
    processInfo.filter(({ type }) => type === kind).reduce((sum, { id }) => sum + anonymous(id), 0);
  return { heap: (usedSize + backingStorageSize) / 1e6, renderer: own('renderer'), gpu: own('GPU') };
}

function anonymous(pid: number): number {
  const found = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(join('/proc', String(pid), 'status'), 'utf8'));
  return Number(found?.[1] ?? 0) / 1000;
}

async function until(page: Page, expression: string): Promise<void> {
  for (let k = 0; k < 1200; k++) {
    if (await page.evaluate(expression)) return;
    await pause(50);
  }
  throw new Error(`expected ${expression} within a minute`);
}

type Memory = Awaited<ReturnType<typeof memory>>;

function rowsOf({ ms, calls, points, perSecond }: Frames, first: Memory, last: Memory): Row[] {
  const most = (limit: number) => ({ of: 'value', at: 'most', limit }) as const;
  note(`page: ${perSecond.toFixed(1)} frames/s by SwiftShader on this processor, not by a graphics card`);
  return [
    { id: 'page.frame.cpu.p50', value: percentile(ms, 50), unit: 'ms' },
    // 60 frames a second leave 16.7 ms for all of it.
    { id: 'page.frame.cpu.p99', value: percentile(ms, 99), unit: 'ms', bar: most(8) },
    { id: 'page.frame.drawCalls', value: calls, unit: 'calls' },
    { id: 'page.frame.points', value: points, unit: 'points' },
    { id: 'page.memory.heap', value: last.heap, unit: 'MB' },
    { id: 'page.memory.process', value: last.renderer, unit: 'MB', bar: most(300) },
    { id: 'page.memory.growth', value: last.heap - first.heap, unit: 'MB' },
    // By a software renderer, which keeps there what a graphics card has in its own memory.
    { id: 'page.memory.gpuProcess', value: last.gpu, unit: 'MB' },
  ];
}
