import { createHash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openSource } from '../adapters/replay/open.ts';
import { type Layer, openLayer, sealLayer, writeWhole } from '../drive/layer.ts';
import { SilverBuilder } from '../drive/silver-builder.ts';
import { Mounts } from '../localization/mounts.ts';
import { TileSupply } from '../map/tile-supply.ts';
import { Localizer } from '../pipeline.ts';
import { Refusal } from '../types.ts';
import { openMap, planLimits } from './open-map.ts';
import { progressBar } from './progress.ts';
import { readReference } from './reference.ts';
import { type CommonOptions, openCore, openSession } from './shared.ts';
import { startFrom } from './start.ts';

export interface SilverOptions extends CommonOptions {
  readonly map: string;
  readonly reference?: string;
  readonly every: string;
  readonly out: string;
}

/** `drive silver`. Rejects with a Refusal. */
export async function makeSilver(bronze: string, options: SilverOptions): Promise<Layer> {
  const session = await openSession(options);
  const { config } = session;
  const every = Number(options.every);
  if (!(every >= 0 && every <= 60))
    throw new Refusal('bad-argument', `--every: expected 0 to 60 s, found ${options.every}`);
  const below = await openLayer(bronze, 'bronze');
  if (await stat(join(options.out, 'manifest.json')).catch(() => undefined))
    throw new Refusal('output-exists', `expected no layer in ${options.out}, found one`);
  const core = openCore(session);
  const map = await openMap(options.map, config.map, Date.now(), 'newest');
  const source = await openSource(bagOf(bronze, below));
  try {
    const supply = new TileSupply({
      core,
      index: map.index,
      files: map.source,
      limits: planLimits(config.map),
      wait: true,
      loadAtOnce: 4,
      onRefused: (reason, detail) => session.log.warn(`${reason}: ${detail}`),
    });
    const reference = options.reference
      ? await readReference(options.reference, bagOf(bronze, below), map.index.origin)
      : undefined;
    const mounts = new Mounts(config.frames);
    const builder = new SilverBuilder(core, config.lidar, every);
    const localizer = new Localizer({
      core,
      config,
      map: supply,
      clock: { nowMs: () => performance.now() },
      prior: startFrom(config.replay.start, reference, source.describe()),
      outputOn: 'points',
      sink: { frame: (frame) => builder.frame(frame), update: () => {}, refused: () => {} },
    });
    const { start, end } = source.describe();
    const bar = progressBar('registering scans', Math.max(Number(end - start) * 1e-9, 1e-9));
    for await (const message of source.messages()) {
      if (message.kind === 'mount') mounts.add(message.value);
      await localizer.handle(message);
      if (message.kind === 'points') await builder.scan(message.value, mounts.find(message.value.frameId));
      bar.update(Number(message.arrival - start) * 1e-9, '');
    }
    bar.stop();
    const made = await builder.finish();
    await mkdir(options.out, { recursive: true });
    const lines = made.scans.map((scan) => `${JSON.stringify(scan)}\n`).join('');
    await writeWhole(join(options.out, 'scans.jsonl'), Buffer.from(lines));
    await writeWhole(join(options.out, 'points.f32'), made.points);
    const { replay, lidar, registration, fusion, frames } = config;
    const settings = createHash('sha256')
      .update(JSON.stringify({ start: replay.start, lidar, registration, fusion, frames }))
      .digest('hex');
    const manifest = await map.source.read('manifest.json');
    const manifestSha256 = createHash('sha256').update(manifest).digest('hex');
    const { mapId, version } = map.index;
    return await sealLayer(
      options.out,
      {
        layer: 'silver',
        from: [below.id],
        map: { mapId, version, manifestSha256 },
        options: { every, settings, core: core.kind },
        facts: made.facts,
      },
      ['scans.jsonl', 'points.f32'],
    );
  } finally {
    await source.close();
    await map.close();
  }
}

/** A bronze layer of one bag file is read as that file, another as the folder of a drive. */
function bagOf(folder: string, { files }: Layer): string {
  const bags = files.filter(({ path }) => /\.(mcap|db3|bag)$/.test(path));
  return bags.length === 1 ? join(folder, bags[0]!.path) : folder;
}
