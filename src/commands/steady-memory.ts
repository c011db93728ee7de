import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Config } from '../config.ts';
import type { Core } from '../core.ts';

/**
 * For a process that localises, before it begins: no scan waits for memory. V8 takes the clouds that come for growth of
 * a small heap and would search all of it several times a second, 5 to 40 ms each time; malloc would give each cloud
 * back to the system and fetch it anew, page by page. Costs some 100 MB; `robot.keepMemory` says no to it.
 * In any case the young generation is collected by one thread: that takes half a millisecond, and helpers on cores that
 * the registration keeps busy make it wait for up to ten.
 */
export function steadyMemory(core: Core, { robot }: Config): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--no-concurrent-array-buffer-sweeping');
  if (!robot.keepMemory) return;
  setFlagsFromString('--heap-growing-percent=400');
  collectAll();
  core.keepMemory();
}

/** V8 sets the size at which it searches the whole heap only when it does so: until then that of a small start holds. */
function collectAll(): void {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  gc();
}
