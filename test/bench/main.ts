import { note } from './measure.ts';
import { type Row, tableOf } from './row.ts';

/** Each suite is a file of its own; it is loaded when it is asked for. */
const SUITES: Readonly<Record<string, () => Promise<{ run(): Promise<Row[]> }>>> = {
  kdtree: () => import('./kdtree.ts'),
  voxel: () => import('./voxel.ts'),
  surfels: () => import('./surfels.ts'),
  pcd: () => import('./pcd.ts'),
  registration: () => import('./registration.ts'),
  fusion: () => import('./fusion.ts'),
  firstPose: () => import('./first-pose.ts'),
  trials: () => import('./registration-trials.ts'),
  eventloop: () => import('./eventloop.ts'),
  its: () => import('./its.ts'),
  route: () => import('./route.ts'),
  ros2: () => import('./ros2.ts'),
  service: () => import('./service.ts'),
  recorder: () => import('./recorder.ts'),
  operator: () => import('./operator.ts'),
  tiles: () => import('./tile-supply.ts'),
};

/** `npm run bench -- [SUITE…] [--json]`: tables on stderr; with --json the last line of stdout is one array of rows. */
async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  const wanted = args.filter((arg) => arg !== '--json');
  const unknown = wanted.filter((name) => !(name in SUITES));
  if (unknown.length > 0) {
    note(`expected suites out of ${Object.keys(SUITES).join(', ')}, and --json; found ${unknown.join(', ')}`);
    return 2;
  }
  const rows: Row[] = [];
  for (const name of wanted.length > 0 ? wanted : Object.keys(SUITES)) {
    note(`\n${name}`);
    const suite = await (await SUITES[name]!()).run();
    note(tableOf(suite));
    rows.push(...suite);
  }
  if (json) console.log(JSON.stringify(rows));
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
