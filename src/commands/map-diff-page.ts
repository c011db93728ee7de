import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diffPage, type ObjectView } from '../drive/diff-page.ts';
import type { TileEvidence } from '../drive/gold.ts';
import { writeWhole } from '../drive/layer.ts';
import { openProposal, type Proposed } from '../drive/proposal.ts';
import { openMap as openTiles } from '../map-service/source-tiles.ts';
import { enuFrame } from '../math/geodesy.ts';
import { Refusal } from '../types.ts';
import { mapOf } from './drive.ts';
import { type CommonOptions, openCore, openSession } from './shared.ts';

/** What is shown around an object, m. */
const AROUND = 4;
/** Points of the surroundings of one object at most: more are no plainer, and the page grows. */
const MOST_POINTS = 20_000;

export interface ProposalShown {
  readonly mapId: string;
  readonly version: number;
  readonly objects: readonly {
    readonly id: string;
    readonly kind: Proposed['kind'];
    readonly low: readonly number[];
    readonly high: readonly number[];
    readonly agree: number;
    readonly disagree: number;
    readonly goes: number;
    readonly comes: number;
  }[];
  readonly page: string | null;
}

/** Whether a folder is a gold layer, not a map. */
export async function isProposal(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '');
  return /"layer":\s*"gold"/.test(text.slice(0, 1000));
}

/** `map diff MAP GOLD`: what a proposal would change; with `page` as a page with before, after, evidence. */
export async function showProposal(
  map: string,
  gold: string,
  options: CommonOptions,
  page: string | undefined,
): Promise<ProposalShown> {
  const session = await openSession(options);
  const { proposal } = await openProposal(gold);
  const { manifest, manifestSha256 } = await mapOf(map);
  if (manifestSha256 !== proposal.manifestSha256)
    throw new Refusal(
      'other-map',
      `expected the map that the proposal changes (${proposal.mapId} version ${proposal.version}), found ${manifest.mapId} version ${manifest.version}`,
    );
  const frame = enuFrame(manifest.frame.origin);
  const parts = proposal.objects.map((object) => new ObjectPart(object, proposal.voxel));
  for await (const { corner, arrays } of (await openTiles(openCore(session), map)).tiles(0))
    for (let p = 0; p < arrays.positions.length; p += 3)
      for (const part of parts)
        part.add(
          arrays.positions[p]! + corner[0]!,
          arrays.positions[p + 1]! + corner[1]!,
          arrays.positions[p + 2]! + corner[2]!,
        );
  const views = parts.map((part): ObjectView => {
    const { low, high } = part.object;
    const { lat, lon } = frame.toGeodetic([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]);
    return { ...part.view(), lat, lon };
  });
  if (page !== undefined) {
    const lines = (await readFile(join(gold, 'evidence.jsonl'), 'utf8')).split('\n').filter(Boolean);
    const evidence = lines.map((line) => JSON.parse(line) as TileEvidence);
    await writeWhole(page, Buffer.from(diffPage({ proposal, views, evidence, map, gold })));
  }
  return {
    mapId: proposal.mapId,
    version: proposal.version,
    objects: views.map(({ object: { id, kind, low, high, agree, disagree }, goes, comes }) => ({
      id,
      kind,
      low,
      high,
      agree,
      disagree,
      goes: goes.length / 3,
      comes: comes.length / 3,
    })),
    page: page ?? null,
  };
}

export function describeProposal({ mapId, version, objects, page }: ProposalShown): string {
  const lines = objects.map(({ id, kind, low, high, agree, disagree, goes, comes }) => {
    const size = high.map((value, a) => (value - low[a]!).toFixed(1)).join(' × ');
    const points = kind === 'gone' ? `${goes} points go` : `${comes} points come`;
    return `${id}: ${size} m at ${low.map((value) => value.toFixed(1)).join(', ')}; ${points}; ${agree} days agree, ${disagree} disagree`;
  });
  return [
    `${mapId} version ${version} → ${version + 1}: ${objects.length} objects`,
    ...lines,
    page === null ? 'give --page FILE.html to see it' : `before, after and evidence: ${page}`,
  ].join('\n');
}

/** Gathers what of the map is at an object and around it. */
class ObjectPart {
  readonly object: Proposed;
  readonly #gone: ReadonlySet<string>;
  readonly #voxel: number;
  readonly #stays: number[] = [];
  readonly #goes: number[] = [];

  constructor(object: Proposed, voxel: number) {
    this.object = object;
    this.#voxel = voxel;
    this.#gone = new Set(object.kind === 'gone' ? object.cubes.map((cube) => cube.join(' ')) : []);
  }

  add(x: number, y: number, z: number): void {
    const { low, high } = this.object;
    if (x < low[0] - AROUND || x > high[0] + AROUND) return;
    if (y < low[1] - AROUND || y > high[1] + AROUND || z > high[2] + AROUND) return;
    const key = [x, y, z].map((value) => Math.floor(value / this.#voxel)).join(' ');
    (this.#gone.has(key) ? this.#goes : this.#stays).push(x - low[0], y - low[1], z - low[2]);
  }

  view() {
    const { object } = this;
    const { low, points } = object;
    const every = Math.ceil(this.#stays.length / 3 / MOST_POINTS);
    const stays = this.#stays.filter((_, k) => Math.floor(k / 3) % Math.max(1, every) === 0);
    return {
      object,
      stays: Float32Array.from(stays),
      goes: Float32Array.from(this.#goes),
      comes: Float32Array.from(points.flatMap(([x, y, z]) => [x! - low[0], y! - low[1], z! - low[2]])),
    };
  }
}
