import type { Command } from 'commander';
import { FolderMap } from '../adapters/tiles/folder-map.ts';
import { verifyManifest } from '../map/dsse.ts';
import { loadTile } from '../map/load-tile.ts';
import { parseManifest, tilePath } from '../map/manifest.ts';
import { sha256 } from '../map-service/map-package.ts';
import { refusalReason } from '../types.ts';
import { readKey } from './map-sign.ts';
import { progressBar } from './progress.ts';
import { answer, type CommonOptions, openCore, openSession, withCommonOptions } from './shared.ts';

interface VerifyOptions extends CommonOptions {
  readonly key?: string;
}

export function addMapVerify(map: Command): void {
  withCommonOptions(map.command('verify'))
    .description(
      'check every file of a map package against its manifest; with --key the signature and the expiry too',
    )
    .argument('<dir>', 'folder of the map')
    .option('--key <file>', 'public Ed25519 key of the signer, PEM')
    .action(async (dir: string, options: VerifyOptions) => {
      const problems = await verifyMap(dir, options);
      const text = problems.map(({ path, reason }) => `${path}: ${reason}`).join('\n');
      answer(options, { ok: problems.length === 0, problems }, text || 'all files are as the manifest says');
      if (problems.length > 0) process.exitCode = 1;
    });
}

/** What is wrong with a map package; empty when it is whole. Rejects with a Refusal without a readable manifest. */
export async function verifyMap(
  dir: string,
  options: VerifyOptions,
): Promise<{ path: string; reason: string }[]> {
  const core = openCore(await openSession(options));
  const folder = new FolderMap(dir);
  const bytes = await folder.read('manifest.json');
  const manifest = parseManifest(bytes);
  const key = options.key === undefined ? undefined : await readKey(options.key, 'public');
  const problems: { path: string; reason: string }[] = [];
  const check = async (path: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      if (!refusalReason(error)) throw error;
      problems.push({ path, reason: (error as Error).message });
    }
  };
  if (key) {
    await check('manifest.json.dsse', async () =>
      verifyManifest(bytes, await folder.read('manifest.json.dsse'), [key]),
    );
    if (Date.parse(manifest.expires) <= Date.now())
      problems.push({
        path: 'manifest.json',
        reason: `expected a map that is valid now, found one that expired ${manifest.expires}`,
      });
  }
  const tiles = Object.entries(manifest.tiles);
  const bar = progressBar('verifying', tiles.length);
  for (const [k, [id, entry]] of tiles.entries()) {
    const path = tilePath(entry);
    await check(path, async () => loadTile(core, id, entry, manifest.tileSize, await folder.read(path)));
    bar.update(k + 1, id);
  }
  bar.stop();
  await check('graph.geojson', async () => {
    const found = sha256(await folder.read('graph.geojson'));
    if (found !== manifest.graph.sha256)
      problems.push({
        path: 'graph.geojson',
        reason: `expected sha256 ${manifest.graph.sha256}, found ${found}`,
      });
  });
  return problems;
}
