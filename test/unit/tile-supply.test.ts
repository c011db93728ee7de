import { describe, expect, it } from 'vitest';
import type { Core, Tile, TileMap } from '../../src/core.ts';
import type { MapIndex } from '../../src/map/map-index.ts';
import type { SupplyParts } from '../../src/map/supply-parts.ts';
import { distanceToTile } from '../../src/map/tile-grid.ts';
import type { PlanLimits } from '../../src/map/tile-plan.ts';
import { TileSupply } from '../../src/map/tile-supply.ts';
import { type MapFile, Refusal, type Vec3 } from '../../src/types.ts';

/** A tile that says what file it came from. */
interface FakeTile extends Tile {
  readonly file: string;
}

class FakeMap implements TileMap {
  readonly tileSize = 20;
  readonly held = new Map<string, FakeTile>();
  get tileIds(): string[] {
    return [...this.held.keys()];
  }
  get points(): number {
    return this.held.size;
  }
  add(id: string, tile: Tile): void {
    this.held.set(id, tile as FakeTile);
  }
  remove(id: string): boolean {
    return this.held.delete(id);
  }
  nearest(): never {
    throw new Error('not asked for');
  }
  align(): never {
    throw new Error('not asked for');
  }
  places(): never {
    throw new Error('not asked for');
  }
}
const core = { tileMap: () => new FakeMap() as TileMap } as unknown as Core;
const origin = { lat: 37, lon: 127, ellipsoidalHeight: 0 };

/** A map of (2·reach)² tiles; the content of a tile is what `content` says. */
function indexOf(
  version: number,
  content: (id: string) => string,
  changes: Partial<MapIndex> = {},
): MapIndex {
  const isThere = (id: string) => id.split('_').every((part) => Math.abs(Number(part)) <= 20);
  return {
    mapId: 'yard',
    version,
    expires: undefined,
    origin,
    tileSize: 20,
    size: 41 * 41,
    isSigned: true,
    file: (id) => (isThere(id) ? { path: `${version}/${id}`, sha256: content(id), bytes: 1 } : undefined),
    memoryOf: (id) => (isThere(id) ? 100 : undefined),
    pointsOrigin: () => [0, 0, 0],
    build: async (_, id, bytes) => {
      const text = Buffer.from(bytes).toString();
      if (text !== content(id))
        throw new Refusal('tile-hash', `tile ${id}: expected ${content(id)}, found ${text}`);
      return { size: 1, origin: [0, 0, 0], file: text } as FakeTile;
    },
    ...changes,
  };
}

class FakeFiles {
  reads: string[] = [];
  wanted: readonly MapFile[] = [];
  discarded: string[] = [];
  hasAnother = false;
  answer: (file: MapFile) => Promise<string> = async (file) => file.sha256!;
  async read(path: string, file: MapFile): Promise<Uint8Array> {
    this.reads.push(path);
    return Buffer.from(await this.answer(file));
  }
  want(files: readonly MapFile[]): void {
    this.wanted = files;
  }
  async discard(file: MapFile): Promise<boolean> {
    this.discarded.push(file.path);
    return this.hasAnother;
  }
}

const limits: PlanLimits = {
  holdRadius: 50,
  keepFactor: 1.2,
  lookAhead: 20,
  memoryBytes: 1e6,
  fetchRadius: 100,
};
const everyTile = (version: number) => (id: string) => `v${version} ${id}`;

function make(changes: Partial<SupplyParts> = {}) {
  const files = new FakeFiles();
  const refused: string[] = [];
  const versions: number[] = [];
  const supply = new TileSupply({
    core,
    index: indexOf(1, everyTile(1)),
    files,
    limits,
    wait: true,
    loadAtOnce: 3,
    onRefused: (reason) => refused.push(reason),
    onVersion: ({ version }) => versions.push(version),
    ...changes,
  });
  return { files, refused, versions, supply };
}
const contents = (supply: TileSupply) => (supply.tiles as FakeMap).held;
const versionsIn = (supply: TileSupply) =>
  [...new Set([...contents(supply).values()].map(({ file }) => file.split(' ')[0]))].sort();
/** Until nothing is under way any more. */
const settle = async () => {
  for (let k = 0; k < 200; k++) await Promise.resolve();
};

describe('a tile supply', () => {
  it('has all tiles around the robot at each scan, wherever it drives, and no more than the hysteresis says', async () => {
    const { supply, files } = make();
    for (let k = 0; k < 200; k++) {
      const at: Vec3 = [-200 + 2 * k, 30 * Math.sin(k / 20), 0];
      await supply.moveTo(at, 1);
      const ids = supply.tiles.tileIds;
      // Planned anew after a move of 5 m: what is nearer than that to the rim is not yet asked for.
      for (let i = -20; i <= 20; i++)
        for (let j = -20; j <= 20; j++)
          if (distanceToTile(at[0], at[1], `${i}_${j}`, 20) <= 45) expect(ids).toContain(`${i}_${j}`);
      for (const id of ids) expect(distanceToTile(at[0], at[1], id, 20)).toBeLessThanOrEqual(65);
    }
    expect(new Set(files.reads).size).toBe(files.reads.length); // nothing twice: it never turned back
  });

  it('gives the same calls, in the same order, each time', async () => {
    const once = async () => {
      const { supply, files } = make();
      // Answers come in any order.
      let k = 0;
      files.answer = async (file) => {
        for (let turns = (7 * k++) % 13; turns > 0; turns--) await Promise.resolve();
        return file.sha256!;
      };
      const seen: string[][] = [];
      for (let x = 0; x < 100; x += 3) {
        await supply.moveTo([x, 0, 0], 1);
        seen.push([...supply.tiles.tileIds]);
      }
      return seen;
    };
    expect(await once()).toEqual(await once());
  });

  it('does not wait in a drive, adds tiles as they come, and drops those that came too late', async () => {
    const { supply, files } = make({ wait: false });
    const pending: (() => void)[] = [];
    files.answer = (file) => new Promise((done) => pending.push(() => done(file.sha256!)));
    await supply.moveTo([0, 0, 0], 1);
    expect(supply.tiles.tileIds).toEqual([]);
    expect(files.reads.length).toBe(3);
    expect(supply.status()).toMatchObject({ held: 0, missing: expect.any(Number) });
    pending.shift()!();
    await settle();
    expect(supply.tiles.tileIds.length).toBe(1);
    expect(files.reads.length).toBe(4); // the next was begun
    await supply.moveTo([200, 0, 0], 1); // far away: what is under way is of no use any more
    for (let k = 0; k < 300; k++) {
      pending.shift()?.();
      await settle();
    }
    for (const id of supply.tiles.tileIds) expect(distanceToTile(200, 0, id, 20)).toBeLessThanOrEqual(60);
    expect(supply.status().missing).toBe(0);
    expect(new Set(files.reads).size).toBe(files.reads.length);
  });

  it('loads in a drive one by one with a rest after each, but all at once at the start and for a search', async () => {
    const rests: (() => void)[] = [];
    const rest = () => new Promise<void>((done) => rests.push(done));
    const { supply, files } = make({ wait: false, rest });
    await supply.moveTo([0, 0, 0], 1);
    await settle();
    expect([supply.isComplete, rests.length]).toEqual([true, 0]);
    const before = files.reads.length;
    await supply.moveTo([20, 0, 0], 1);
    await settle();
    expect([files.reads.length - before, rests.length]).toEqual([1, 1]);
    for (let k = 0; k < 50; k++) {
      rests.shift()?.();
      await settle();
    }
    expect(supply.isComplete).toBe(true);
    await supply.moveTo([20, 0, 0], 0, 60);
    await settle();
    expect([supply.isComplete, rests.length]).toEqual([true, 0]);
  });

  it('asks for the files of the route in order of arrival, and pins them all', async () => {
    const { supply, files } = make();
    supply.setRoute([
      [0, 0],
      [300, 0],
    ]);
    await supply.moveTo([0, 0, 0], 1);
    expect(supply.status().onRoute).toBe(true);
    const columns = files.wanted.map(({ path }) => Number(path.split(/[/_]/)[1]));
    expect(Math.max(...columns)).toBe(17); // 300 m and 50 m: the 18th column begins at 340 m
    expect(columns.at(-1)).toBe(17);
    expect(supply.tiles.tileIds).toContain('3_0'); // 20 s ahead at 1 m/s
    supply.setRoute(undefined);
    await supply.moveTo([0, 0, 0], 1);
    expect(Math.max(...files.wanted.map(({ path }) => Number(path.split(/[/_]/)[1])))).toBe(5);
  });

  it('fetches a damaged file again, once; sets it aside where there is no other', async () => {
    const damaged = (turns: number) => {
      let left = turns;
      return async (file: MapFile) => (file.path === '1/0_0' && left-- > 0 ? 'rubbish' : file.sha256!);
    };
    const good = make();
    good.files.hasAnother = true;
    good.files.answer = damaged(1);
    await good.supply.moveTo([0, 0, 0]);
    expect(good.supply.tiles.tileIds).toContain('0_0');
    expect(good.refused).toEqual(['tile-hash']);
    for (const hasAnother of [true, false]) {
      const bad = make();
      bad.files.hasAnother = hasAnother;
      bad.files.answer = damaged(100);
      for (let x = 0; x < 30; x += 6) await bad.supply.moveTo([x, 0, 0]);
      expect(bad.supply.tiles.tileIds).not.toContain('0_0');
      expect(bad.supply.tiles.tileIds).toContain('1_0');
      expect(new Set(bad.refused)).toEqual(new Set(['tile-hash']));
      expect(bad.files.reads.filter((path) => path === '1/0_0').length).toBe(hasAnother ? 2 : 1);
    }
  });

  it('asks again for what could not be fetched, says why it is missing, and reports it once', async () => {
    const { supply, files, refused } = make();
    const answer = files.answer;
    files.answer = async () => {
      throw new Refusal('service-unreachable', 'no network');
    };
    await supply.moveTo([0, 0, 0]);
    expect(supply.status()).toMatchObject({ held: 0, reason: 'service-unreachable' });
    const before = refused.length;
    for (let k = 0; k < 60; k++) await supply.moveTo([0, 0, 0]);
    expect(refused.length).toBe(before);
    files.answer = answer;
    for (let k = 0; k < 60; k++) await supply.moveTo([0, 0, 0]);
    expect(supply.status()).toMatchObject({ missing: 0 });
    expect(supply.status().reason).toBeUndefined();
  });

  it('says that the memory is too small, and holds the nearest', async () => {
    const { supply } = make({ limits: { ...limits, memoryBytes: 500 } });
    await supply.moveTo([10, 10, 0]);
    expect(supply.status()).toMatchObject({ held: 5, memoryBytes: 500, reason: 'memory-budget' });
    expect(supply.tiles.tileIds).toEqual(expect.arrayContaining(['0_0']));
  });

  it('does not swallow a fault of our own in a replay', async () => {
    const { supply, files } = make();
    files.answer = async () => {
      throw new TypeError('a bug');
    };
    await expect(supply.moveTo([0, 0, 0])).rejects.toThrow('a bug');
  });
});

describe('a new version of a map', () => {
  it('is taken whole: at no scan are tiles of two versions in memory', async () => {
    const { supply, files, versions } = make({ wait: false });
    const pending: (() => void)[] = [];
    await supply.moveTo([0, 0, 0], 1);
    await settle();
    expect(versionsIn(supply)).toEqual(['v1']);
    files.answer = (file) => new Promise((done) => pending.push(() => done(file.sha256!)));
    supply.offer(indexOf(2, everyTile(2)));
    let steps = 0;
    for (; steps < 400 && supply.index.version === 1; steps++) {
      await supply.moveTo([0.1 * steps, 0, 0], 1);
      expect(versionsIn(supply)).toEqual([`v${supply.index.version}`]);
      pending.shift()?.();
      await settle();
      expect(versionsIn(supply)).toEqual([`v${supply.index.version}`]);
    }
    expect(versions).toEqual([2]);
    expect(versionsIn(supply)).toEqual(['v2']);
    expect(steps).toBeGreaterThan(30); // one tile came at a time, and then the border of a tile had to come
  });

  it('is taken at standstill, or at the border of a tile, not between', async () => {
    for (const [speed, x] of [
      [0, 11],
      [1, 21],
    ] as const) {
      const { supply } = make({ wait: false });
      await supply.moveTo([10, 10, 0], 1);
      await settle();
      supply.offer(indexOf(2, everyTile(2)));
      await supply.moveTo([11, 10, 0], 1);
      await settle();
      await supply.moveTo([11.5, 10, 0], 1);
      expect(supply.index.version).toBe(1);
      await supply.moveTo([x, 10, 0], speed);
      expect(supply.index.version).toBe(2);
      expect(versionsIn(supply)).toEqual(['v2']);
    }
  });

  it('shares the tiles that did not change, and fetches only the others', async () => {
    const { supply, files } = make();
    await supply.moveTo([0, 0, 0]);
    files.reads = [];
    supply.offer(indexOf(2, (id) => (id === '1_1' ? 'new' : `v1 ${id}`)));
    await supply.moveTo([0, 0, 0]);
    expect(files.reads).toEqual(['2/1_1']);
    expect(supply.index.version).toBe(2);
    expect(contents(supply).get('1_1')!.file).toBe('new');
  });

  it('waits while one of its tiles is damaged or missing; the old one stays, whole', async () => {
    const { supply, files, refused } = make();
    await supply.moveTo([0, 0, 0]);
    files.answer = async (file) => (file.path === '2/0_0' ? 'rubbish' : file.sha256!);
    supply.offer(indexOf(2, everyTile(2)));
    for (let k = 0; k < 120; k++) await supply.moveTo([0, 0, 0]);
    expect(supply.status()).toMatchObject({ version: 1, staged: 2, missing: 0, reason: 'tile-hash' });
    expect(versionsIn(supply)).toEqual(['v1']);
    expect(refused).toContain('tile-hash');
    files.answer = async (file) => file.sha256!;
    for (let k = 0; k < 120; k++) await supply.moveTo([0, 0, 0]);
    expect(supply.status()).toMatchObject({ version: 2 });
    expect(versionsIn(supply)).toEqual(['v2']);
  });

  it('is not taken in a drive where its frame is another, nor an older one ever', async () => {
    const { supply } = make();
    await supply.moveTo([0, 0, 0]);
    const moved = indexOf(2, everyTile(2), { origin: { ...origin, lat: 37.001 } });
    expect(() => supply.offer(moved)).toThrow(/taken at the next start/);
    expect(() => supply.offer(indexOf(2, everyTile(2), { mapId: 'park' }))).toThrow(Refusal);
    supply.offer(indexOf(1, everyTile(9)));
    await supply.moveTo([0, 0, 0]);
    expect(versionsIn(supply)).toEqual(['v1']);
  });
});
