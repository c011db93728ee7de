import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { steadyMemory } from '../../src/commands/steady-memory.ts';
import { configSchema } from '../../src/config.ts';
import { loadCore } from '../../src/native.ts';

/**
 * A process whose heap grows by some 35 MB that stay, as in a long drive. Prints how many collections
 * searched the whole heap. Argument: `robot.keepMemory`.
 */
const config = configSchema.parse({});
const keepMemory = process.argv[2] === 'true';
steadyMemory(loadCore('portable'), { ...config, robot: { ...config.robot, keepMemory } });

let whole = 0;
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries() as { detail?: { kind?: number } }[])
    if (entry.detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole++;
});
observer.observe({ entryTypes: ['gc'] });
const kept: number[][] = [];
for (let part = 0; part < 350; part++) {
  for (let k = 0; k < 100; k++) kept.push(Array.from({ length: 120 }, (_, i) => i + part));
  await nextTurn();
}
await nextTurn();
console.log(whole, kept.length);
