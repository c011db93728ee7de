import { spawnSync } from 'node:child_process';

/** `npm run scenarios -- [smoke|acceptance|long] [part of a name]`, told at length. */
const [groups = 'smoke acceptance', name] = process.argv.slice(2);
const only = name === undefined ? [] : ['-t', name];
const run = spawnSync('npx', ['vitest', 'run', 'test/scenarios/city.test.ts', ...only], {
  stdio: 'inherit',
  env: { ...process.env, DILLY_SCENARIOS: groups },
});
process.exit(run.status ?? 1);
