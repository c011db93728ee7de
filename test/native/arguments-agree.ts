import { expect, it } from 'vitest';
import type { Core } from '../../src/core.ts';
import { reasonOf } from './core-contract.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a caller in JavaScript may pass
type Anything = any;
type Work = (v: Anything, c: Anything, m: Anything, t: Anything, map: Anything, tile: Anything) => unknown;

/** Whatever is passed, both cores take it, or refuse it for the same reason. `c` core, `m` cloud, `t` tree. */
export function argumentsAgree(native: Core, portable: Core): void {
  const [F, D] = [Float32Array, Float64Array];
  const id = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };
  const opts = {
    kernelStart: 1,
    kernelEnd: 0.2,
    maxIterations: 3,
    translationEpsilon: 1e-3,
    rotationEpsilon: 1e-3,
  };
  const add = (name: string, values: readonly unknown[], work: Work) =>
    it(`${name}: refused alike`, async () => {
      const [ours, theirs] = [await things(native), await things(portable)];
      for (const value of values) {
        const [a, b] = [
          await reasonOf(() => work(value, ...ours)),
          await reasonOf(() => work(value, ...theirs)),
        ];
        expect([value, a]).toEqual([value, b]);
        expect(a ?? '').not.toMatch(/not a refusal/);
      }
    });
  const nums = [NaN, Infinity, -Infinity, -1, 0, 0.5, 1e300, undefined, null, '1', {}, 2 ** 31];
  const poses: readonly unknown[] = [
    undefined,
    null,
    {},
    { position: [0, 0], orientation: [0, 0, 0, 1] },
    { position: [0, 0, NaN], orientation: [0, 0, 0, 1] },
    { position: [0, 0, 0], orientation: [0, 0, 0, 2] },
    { position: [0, 0, 0], orientation: [0, 0, 1] },
    { position: '000', orientation: [0, 0, 0, 1] },
  ];
  const motions: readonly unknown[] = [
    undefined,
    null,
    {},
    { kind: 'x' },
    { kind: 'twist' },
    { kind: 'twist', linear: [0, 0], angular: [0, 0, 0] },
    { kind: 'twist', linear: [0, 0, NaN], angular: [0, 0, 0] },
    { kind: 'sampled' },
    { kind: 'sampled', times: [0], poses: [] },
    { kind: 'sampled', times: [NaN], poses: [id] },
    { kind: 'sampled', times: [0], poses: [{}] },
    { kind: 'sampled', times: [1, 0], poses: [id, id] },
    { kind: 'sampled', times: [], poses: [] },
    { kind: 'sampled', times: [0], poses: [poses[5]] },
  ];
  const vecs: readonly unknown[] = [
    undefined,
    null,
    [],
    [0, 0],
    [0, 0, NaN],
    [0, 0, 0, 0],
    '000',
    [0, 0, '0'],
    { length: 3 },
  ];
  add('setThreads', nums, (v, c) => {
    try {
      c.setThreads(v);
    } finally {
      c.setThreads(1);
    }
  });
  add('downsample', nums, (v, c, m) => c.downsample(m, v));
  add('normals', nums, (v, c, m) => c.estimateNormals(m, v));
  for (const f of ['downsample', 'estimateNormals', 'kdTree', 'tile', 'deskew', 'firstFault'])
    add(`${f} cloud`, [undefined, null, {}, 1], (v, c) =>
      f === 'kdTree'
        ? c[f](v)
        : c[f](
            v,
            f === 'deskew' ? id : f === 'tile' ? [0, 0, 0] : 4,
            ...(f === 'deskew' ? [{ kind: 'still' }] : []),
          ),
    );
  add('thin', nums, (v, c, m) => c.thin([{ cloud: m, T_base_sensor: id, motion: { kind: 'still' } }], v));
  add('thin sweeps', [undefined, null, {}, 1, [null], [{}], [1]], (v, c) => c.thin(v, 1));
  add('thin mount', poses, (v, c, m) =>
    c.thin([{ cloud: m, T_base_sensor: v, motion: { kind: 'still' } }], 1),
  );
  add('thin motion', motions, (v, c, m) => c.thin([{ cloud: m, T_base_sensor: id, motion: v }], 1));
  add('deskew mount', poses, (v, c, m) => c.deskew(m, v, { kind: 'still' }));
  add('deskew motion', motions, (v, c, m) => c.deskew(m, id, v));
  add('tile origin', vecs, (v, c, m) => c.tile(m, v));
  add('tileMap', nums, (v, c) => c.tileMap(v));
  add(
    'cloud',
    [
      undefined,
      null,
      {},
      { positions: [1, 2, 3] },
      { positions: new D(3) },
      { positions: new F(4) },
      { positions: new F(3), times: new F(2) },
      { positions: new F(3), times: null },
      { positions: new F(3), times: [1] },
    ],
    (v, c) => c.cloud(v),
  );
  add('decodePcd', [undefined, null, 'x', [1], new F(3), new ArrayBuffer(3)], (v, c) => c.decodePcd(v));
  add('knn k', nums, (v, _c, _m, t) => t.knn(new F(3), v));
  add('knn q', [undefined, null, [0, 0, 0], new D(3), new F(4), new F(0)], (v, _c, _m, t) => t.knn(v, 1));
  add('radius r', nums, (v, _c, _m, t) => t.radius([0, 0, 0], v));
  add('radius q', vecs, (v, _c, _m, t) => t.radius(v, 1));
  add(
    'add id',
    [
      undefined,
      null,
      3,
      '',
      '1',
      '1_',
      '1_2_3',
      ' 1_2',
      '1_ 2',
      '+1_2',
      '01_2',
      '-0_2',
      '1.5_2',
      '1_2 ',
      '999999999_0',
      '9999999999_0',
      '99999999999999999999_0',
    ],
    (v, _c, _m, _t, map, tile) => {
      try {
        map.add(v, tile);
      } finally {
        map.remove(v);
      }
    },
  );
  add('add tile', [undefined, null, {}], (v, _c, _m, _t, map) => map.add('1_1', v));
  add('remove', [undefined, null, 3, 'x'], (v, _c, _m, _t, map) => map.remove(v));
  add('nearest d', nums, (v, _c, _m, _t, map) => map.nearest(new D(3), v));
  add(
    'nearest q',
    [undefined, null, [0, 0, 0], new F(3), new D(4), new D(0), D.of(NaN, 0, 0)],
    (v, _c, _m, _t, map) => map.nearest(v, 1),
  );
  add('align start', poses, (v, _c, m, _t, map) => map.align(m, v, opts));
  for (const k of Object.keys(opts))
    add(`align ${k}`, nums, (v, _c, m, _t, map) => map.align(m, id, { ...opts, [k]: v }));
  add(
    'align opts',
    [
      undefined,
      null,
      {},
      { ...opts, kernelStart: 0.1 },
      { ...opts, reach: 11 },
      { ...opts, turn: -1 },
      { ...opts, finish: 'there' },
      { ...opts, finishPoints: 1 },
    ],
    (v, _c, m, _t, map) => map.align(m, id, v),
  );
}

async function things(core: Core) {
  const cloud = core.cloud({
    positions: Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1),
    normals: Float32Array.of(0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1),
    times: Float32Array.of(0, 1, 2, 3),
  });
  const tile = await core.tile(cloud, [0, 0, 0]);
  const map = core.tileMap(20);
  map.add('0_0', tile);
  return [core, cloud, await core.kdTree(cloud), map, tile] as const;
}
