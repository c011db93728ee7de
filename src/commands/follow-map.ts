import { setTimeout as pause } from 'node:timers/promises';
import type { Problem } from '../map/manifest-keeper.ts';
import type { TileSupply } from '../map/tile-supply.ts';
import { refusalReason } from '../types.ts';
import type { OpenMap } from './open-map.ts';

/**
 * In a drive: asks the map service every `intervalMs` for a newer version and hands it to the supply, which takes it
 * when it is there whole. Ends when `signal` is aborted. What is wrong is said each time, and the drive goes on.
 */
export async function followMap(
  map: Pick<OpenMap, 'update'>,
  supply: Pick<TileSupply, 'offer'>,
  intervalMs: number,
  signal: AbortSignal,
  onProblem: (problem: Problem) => void,
): Promise<void> {
  while (map.update && !signal.aborted) {
    try {
      const { index, problems } = await map.update(Date.now());
      problems.forEach(onProblem);
      if (index) supply.offer(index);
    } catch (error) {
      const reason = refusalReason(error);
      if (!reason) throw error;
      onProblem({ reason, detail: (error as Error).message });
    }
    await pause(intervalMs, undefined, { signal, ref: false }).catch(() => {});
  }
}
