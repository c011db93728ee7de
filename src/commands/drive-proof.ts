import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { openProposal, type Proposed } from '../drive/proposal.ts';
import { openSilver, type SilverDrive } from '../drive/silver.ts';
import { Refusal } from '../types.ts';
import { makeBronze, makeGold } from './drive.ts';
import {
  AROUND,
  type Around,
  appearedRow,
  around,
  goneRow,
  type ObjectRow,
  overlaps,
  solidsOf,
} from './drive-proof-rows.ts';
import { driveStreet, surveyStreet } from './drive-proof-world.ts';
import { makeSilver } from './drive-silver.ts';
import { applyProposal } from './map-apply.ts';
import { buildMap } from './map-build.ts';
import { answer, type CommonOptions, openCore, openSession, withCommonOptions } from './shared.ts';

interface ProofOptions extends CommonOptions {
  readonly drives: string;
  readonly out: string;
}

export function addDriveProof(drive: Command): void {
  withCommonOptions(drive.command('proof'))
    .description(
      'the whole way on the simulator: a truck that came, a hoarding that went, drives among traffic',
    )
    .option('--drives <n>', 'each on its own day', '10')
    .requiredOption('--out <dir>', 'folder for maps, layers and the proposal; what is there is used again')
    .action(proof);
}

async function proof(options: ProofOptions): Promise<void> {
  const session = await openSession(options);
  const core = openCore(session);
  core.setThreads(2);
  const drives = Number(options.drives);
  if (!(Number.isInteger(drives) && drives >= 1 && drives <= 100))
    throw new Refusal('bad-argument', `--drives: expected 1 to 100, found ${options.drives}`);
  const place = (name: string) => join(options.out, name);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  await mkdir(options.out, { recursive: true });
  const common = { set: options.set, json: true, ...(options.config && { config: options.config }) };
  if (!(await isThere(place('map/manifest.json')))) {
    say('surveying the street with the hoarding');
    await rm(place('survey.mcap'), { force: true });
    await surveyStreet(core, place('survey.mcap'));
    const build = ['voxelSize=0.2', 'maxRange=40', 'minRange=1', 'normalNeighbours=12', 'mapId=street'];
    const set = [...options.set, ...build.map((one) => `map.build.${one}`)];
    await quietly(() =>
      buildMap({
        ...common,
        set,
        scans: place('survey.mcap'),
        poses: '/ground_truth/pose',
        out: place('map'),
      }),
    );
  }
  const silver = (day: number, map: string) => place(`silver-${map}-${day}`);
  for (let day = 1; day <= drives; day++) {
    if (!(await isThere(place(`bronze-${day}/manifest.json`)))) {
      await rm(place(`drive-${day}.mcap`), { force: true });
      await driveStreet(core, day, place(`drive-${day}.mcap`));
      await makeBronze(place(`drive-${day}.mcap`), place(`bronze-${day}`));
    }
    if (!(await isThere(join(silver(day, 'map'), 'manifest.json')))) await register(day, 'map');
    say(`day ${day}: recorded and registered`);
  }
  async function register(day: number, map: string) {
    const set = [...options.set, 'map.allowUnsigned=true'];
    const from = { reference: '/ground_truth/pose', every: '0.5' };
    await makeSilver(place(`bronze-${day}`), {
      ...common,
      ...from,
      set,
      map: place(map),
      out: silver(day, map),
    });
  }
  await rm(place('gold'), { recursive: true, force: true });
  await rm(place('map-2'), { recursive: true, force: true });
  const folders = Array.from({ length: drives }, (_, k) => silver(k + 1, 'map'));
  const minDrives = String(Math.min(3, drives));
  await makeGold(folders, { ...common, map: place('map'), out: place('gold'), minDrives });
  const { proposal } = await openProposal(place('gold'));
  const applied = await applyProposal(place('map'), place('gold'), { ...common, out: place('map-2') });
  const before = await Promise.all(folders.map(openSilver));
  const rows = [
    await goneRow(place('map'), proposal.objects, proposal.voxel),
    appearedRow(proposal.objects, before),
  ];
  const after: SilverDrive[] = [];
  for (let day = 1; day <= Math.min(2, drives); day++) {
    await rm(silver(day, 'map-2'), { recursive: true, force: true });
    await register(day, 'map-2');
    after.push(await openSilver(silver(day, 'map-2')));
  }
  const isReal = (object: Proposed) => solidsOf(object.kind).some((solid) => overlaps(object, solid));
  const real = proposal.objects.filter(isReal).length;
  const found = rows.filter((row) => row.found).length;
  const result = {
    drives,
    proposed: proposal.objects.length,
    objectPrecision: proposal.objects.length === 0 ? 0 : real / proposal.objects.length,
    objectRecall: found / rows.length,
    objects: rows,
    before: around(before.slice(0, after.length)),
    after: around(after),
    version: applied.version,
    removed: applied.removed,
    added: applied.added,
  };
  answer(options, result, describe(result));
}

type ProofResult = { drives: number; proposed: number; objectPrecision: number; objectRecall: number } & {
  objects: readonly ObjectRow[];
  before: Around;
  after: Around;
};

function describe({
  drives,
  proposed,
  objectPrecision,
  objectRecall,
  objects,
  before,
  after,
}: ProofResult): string {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`.padStart(8);
  return [
    `${drives} drives: ${proposed} objects proposed, precision ${percent(objectPrecision).trim()}, recall ${percent(objectRecall).trim()}`,
    'object    change    precision   recall',
    ...objects.map(
      ({ object, change, found, precision, recall }) =>
        `${object.padEnd(9)} ${change.padEnd(9)} ${percent(precision)} ${percent(recall)}${found ? '' : '  NOT FOUND'}`,
    ),
    `within ${AROUND} m   scans  residual    moved  inliers`,
    ...(
      [
        ['old map', before],
        ['new map', after],
      ] as const
    ).map(
      ([name, { scans, residual, moved, inlierRatio }]) =>
        `${name.padEnd(12)} ${String(scans).padStart(6)} ${(1000 * residual).toFixed(2).padStart(6)} mm ${percent(moved)} ${percent(inlierRatio)}`,
    ),
  ].join('\n');
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Runs a step whose own answer is not this command's. */
async function quietly(step: () => Promise<void>): Promise<void> {
  const write = process.stdout.write;
  process.stdout.write = (() => true) as typeof write;
  try {
    await step();
  } finally {
    process.stdout.write = write;
  }
}
