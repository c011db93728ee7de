import { Random } from '../../src/math/random.ts';
import { loadCore } from '../../src/native.ts';
import { beside } from './starts.ts';
import { openStreet } from './street.ts';
import { config } from './tiles.ts';

const core = loadCore('native');
const { map, frames } = await openStreet(core);
const { registration, lidar } = config;
for (const threads of [1, 2]) {
  core.setThreads(threads);
  const random = new Random(1);
  for (const f of frames.slice(0, 60).filter((_, i) => i % 6 === 0)) {
    const { cloud } = await core.decodePointCloud2(f.message, lidar);
    const level = await core.deskew(cloud, f.T_base_sensor, f.motion);
    const thin = await core.downsample(level, lidar.voxelSize);
    const start = beside(random, f.T_map_base, 0.1, 0.5);
    const out: string[] = [];
    for (const its of [1, 2, 4, 8, 60]) {
      const t = performance.now();
      const r = await map.align(thin, start, { ...registration, kernelStart: 0.3, maxIterations: its });
      out.push(
        `${its}:${r.iterations}it ${(performance.now() - t).toFixed(1)}ms inl ${r.inliers}/${r.points}`,
      );
    }
    console.log(threads, out.join('  '));
  }
}
