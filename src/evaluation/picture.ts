import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';
import { FONT } from './plots/draw.ts';
import { colour } from './plots/theme.ts';

/** Pixels of the pictures for each unit of the drawings. */
const ZOOM = 1.5;

const require = createRequire(import.meta.url);
let fonts: Promise<Uint8Array[]> | undefined;

/** Once a process: resvg refuses a second start. */
async function start(): Promise<Uint8Array[]> {
  await initWasm(await readFile(require.resolve('@resvg/resvg-wasm/index_bg.wasm')));
  const files = ['DejaVuSansCondensed.ttf', 'DejaVuSansCondensed-Bold.ttf'];
  return Promise.all(files.map((file) => readFile(require.resolve(`dejavu-fonts-ttf/ttf/${file}`))));
}

/**
 * An SVG as a PNG, set in the fonts that come with us: a robot or a container has none. Undefined where resvg gives up
 * (it does on some groups of nothing visible). It runs as WebAssembly for that: the native build would end the process.
 */
export async function picture(svg: string): Promise<Uint8Array | undefined> {
  fonts ??= start();
  const fontBuffers = await fonts;
  try {
    const resvg = new Resvg(svg, {
      background: colour('paper'),
      fitTo: { mode: 'zoom', value: ZOOM },
      font: { fontBuffers, defaultFontFamily: FONT },
    });
    const image = resvg.render();
    const png = image.asPng();
    image.free();
    resvg.free();
    return png;
  } catch {
    return undefined;
  }
}
