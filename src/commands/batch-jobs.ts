import { basename } from 'node:path';
import type { Perform } from '../drive/batch/results.ts';
import type { Layer } from '../drive/layer.ts';
import { makeBronze, makeGold } from './drive.ts';
import { makeSilver } from './drive-silver.ts';
import { buildMap } from './map-build.ts';
import { progressListener } from './progress.ts';
import { replay } from './replay.ts';
import { type CommonOptions, openSession } from './shared.ts';

/** Does a job of a batch as its command would; the answer is the command's. */
export function performJobs(config: string | undefined, threads: string): Perform {
  return (job, out, progress) =>
    progressListener.run(
      (_what, share) => progress(share),
      () => perform(job, out, config, threads),
    );
}

async function perform(
  { key, spec, set }: Parameters<Perform>[0],
  out: string,
  config: string | undefined,
  threads: string,
): Promise<unknown> {
  const common: CommonOptions = { set: [...set], silent: true, ...(config !== undefined && { config }) };
  switch (spec.kind) {
    case 'bronze':
      return summaryOf(await makeBronze(spec.input, out));
    case 'silver': {
      const { bronze, map, reference, every } = spec;
      return summaryOf(
        await makeSilver(bronze, {
          ...common,
          map,
          out,
          every: `${every}`,
          ...(reference !== undefined && { reference }),
        }),
      );
    }
    case 'gold':
      return summaryOf(
        await makeGold(spec.silver, { ...common, map: spec.map, out, minDrives: `${spec.minDrives}` }),
      );
    case 'replay': {
      const { map, frames, reference } = spec;
      const { summary } = await replay(spec.input, {
        ...common,
        out,
        threads,
        ...(map !== undefined && { map }),
        ...(frames !== undefined && { frames }),
        ...(reference !== undefined && { reference }),
      });
      // The folder that it was written to is renamed when the job is done.
      return { ...summary, trajectory: summary.trajectory === null ? null : basename(summary.trajectory) };
    }
    case 'map': {
      const { scans, poses, frames, refine } = spec;
      // Named by its content like the result itself: the folder's name is another at each attempt.
      const named = [`map.build.mapId=map-${key.slice(0, 12)}`, ...set];
      const { config: given } = await openSession({ ...common, set: [] });
      return buildMap({
        ...common,
        ...(!given.map.build.mapId && { set: named }),
        scans,
        poses,
        refine,
        out,
        ...(frames !== undefined && { frames }),
      });
    }
  }
}

function summaryOf({ layer, id, files, facts }: Layer) {
  return { layer, id, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), facts };
}
