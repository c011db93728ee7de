import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Profile, profileSchema } from '../../src/route/profile.ts';
import { Router } from '../../src/route/router.ts';
import { link, node, ORIGIN, WALKER, wall } from './city.ts';

const { lon, lat } = ORIGIN;
const D = 0.001;
const a = node('a', lon, lat);
const b = node('b', lon + D, lat);
const c = node('c', lon + D / 2, lat + D);

/** a → b straight by `short`, or round by c. */
function way(
  more: Parameters<typeof link>[3],
  profile: Partial<Profile> = {},
  walls: ReturnType<typeof wall>[] = [],
  timeMs = 0,
  backwards = false,
) {
  const links = [link('short', a, b, more), link('up', a, c), link('down', c, b)];
  const router = new Router({ nodes: [a, b, c], links, walls });
  const [start, end] = [
    { lon, lat },
    { lon: lon + D, lat },
  ];
  const route = backwards
    ? router.find(end, start, { ...WALKER, ...profile }, timeMs)
    : router.find(start, end, { ...WALKER, ...profile }, timeMs);
  return route.ok ? route.steps.map((step) => router.graph.linkIds[step.link]).join(' ') : route.reason;
}

describe('limits of a profile', () => {
  it.each<[string, Parameters<typeof link>[3], Partial<Profile>]>([
    ['width', { width: 0.8 }, { maxWidth: 0.8 }],
    ['kerb', { kerbHeight: 0.1 }, { maxKerb: 0.1 }],
    ['incline up', { incline: 0.1 }, { maxIncline: 0.1 }],
    ['incline down', { incline: -0.1 }, { maxIncline: 0.1 }],
    ['surface', { surface: 'mud' }, { surfaces: { asphalt: 1, mud: 1 } }],
    ['stairs', { stairs: true }, { stairs: true }],
  ])('%s closes a link, and opens it at the limit', (_, more, able) => {
    expect(way({})).toBe('short');
    expect(way(more)).toBe('up down');
    expect(way(more, able)).toBe('short');
  });

  it('flying leaves kerbs, inclines, surfaces and stairs out, but not the width', () => {
    const bad = { kerbHeight: 1, incline: 1, surface: 'mud', stairs: true };
    expect(way(bad, { flies: true })).toBe('short');
    expect(way({ ...bad, width: 0.1 }, { flies: true })).toBe('up down');
  });

  it('a wait at a signal, a door, a lift and a rough surface are worth a way round, or not', () => {
    // straight 88 m, round 2 · 120 m: 76 s more at 2 m/s
    for (const more of [{ crossing: 's' }, { door: 'd' }, { lift: 'l' }]) {
      const wait = { crossing: 'signalWait', door: 'doorWait', lift: 'liftWait' }[Object.keys(more)[0]!]!;
      expect(way(more, { [wait]: 60, maxSnap: 1 })).toBe('short');
    }
    expect(way({ surface: 'sett' }, { surfaces: { asphalt: 1, sett: 2 } })).toBe('short');
    expect(way({ surface: 'sett' }, { surfaces: { asphalt: 1, sett: 3 } })).toBe('up down');
    expect(way({ speedLimit: 0.4 })).toBe('up down');
  });

  it('a one-way link is taken one way', () => {
    expect(way({ oneWay: true })).toBe('short');
    expect(way({ oneWay: true }, {}, [], 0, true)).toBe('down up');
  });

  it('nothing in reach, and no way, are said', () => {
    const router = new Router({
      nodes: [a, b, c],
      links: [link('short', a, b), link('loop', c, c)],
      walls: [],
    });
    const far = { lon: lon + 1, lat };
    expect(router.find(far, ORIGIN, WALKER, 0)).toMatchObject({ ok: false, reason: 'no-link-near-start' });
    expect(router.find(ORIGIN, far, WALKER, 0)).toMatchObject({ ok: false, reason: 'no-link-near-end' });
    const closed = new Router({
      nodes: [a, b, c],
      links: [link('short', a, b, { oneWay: true })],
      walls: [],
    }).find({ lon: lon + D, lat }, ORIGIN, WALKER, 0);
    expect(closed).toMatchObject({ ok: false, reason: 'no-way' });
  });
});

describe('virtual walls', () => {
  const across = [
    [lon + D / 2, lat - D / 10],
    [lon + D / 2, lat + D / 10],
  ];
  const area = (type: 'no_go' | 'slow') => ({
    ...wall('w', type, []),
    geometry: {
      type: 'Polygon' as const,
      coordinates: [[...across, [lon + D / 1.5, lat + D / 10], [lon + D / 1.5, lat - D / 10], across[0]!]],
    },
  });

  it('no_go closes both ways, as a line and as an area', () => {
    for (const closed of [wall('w', 'no_go', across), area('no_go')]) {
      expect(way({}, {}, [closed])).toBe('up down');
      expect(way({}, {}, [closed], 0, true)).toBe('down up');
    }
  });

  it('holds in its time only: the first instant counts, the last does not', () => {
    const from = Date.parse('2026-03-01T09:00:00Z');
    const timed = wall('w', 'no_go', across, {
      validFrom: '2026-03-01T18:00:00+09:00',
      validTo: '2026-03-01T10:00:00Z',
    });
    expect(way({}, {}, [timed], from - 1)).toBe('short');
    expect(way({}, {}, [timed], from)).toBe('up down');
    expect(way({}, {}, [timed], from + 3_599_999)).toBe('up down');
    expect(way({}, {}, [timed], from + 3_600_000)).toBe('short');
  });

  it('one_way lets pass from its right to its left', () => {
    // drawn northward: its right is the east, so westward (b to a) is allowed
    expect(way({}, {}, [wall('w', 'one_way', across)])).toBe('up down');
    expect(way({}, {}, [wall('w', 'one_way', across)], 0, true)).toBe('short');
    expect(way({}, {}, [wall('w', 'one_way', [...across].reverse())])).toBe('short');
  });

  it('slow costs time and closes nothing', () => {
    expect(way({}, { slowSpeed: 1.5 }, [area('slow')])).toBe('short');
    expect(way({}, { slowSpeed: 0.1 }, [area('slow')])).toBe('up down');
  });

  it('does not close a stretch that it does not touch', () => {
    const router = new Router({
      nodes: [a, b],
      links: [link('short', a, b)],
      walls: [wall('w', 'no_go', across)],
    });
    const at = (share: number) => ({ lon: lon + D * share, lat });
    expect(router.find(at(0), at(0.4), WALKER, 0)).toMatchObject({ ok: true });
    expect(router.find(at(0.9), at(0.6), WALKER, 0)).toMatchObject({ ok: true });
    expect(router.find(at(0.4), at(0.6), WALKER, 0)).toMatchObject({ ok: false, reason: 'no-way' });
  });
});

describe('demo profiles', () => {
  const folder = new URL('../../maps/profiles/', import.meta.url);
  it.each(readdirSync(folder))('%s is one', (file) => {
    const profile = profileSchema.parse(parse(readFileSync(new URL(file, folder), 'utf8')));
    expect(`${profile.name}.yaml`).toBe(file);
    expect(way({}, { ...profile })).not.toBe('no-way');
  });
});
