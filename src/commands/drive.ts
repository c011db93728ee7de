import { copyFile, link, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { openSource } from '../adapters/replay/open.ts';
import { type ChangeOptions, changeOptions } from '../drive/evidence.ts';
import { findChanges, type MapTile } from '../drive/gold.ts';
import { hashFile, type Layer, sealLayer, writeWhole } from '../drive/layer.ts';
import type { Proposal } from '../drive/proposal.ts';
import { openSilver } from '../drive/silver.ts';
import { parseManifest } from '../map/manifest.ts';
import { openMap as openTiles } from '../map-service/source-tiles.ts';
import { Refusal } from '../types.ts';
import { addDriveProof } from './drive-proof.ts';
import { makeSilver, type SilverOptions } from './drive-silver.ts';
import { progressBar } from './progress.ts';
import {
  answer,
  type CommonOptions,
  openCore,
  openSession,
  type Session,
  withCommonOptions,
} from './shared.ts';

export function addDrive(program: Command): void {
  const drive = program.command('drive').description('layers of recorded drives: bronze, silver, gold');
  addDriveProof(drive);
  withCommonOptions(drive.command('bronze'))
    .description('take a recording as it came')
    .argument('<input>', 'bag file, or folder of one drive')
    .requiredOption('--out <dir>', 'folder of the layer')
    .action(async (input: string, options: CommonOptions & { out: string }) =>
      say(options, await makeBronze(input, options.out)),
    );
  withCommonOptions(drive.command('silver'))
    .description('register the scans of a bronze layer on a map; bad intervals are cut out')
    .argument('<bronze>', 'folder of the layer')
    .requiredOption('--map <map>', 'folder of a map, or its address at a map service')
    .option(
      '--reference <ref>',
      'where the drive begins: TUM file or topic of the recording; default: its fixes',
    )
    .option('--every <s>', 'a scan is kept so often', '0.5')
    .requiredOption('--out <dir>', 'folder of the layer')
    .action(async (bronze: string, options: SilverOptions) =>
      say(options, await makeSilver(bronze, options)),
    );
  withCommonOptions(drive.command('gold'))
    .description('evidence of change and a proposal from silver layers of several days')
    .argument('<silver...>', 'folders of the layers')
    .requiredOption('--map <dir>', 'folder of the map that they were registered on')
    .requiredOption('--out <dir>', 'folder of the layer')
    .option('--min-drives <n>', 'drives on different days that must agree', '3')
    .action(async (silver: string[], options: GoldOptions) => say(options, await makeGold(silver, options)));
}

export interface GoldOptions extends CommonOptions {
  readonly map: string;
  readonly out: string;
  readonly minDrives: string;
}

/** Nothing is changed: files are linked where that is possible. Rejects with a Refusal where there is no bag. */
export async function makeBronze(input: string, out: string): Promise<Layer> {
  await newFolder(out);
  const source = await openSource(input);
  const { start, end, channels } = source.describe();
  await source.close();
  const isFolder = (await stat(input)).isDirectory();
  const names = isFolder
    ? (await readdir(input)).filter((name) => /\.(mcap|db3|bag|ya?ml|json)$|\.mcap\.part$/.test(name))
    : [basename(input)];
  for (const name of names.filter((one) => one !== 'manifest.json')) {
    const from = isFolder ? join(input, name) : input;
    await link(from, join(out, name)).catch(() => copyFile(from, join(out, name)));
  }
  const facts = { start: `${start}`, end: `${end}`, channels };
  return sealLayer(out, { layer: 'bronze', from: [], options: {}, facts }, names);
}

/** Rejects with a Refusal. */
export async function makeGold(silver: readonly string[], options: GoldOptions): Promise<Layer> {
  const session = await openSession(options);
  const change = changeOptions.parse({ minDrives: Number(options.minDrives) });
  const { manifest, manifestSha256 } = await mapOf(options.map);
  const drives = [];
  for (const folder of silver) {
    const drive = await openSilver(folder);
    if (drive.layer.map?.manifestSha256 !== manifestSha256)
      throw new Refusal(
        'other-map',
        `${folder}: expected scans on the map ${manifest.mapId} version ${manifest.version}, found version ${drive.layer.map?.version}; derive it again`,
      );
    drives.push(drive);
  }
  // Whatever the order of the arguments, the same drives give the same layer.
  drives.sort((a, b) => (a.layer.id < b.layer.id ? -1 : 1));
  const days = new Set(drives.map(({ day }) => day)).size;
  const { evidence, objects } = await findChanges(
    openCore(session),
    drives,
    mapTiles(session, options.map, Object.keys(manifest.tiles).length),
    manifest.tileSize,
    change,
  );
  const { mapId, version } = manifest;
  const proposal: Proposal = {
    specVersion: 1,
    mapId,
    version,
    manifestSha256,
    voxel: change.voxel,
    drives: drives.length,
    days,
    objects,
  };
  await newFolder(options.out);
  await writeWhole(join(options.out, 'proposal.json'), Buffer.from(`${JSON.stringify(proposal)}\n`));
  const lines = evidence.map((row) => `${JSON.stringify(row)}\n`).join('');
  await writeWhole(join(options.out, 'evidence.jsonl'), Buffer.from(lines));
  return sealLayer(
    options.out,
    {
      layer: 'gold',
      from: drives.map(({ layer }) => layer.id),
      map: { mapId, version, manifestSha256 },
      options: change satisfies ChangeOptions,
      facts: {
        drives: drives.length,
        days,
        tiles: evidence.length,
        objects: objects.map(({ id, kind, cubes, low, high }) => ({
          id,
          kind,
          cubes: cubes.length,
          low,
          high,
        })),
      },
    },
    ['proposal.json', 'evidence.jsonl'],
  );
}

/** The manifest of a map's folder and its hash. */
export async function mapOf(folder: string) {
  const path = join(folder, 'manifest.json');
  const bytes = await readFile(path).catch(() => {
    throw new Refusal('not-a-map', `expected manifest.json in ${folder}, found none`);
  });
  return { manifest: parseManifest(bytes), manifestSha256: await hashFile(path) };
}

async function* mapTiles(session: Session, folder: string, count: number): AsyncGenerator<MapTile> {
  const map = await openTiles(openCore(session), folder);
  const bar = progressBar('tracing rays', count);
  let done = 0;
  for await (const { name, corner, arrays } of map.tiles(0)) {
    yield {
      id: name,
      positions: Float64Array.from(arrays.positions, (value, k) => value + corner[k % 3]!),
      normals: arrays.normals!,
    };
    bar.update(++done, name);
  }
  bar.stop();
}

async function newFolder(out: string): Promise<void> {
  if (await stat(join(out, 'manifest.json')).catch(() => undefined))
    throw new Refusal('output-exists', `expected no layer in ${out}, found one; choose another folder`);
  await mkdir(out, { recursive: true });
}

function say(options: CommonOptions, layer: Layer): void {
  const bytes = layer.files.reduce((sum, file) => sum + file.bytes, 0);
  const { id, layer: name, files, facts } = layer;
  answer(
    options,
    { layer: name, id, files: files.length, bytes, facts },
    `${name} ${id.slice(0, 16)}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB\n${JSON.stringify(facts)}`,
  );
}
