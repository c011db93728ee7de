import { type Command, InvalidArgumentError } from 'commander';
import { writeAutoware } from '../map-service/autoware.ts';
import { openMap } from '../map-service/source-tiles.ts';
import { Refusal } from '../types.ts';
import { retileMap, UNMOVED } from './map-retile.ts';
import { describeWritten } from './map-write.ts';
import { progressBar } from './progress.ts';
import { answer, type CommonOptions, openCore, openSession, withCommonOptions } from './shared.ts';

interface TileOptions extends CommonOptions {
  readonly out: string;
  readonly size?: number;
  readonly autoware?: boolean;
}

export function addMapTile(map: Command): void {
  withCommonOptions(map.command('tile'))
    .description('cut a map into other tiles; read or write a folder divided the Autoware way')
    .argument('<map>', 'map package, or folder with pointcloud_map_metadata.yaml')
    .option('--size <m>', 'of the new tiles, metres', metres)
    .option('--autoware', 'write pointcloud_map_metadata.yaml and PCD files, no map package')
    .requiredOption('--out <dir>', 'folder to write')
    .action(tileMap);
}

/** `map tile`. */
export async function tileMap(from: string, options: TileOptions): Promise<void> {
  const session = await openSession(options);
  const core = openCore(session);
  const { out, size } = options;
  if (!options.autoware) {
    const written = await retileMap(core, session, {
      from,
      out,
      T_new_old: UNMOVED,
      ...(size && { tileSize: size }),
    });
    return answer(options, written, describeWritten(written, out));
  }
  const map = await openMap(core, from);
  if (!map.manifest)
    throw new Refusal('bad-argument', `${from}: expected a map package, found an Autoware folder already`);
  if (size && size !== map.manifest.tileSize)
    throw new Refusal(
      'bad-argument',
      `--size ${size}: the map has tiles of ${map.manifest.tileSize} m; cut them first: map tile --size ${size}`,
    );
  const bar = progressBar('writing files  ', map.files);
  const result = await writeAutoware(map, map.manifest.tileSize, out, (files) => bar.update(files, ''));
  bar.stop();
  if (result.rounded > 0)
    session.log.warn(`${result.rounded} tiles are over 16 km out: float32 rounds their points by over 1 mm`);
  answer(options, result, `${result.files} files, ${result.points} points in ${out}`);
}

function metres(text: string): number {
  const value = Number(text);
  if (!(value >= 5 && value <= 200)) throw new InvalidArgumentError('expected 5 to 200 metres');
  return value;
}
