import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readPage } from '../../src/adapters/operator/page-files.ts';
import type { RobotStatus } from '../../src/ports/robot.ts';
import { BROWSER } from './browser.ts';
import { event, type Rig, startRig, status, token, until } from './fake-robot.ts';
import { Network } from './network.ts';

const root = resolve(import.meta.dirname, '../..');
const SHOTS = join(root, 'build/screenshots');
const hasChromium = existsSync(BROWSER.executablePath);
if (!hasChromium)
  console.warn(`skipped: no ${BROWSER.executablePath}; apt-get install chromium fonts-noto-cjk`);

/** WebGL without a graphics card is slow. */
describe.skipIf(!hasChromium)('the page', { timeout: 120_000 }, () => {
  let browser: Browser;
  let rig: Rig;
  let x = 8;
  let metres = 0;
  let signal: 'stop' | 'walk' = 'stop';
  let signalAge = 0.4;
  let timer: NodeJS.Timeout;
  let drives = true;
  let stands = false;
  const crossings = (): RobotStatus['crossings'] => [
    {
      signalId: 's1',
      phase: signal === 'walk' ? 'GO' : 'WAITING',
      text: signal === 'walk' ? 'walk, 14 s are enough' : 'waits for walk',
      age: signalAge,
      toStopLine: 6.2,
      signal: {
        signalId: 's1',
        phase: signal,
        remaining: { min: 14 },
        sourceTime: 0,
        receivedAtMs: 0,
        provider: 'seoul',
        raw: null,
      },
    },
  ];

  beforeAll(async () => {
    const outDir = join(root, 'build/operator-page-test');
    await build({
      configFile: join(root, 'vite.page.config.ts'),
      logLevel: 'error',
      root: join(root, 'src/adapters/operator/page'),
      build: { outDir },
    });
    rig = await startRig({}, { page: await readPage(outDir) });
    browser = await chromium.launch(BROWSER);
    mkdirSync(SHOTS, { recursive: true });
    timer = setInterval(() => {
      if (!drives) return;
      // To and fro between the map's wall and its signal, so that all pictures show them.
      if (!stands) metres += 0.1;
      x = 8 + 5 * Math.sin(metres / 5);
      rig.gateway.status(
        status(x, {
          fix: { position: [x + 0.8, 0.5, 0], sigma: 1.2, stamp: status(x).frame.stamp },
          crossings: crossings(),
          buildings: [{ id: 'd1', kind: 'door', phase: 'REQUESTED', text: 'waits for the door' }],
          route: {
            routeId: 'r',
            line: [
              [0, 0],
              [20, 0],
              [35, 6],
            ],
            along: x,
            remaining: 40 - x,
            offset: 0,
          },
        }),
      );
    }, 100);
  });
  // A page that a failed test left would go on drawing.
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  afterAll(async () => {
    clearInterval(timer);
    await browser?.close();
    await rig?.close();
  });

  async function openPage(
    role: string,
    name: string,
    more = '',
    size = { width: 1280, height: 720 },
    url = rig.url,
  ): Promise<Page> {
    const page = await browser.newPage({ viewport: size });
    await page.goto(`${url}/#token=${await token(role, name)}${more}`);
    await page.waitForSelector('.pill.line.good');
    await page.waitForSelector('.card.signal');
    return page;
  }
  const said = (page: Page) => page.locator('body').textContent();

  it('shows the robot driving, a signal that turns, and greys out what is stale', async () => {
    const page = await openPage('viewer', 'kim', '&lang=en&theme=dark');
    const drawn = () => page.evaluate<number>('dilly.scene.drawn');
    const before = await drawn();
    rig.gateway.scan({
      stamp: 1n,
      origin: [x, 0, 0],
      positions: Float32Array.from({ length: 3000 }, (_, k) => Math.sin(k) * 8),
    });
    await inPage(page, `dilly.scene.drawn > ${before + 3}`);
    expect(await page.locator('.card.signal.bad').count()).toBe(1);
    signal = 'walk';
    await page.waitForSelector('.card.signal.good');
    expect(await page.locator('#stop').isDisabled()).toBe(true);
    signalAge = 9;
    await page.waitForSelector('.card.signal.stale');
    signalAge = 0.4;
    drives = false;
    await page.waitForSelector('aside.stale');
    expect(await said(page)).toMatch(/stale for \d/);
    drives = true;
    await page.waitForSelector('aside:not(.stale)');
    // Its LiDAR has been silent since: the scan alone is old.
    await page.waitForSelector('aside .row.stale:has-text("Scan to map")');
    expect(await page.locator('aside .row.stale').textContent()).toMatch(/stale for \d+ s/);
    await page.close();
  });

  it('hands control over and tells the first, and commands the robot', async () => {
    const first = await openPage('operator', 'kim', '&lang=en');
    await first.click('#take');
    await first.waitForSelector('#stop:enabled');
    // The space bar stops the robot also after another button was clicked.
    await first.click('#follow');
    await first.keyboard.press(' ');
    await until(() => rig.commands.some(({ kind }) => kind === 'stop'));
    const second = await openPage('operator', 'lee', '&lang=en');
    await second.click('#take');
    await second.waitForSelector('#stop:enabled');
    await first.waitForSelector('#hint .bad');
    expect(await said(first)).toContain('lee took control over from kim');
    expect(await first.locator('#stop').isDisabled()).toBe(true);
    await second.click('#relocalise');
    const box = (await second.locator('canvas').boundingBox())!;
    await second.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await second.mouse.down();
    await second.mouse.move(box.x + box.width / 2 + 80, box.y + box.height / 2, { steps: 4 });
    await second.mouse.up();
    await until(() => rig.commands.some(({ kind }) => kind === 'relocalise'));
    expect(rig.commands.at(-1)).toHaveProperty('yaw');
    await first.close();
    await second.close();
  });

  it.each([
    ['gone: its port is closed', (network: Network) => network.close()],
    ['silent: no byte comes through, and nobody is told', async (network: Network) => network.silence()],
  ])('misses no event when the network is %s for 5 s', async (_how, cut) => {
    const network = await Network.start(rig.url);
    const page = await openPage('operator', 'park', '&lang=en', undefined, network.url);
    const before = rig.gateway.lastSeq;
    await page.click('#take');
    await page.waitForSelector('#stop:enabled');
    await cut(network);
    for (let k = 0; k < 50; k++) {
      rig.gateway.event(event(`gone-${k}`));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await page.waitForSelector('aside.stale');
    await network.mend();
    await page.waitForSelector('.pill.line:not(.good)');
    await page.waitForSelector('.pill.line.good', { timeout: 30_000 });
    await page.waitForSelector('aside:not(.stale)');
    rig.gateway.event(event('after'));
    const last = rig.gateway.lastSeq;
    await inPage(page, `dilly.events.at(-1).seq >= ${last}`);
    const seen = await page.evaluate<number[]>('dilly.events.map(({ seq }) => seq)');
    expect(seen.filter((seq) => seq > before)).toEqual(
      Array.from({ length: seen.at(-1)! - before }, (_, k) => before + 1 + k),
    );
    expect(await said(page)).not.toContain('Some events are gone');
    await page.close();
    await network.close();
  });

  it('draws only what changes: a robot that stands keeps no graphics card busy', async () => {
    const page = await openPage('viewer', 'kim', '&lang=en');
    const drawn = () => page.evaluate<number>('dilly.scene.drawn');
    const moving = await drawn();
    await inPage(page, `dilly.scene.drawn > ${moving + 3}`);
    let standing = moving;
    stands = true;
    try {
      // Frames that were asked for before are still on their way: a graphics card in software takes seconds for them.
      for (let round = 0; round < 4 && (await drawn()) !== standing; round++) {
        standing = await drawn();
        await page.waitForTimeout(3000);
      }
      expect(await drawn()).toBe(standing);
      expect(await page.locator('aside.stale').count()).toBe(0);
    } finally {
      stands = false;
    }
    await inPage(page, `dilly.scene.drawn > ${standing + 3}`);
    await page.close();
  });

  it.each([
    ['wide-dark-en', { width: 1280, height: 720 }, '&theme=dark&lang=en'],
    ['wide-light-ko', { width: 1280, height: 720 }, '&theme=light&lang=ko'],
    ['narrow-dark-ko', { width: 390, height: 844 }, '&theme=dark&lang=ko'],
    ['narrow-light-en', { width: 390, height: 844 }, '&theme=light&lang=en'],
  ])('fits the screen: %s', async (name, size, more) => {
    const page = await openPage('operator', 'kim', more, size);
    const drawn = await page.evaluate<number>('dilly.scene.drawn');
    await inPage(page, `dilly.scene.tileIds.size > 0 && dilly.scene.drawn > ${drawn + 5}`);
    await page.screenshot({ path: join(SHOTS, `${name}.png`) });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(await page.evaluate(`(${overlapping})()`)).toEqual([]);
    await page.close();
  });
});

/** In the page: texts that lie on each other, are cut off, or leave the screen. */
const overlapping = `() => {
  const shown = [...document.querySelectorAll('header > *, footer > *, aside .row > span, #legend > span')]
    .filter((one) => one.textContent.trim() !== '' && one.getClientRects().length > 0)
    .map((one) => ({ one, box: one.getBoundingClientRect() }));
  const wrong = [];
  for (const { one, box } of shown) {
    if (box.left < 0 || box.right > innerWidth + 0.5) wrong.push('outside: ' + one.textContent);
    // A reason that is too long ends in dots and is whole in the panel.
    if (one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && !one.classList.contains('advice'))
      wrong.push('cut off: ' + one.textContent);
    for (const { one: other, box: of } of shown) {
      if (other === one || one.parentNode !== other.parentNode) continue;
      const wide = Math.min(box.right, of.right) - Math.max(box.left, of.left);
      const high = Math.min(box.bottom, of.bottom) - Math.max(box.top, of.top);
      if (wide > 1 && high > 1) wrong.push(one.textContent + ' lies on ' + other.textContent);
    }
  }
  return wrong;
}`;

/** Waits for an expression in the page to be true; the page's policy lets no text be run as code from inside. */
async function inPage(page: Page, expression: string): Promise<void> {
  for (let k = 0; k < 200; k++) {
    if (await page.evaluate(expression)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`expected ${expression} within 10 s`);
}
