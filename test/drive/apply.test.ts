import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapOf } from '../../src/commands/drive.ts';
import { applyProposal, changedTile } from '../../src/commands/map-apply.ts';
import { isProposal, showProposal } from '../../src/commands/map-diff-page.ts';
import { verifyMap } from '../../src/commands/map-verify.ts';
import { openMap } from '../../src/commands/open-map.ts';
import { configSchema } from '../../src/config.ts';
import { sealLayer } from '../../src/drive/layer.ts';
import type { Proposal, Proposed } from '../../src/drive/proposal.ts';
import { signManifest, verifyManifest } from '../../src/map/dsse.ts';
import { openMap as openTiles } from '../../src/map-service/source-tiles.ts';
import { loadCore } from '../../src/native.ts';
import { sampleMap } from '../map-service/sample-map.ts';

let root: string;
let map: string;
const ours = generateKeyPairSync('ed25519');
const others = generateKeyPairSync('ed25519');
const options = { set: [], silent: true };
const pem = (name: string) => join(root, `${name}.pem`);
let gone: Proposed;
let came: Proposed;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'apply-'));
  map = join(root, 'map');
  await sampleMap(map);
  for (const [name, keys] of [
    ['ours', ours],
    ['others', others],
  ] as const) {
    writeFileSync(pem(name), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(pem(`${name}-public`), keys.publicKey.export({ type: 'spki', format: 'pem' }));
  }
  writeFileSync(
    join(map, 'manifest.json.dsse'),
    signManifest(readFileSync(join(map, 'manifest.json')), ours.privateKey),
  );
  // What goes are the cubes of the first points of a tile; what comes is a small wall above it.
  for await (const { name, corner, arrays } of (await openTiles(loadCore(), map)).tiles(0)) {
    const at = (p: number) => [0, 1, 2].map((a) => arrays.positions[3 * p + a]! + corner[a]!);
    const keys = new Set(
      Array.from({ length: 40 }, (_, p) =>
        at(p)
          .map((v) => Math.floor(v / 0.25))
          .join(' '),
      ),
    );
    const cubes = [...keys].map((key) => key.split(' ').map(Number) as [number, number, number]);
    const [x, y, z] = at(0) as [number, number, number];
    const common = { tiles: [name], agree: 3, disagree: 0, votes: cubes.map((): [number, number] => [3, 0]) };
    const edge = (axis: number, pick: (...values: number[]) => number) =>
      pick(...cubes.map((cube) => cube[axis]! * 0.25)) + (pick === Math.max ? 0.25 : 0);
    const [low, high] = [Math.min, Math.max].map((pick) => [0, 1, 2].map((a) => edge(a, pick)));
    gone = { ...common, id: 'gone-1', kind: 'gone', low, high, cubes, points: [] } as unknown as Proposed;
    const points = Array.from({ length: 20 }, (_, k) => [x, y, z + 1 + 0.1 * k, 1, 0, 0]);
    came = {
      ...common,
      id: 'appeared-2',
      kind: 'appeared',
      low: [x, y, z],
      high: [x, y, z + 3],
      cubes: [],
      points,
      votes: [],
    };
    break;
  }
});
afterAll(() => rm(root, { recursive: true }));

async function proposalFor(folder: string, name: string, objects: Proposed[]): Promise<string> {
  const { manifest, manifestSha256 } = await mapOf(folder);
  const { mapId, version } = manifest;
  const gold = await mkdtemp(join(root, `${name}-`));
  const proposal: Proposal = {
    specVersion: 1,
    mapId,
    version,
    manifestSha256,
    voxel: 0.25,
    drives: 3,
    days: 3,
    objects,
  };
  writeFileSync(join(gold, 'proposal.json'), JSON.stringify(proposal));
  const row = {
    tile: objects[0]?.tiles[0] ?? '0_0',
    scans: 9,
    cubes: 8,
    full: 0,
    free: 4,
    appeared: 0,
    gone: 4,
  };
  writeFileSync(join(gold, 'evidence.jsonl'), `${JSON.stringify(row)}\n`);
  const draft = { layer: 'gold', from: [], options: {}, facts: {} } as const;
  await sealLayer(gold, { ...draft, from: [] }, ['proposal.json', 'evidence.jsonl']);
  return gold;
}

describe('a proposal that is applied', () => {
  it('is the next version, signed by the key, whole, and changed where it says', async () => {
    const gold = await proposalFor(map, 'gold', [gone, came]);
    const out = join(root, 'next');
    const applied = await applyProposal(map, gold, { ...options, out, key: pem('ours') });
    const before = (await mapOf(map)).manifest;
    const { manifest, manifestSha256 } = await mapOf(out);
    expect([manifest.mapId, manifest.version, applied.version]).toEqual([
      before.mapId,
      before.version + 1,
      before.version + 1,
    ]);
    expect(applied).toMatchObject({ tiles: gone.tiles, added: 20, manifestSha256 });
    expect(applied.removed).toBeGreaterThanOrEqual(40);
    const id = gone.tiles[0]!;
    expect(manifest.tiles[id]!.points).toBe(before.tiles[id]!.points - applied.removed + 20);
    for (const other of Object.keys(before.tiles).filter((one) => one !== id))
      expect(manifest.tiles[other], other).toEqual(before.tiles[other]);
    // Every file fits the new manifest, and the key fits its signature; another key does not.
    const problems = async (folder: string, key: string) => {
      const found = await verifyMap(folder, { ...options, key: pem(key) });
      return found.map(({ path }) => path);
    };
    expect(await problems(out, 'ours-public')).toEqual([]);
    expect(await problems(out, 'others-public')).toEqual(['manifest.json.dsse']);
    const bytes = readFileSync(join(out, 'manifest.json'));
    const envelope = readFileSync(join(out, 'manifest.json.dsse'));
    expect(() => verifyManifest(bytes, envelope, [ours.publicKey])).not.toThrow();
    expect(() => verifyManifest(bytes, envelope, [others.publicKey])).toThrow();
    // The signature of the old version does not cover the new one, nor this one a byte that was changed.
    const old = readFileSync(join(map, 'manifest.json.dsse'));
    expect(() => verifyManifest(bytes, old, [ours.publicKey])).toThrow();
    expect(() =>
      verifyManifest(Buffer.from(bytes.toString().replace('sample', 'simple')), envelope, [ours.publicKey]),
    ).toThrow();
  });

  it('is used by a robot that trusts the key, and by no other', async () => {
    const out = join(root, 'trusted');
    await applyProposal(map, await proposalFor(map, 'gold', [gone]), { ...options, out, key: pem('ours') });
    const opening = (trusted: string) => {
      const trustedKeys = [readFileSync(pem(trusted), 'utf8')];
      return openMap(
        out,
        configSchema.parse({ map: { trustedKeys } }).map,
        Date.parse('2026-11-27'),
        'newest',
      );
    };
    const opened = await opening('ours-public');
    expect(opened.index.version).toBe(2);
    await opened.close();
    await expect(opening('others-public')).rejects.toMatchObject({
      reason: expect.stringMatching(/sign|trust/),
    });
  });

  it('keeps the colours of a map that has some; what came is grey', () => {
    const arrays = {
      positions: Float32Array.of(0.1, 0.1, 0.1, 5.1, 0.1, 0.1),
      intensity: Float32Array.of(1, 2),
      normals: Float32Array.of(0, 0, 1, 0, 0, 1),
      curvature: Float32Array.of(0, 0),
    };
    const colours = (...values: number[]) => new Float32Array(Uint32Array.from(values).buffer);
    const goes = { ...gone, cubes: [[0, 0, 0] as [number, number, number]], tiles: ['0_0'] };
    const comes = { ...came, points: [[1, 1, 1, 0, 0, 1]], tiles: ['0_0'] };
    const { rgb } = changedTile('0_0', arrays, [goes, comes], 0.25, 20, colours(0xff0000, 0x00ff00));
    expect([...new Uint32Array(rgb.buffer)]).toEqual([0x00ff00, 0x808080]);
  });

  it('without a key is not signed, and takes some of its objects where it is told so', async () => {
    const out = join(root, 'some');
    const gold = await proposalFor(map, 'gold', [gone, came]);
    const applied = await applyProposal(map, gold, { ...options, out, only: 'appeared-2' });
    expect([applied.removed, applied.added]).toEqual([0, 20]);
    const found = await verifyMap(out, { ...options, key: pem('ours-public') });
    expect(found.map(({ path }) => path)).toEqual(['manifest.json.dsse']);
  });

  it('is refused on another map, on itself, over a map, with no such object, or with no such key', async () => {
    const gold = await proposalFor(map, 'gold', [gone]);
    const out = join(root, 'refused');
    const applying = (from: string, more: object = {}) =>
      applyProposal(from, gold, { ...options, out, ...more });
    const other = join(root, 'other');
    await cp(map, other, { recursive: true });
    const path = join(other, 'manifest.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"version": 1', '"version": 5'));
    await expect(applying(other)).rejects.toMatchObject({ reason: 'other-map' });
    await expect(applying(map, { out: map })).rejects.toMatchObject({ reason: 'output-exists' });
    await expect(applying(map, { out: other })).rejects.toMatchObject({ reason: 'output-exists' });
    await expect(applying(map, { only: 'gone-9' })).rejects.toMatchObject({ reason: 'unknown-object' });
    await expect(applying(map, { key: pem('ours-public') })).rejects.toMatchObject({ reason: 'bad-key' });
    await expect(applying(map, { key: pem('none') })).rejects.toMatchObject({ reason: 'bad-key' });
    writeFileSync(join(gold, 'proposal.json'), '{}');
    await expect(applying(map)).rejects.toMatchObject({ reason: 'bad-layer' });
  });
});

describe('the page of a proposal', () => {
  it('shows each object before, after and with its evidence, in one file', async () => {
    const gold = await proposalFor(map, 'page', [gone, { ...came, id: 'appeared-2' }]);
    const page = join(root, 'page.html');
    expect([await isProposal(gold), await isProposal(map)]).toEqual([true, false]);
    const shown = await showProposal(map, gold, options, page);
    expect(shown.objects.map(({ id, kind }) => [id, kind])).toEqual([
      ['gone-1', 'gone'],
      ['appeared-2', 'appeared'],
    ]);
    expect(shown.objects[0]!.goes).toBeGreaterThanOrEqual(40);
    expect(shown.objects[1]).toMatchObject({ goes: 0, comes: 20 });
    const html = readFileSync(page, 'utf8');
    for (const view of ['before', 'after', 'evidence'])
      expect(html.match(new RegExp(`data-view="${view}"`, 'g')), view).toHaveLength(2);
    expect(html).not.toMatch(/(?:src|href)\s*=\s*"(?:https?:)?\/\//);
    const text = /<script type="application\/json" id="data">(.*)<\/script>/.exec(html)![1]!;
    const [first] = JSON.parse(text) as { goes: string; votes: number[][] }[];
    expect(Buffer.from(first!.goes, 'base64').length).toBe(12 * shown.objects[0]!.goes);
    expect(first!.votes[0]).toEqual([3, 0]);
  });

  it('says that there is nothing, keeps text as text, and is refused for another map', async () => {
    const page = join(root, 'nothing.html');
    const none = await proposalFor(map, 'nothing', []);
    expect((await showProposal(map, none, options, page)).objects).toEqual([]);
    expect(readFileSync(page, 'utf8')).toContain('there is nothing to apply');
    const evil = { ...gone, id: '</script><img onerror=1>' };
    await showProposal(map, await proposalFor(map, 'evil', [evil]), options, page);
    expect(readFileSync(page, 'utf8')).not.toContain('<img');
    const other = join(root, 'other');
    await expect(showProposal(other, none, options, undefined)).rejects.toMatchObject({
      reason: 'other-map',
    });
  });
});
