import peerLibrary from 'kd-tree-javascript';
import { Random } from '../../src/math/random.ts';
import { loadCore } from '../../src/native.ts';
import { dataPath, readPly } from './data.ts';
import { note, race } from './measure.ts';
import { nativeBench, withBars } from './native-bench.ts';
import type { Row } from './row.ts';

const POINTS = 100_000;
const QUERIES = 20_000;

/** Nearest neighbours: in C++ against nanoflann, and from JavaScript against kd-tree-javascript. */
export async function run(): Promise<Row[]> {
  const native = withBars(nativeBench('kdtree'), {
    'kdtree.nn1.10k': { of: 'ratio', at: 'least', limit: 2.3 },
    'kdtree.nn1.100k': { of: 'ratio', at: 'least', limit: 2.3 },
    'kdtree.nn1.1m': { of: 'ratio', at: 'least', limit: 3 },
    'kdtree.nn10.100k': { of: 'ratio', at: 'least', limit: 1.8 },
    'kdtree.build.100k': { of: 'ratio', at: 'least', limit: 2 },
  });
  return [...native, ...(await fromJavaScript())];
}

async function fromJavaScript(): Promise<Row[]> {
  const { map, queries } = await points();
  const core = loadCore('native');
  const cloud = core.cloud({ positions: map });
  const objects = objectsOf(map);
  const places = objectsOf(queries);
  const metric = (a: Point, b: Point) => (a.x - b.x) ** 2 + (a.y - b.y) ** 2 + (a.z - b.z) ** 2;
  const build = () => new peerLibrary.kdTree([...objects], metric, ['x', 'y', 'z']);
  const tree = await core.kdTree(cloud);
  const peer = build();
  let found: Float32Array = new Float32Array();
  let theirs: number[] = [];
  const search = await race(3, {
    ours: () => {
      found = tree.knn(queries, 1).squaredDistances;
    },
    peer: () => {
      theirs = places.map((place) => peer.nearest(place, 1)[0]![1]);
    },
  });
  const apart = theirs.findIndex((d2, i) => Math.abs(d2 - found[i]!) > 1e-5 * d2 + 1e-6);
  if (apart >= 0) throw new Error(`query ${apart}: we say ${found[apart]}, the peer ${theirs[apart]}`);
  const building = await race(2, { ours: () => core.kdTree(cloud), peer: build });
  const peerName = 'kd-tree-javascript';
  return [
    {
      id: 'kdtree.nn1.100k.napi',
      value: QUERIES / search.ours,
      unit: 'kq/s',
      peer: peerName,
      peerValue: QUERIES / search.peer,
      ratio: search.peer / search.ours,
      bar: { of: 'ratio', at: 'least', limit: 80 },
    },
    {
      id: 'kdtree.build.100k.napi',
      value: building.ours,
      unit: 'ms',
      peer: peerName,
      peerValue: building.peer,
      ratio: building.peer / building.ours,
    },
  ];
}

interface Point {
  x: number;
  y: number;
  z: number;
}

function objectsOf(positions: Float32Array): Point[] {
  return Array.from({ length: positions.length / 3 }, (_, i) => ({
    x: positions[3 * i]!,
    y: positions[3 * i + 1]!,
    z: positions[3 * i + 2]!,
  }));
}

/** 100,000 points of two real scans, queried with others of them moved by 0.2 m; random ones without the data. */
async function points(): Promise<{ map: Float32Array; queries: Float32Array }> {
  const [source, target] = ['source.ply', 'target.ply'].map((name) =>
    dataPath('registration-pairs', 'koide', name),
  );
  if (!source || !target) {
    note('kdtree: random points, because the real scans are not there; set DILLY_DATA');
    const random = new Random(1);
    const draw = (count: number) => Float32Array.from({ length: 3 * count }, () => random.uniform(-40, 40));
    return { map: draw(POINTS), queries: draw(QUERIES) };
  }
  const scans = [await readPly(target), await readPly(source)];
  const all = Float32Array.from([...scans[0]!, ...scans[1]!]);
  const queries = scans[1]!.slice(0, 3 * QUERIES).map((v) => v + 0.1);
  return { map: all.slice(0, 3 * POINTS), queries };
}
