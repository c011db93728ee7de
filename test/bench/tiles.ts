import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../src/config.ts';
import type { Cloud, CloudArrays, Core, TileMap } from '../../src/core.ts';
import { tileOrigin } from '../../src/map/tile-grid.ts';
import { TileBuilder } from '../../src/map-service/tile-builder.ts';
import type { Pose, Vec3 } from '../../src/types.ts';

export const config = configSchema.parse({});

export interface PosedScan {
  readonly cloud: Cloud;
  readonly T_base_sensor: Pose;
  readonly T_map_base: Pose;
  readonly path: { times: number[]; poses: Pose[] };
}

/** A map in memory, made as `map build` makes it, with its defaults; `see` is shown what each tile is made of. */
export async function tilesOf(
  core: Core,
  scans: AsyncIterable<PosedScan>,
  see: (arrays: CloudArrays, origin: Vec3) => void = () => {},
): Promise<TileMap> {
  const { tileSize, voxelSize, normalNeighbours } = config.map.build;
  const options = { tileSize, voxelSize, normalNeighbours, margin: 1, removeMoving: false };
  const folder = await mkdtemp(join(tmpdir(), 'dilly-bench-'));
  try {
    const builder = await TileBuilder.open(core, options, folder, 'bench');
    for await (const { cloud, T_base_sensor, T_map_base, path } of scans)
      await builder.add(cloud, T_base_sensor, T_map_base, path);
    await builder.seal({ lat: 0, lon: 0, ellipsoidalHeight: 0 });
    await builder.thin(() => {});
    const map = core.tileMap(tileSize);
    for await (const { id, arrays } of builder.finish(() => false)) {
      const origin = tileOrigin(id, tileSize);
      map.add(id, await core.tile(core.cloud(arrays), origin));
      see(arrays, origin);
    }
    return map;
  } finally {
    await rm(folder, { recursive: true });
  }
}
