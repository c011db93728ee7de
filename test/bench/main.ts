import { parseArgs } from 'node:util';
import { note } from './measure.ts';
import { type Row, tableOf } from './row.ts';

/** For suites that take them: how many trials, and the folder for pictures. */
interface Options {
  readonly trials?: number | undefined;
  readonly out?: string | undefined;
}

/** Suites that run only when they are asked for. */
const ASKED_FOR = ['likelihood', 'moving'];

/** Each suite is a file of its own; it is loaded when it is asked for. */
const SUITES: Readonly<Record<string, () => Promise<{ run(options: Options): Promise<Row[]> }>>> = {
  kdtree: () => import('./kdtree.ts'),
  voxel: () => import('./voxel.ts'),
  surfels: () => import('./surfels.ts'),
  pcd: () => import('./pcd.ts'),
  registration: () => import('./registration.ts'),
  fusion: () => import('./fusion.ts'),
  firstPose: () => import('./first-pose.ts'),
  trials: () => import('./registration-trials.ts'),
  likelihood: () => import('./likelihood.ts'),
  eventloop: () => import('./eventloop.ts'),
  its: () => import('./its.ts'),
  route: () => import('./route.ts'),
  ros2: () => import('./ros2.ts'),
  service: () => import('./service.ts'),
  recorder: () => import('./recorder.ts'),
  operator: () => import('./operator.ts'),
  page: () => import('./page.ts'),
  sim: () => import('./sim.ts'),
  tiles: () => import('./tile-supply.ts'),
  moving: () => import('./moving.ts'),
};

/**
 * `npm run bench -- [SUITE…] [--json] [--trials N] [--out FOLDER]`: tables on stderr; with --json the last line of stdout
 * is one array of rows.
 */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals: wanted } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean' }, trials: { type: 'string' }, out: { type: 'string' } },
  });
  const unknown = wanted.filter((name) => !(name in SUITES));
  const trials = values.trials === undefined ? undefined : Number(values.trials);
  if (unknown.length > 0 || (trials !== undefined && !(trials >= 1))) {
    note(
      `expected suites out of ${Object.keys(SUITES).join(', ')}, --json, --trials N and --out FOLDER; ` +
        `found ${args.join(' ')}`,
    );
    return 2;
  }
  const rows: Row[] = [];
  const usual = Object.keys(SUITES).filter((name) => !ASKED_FOR.includes(name));
  for (const name of wanted.length > 0 ? wanted : usual) {
    note(`\n${name}`);
    const suite = await (await SUITES[name]!()).run({ trials, out: values.out });
    note(tableOf(suite));
    rows.push(...suite);
  }
  if (values.json) console.log(JSON.stringify(rows));
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
