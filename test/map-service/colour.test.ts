import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from '@loaders.gl/core';
import { PCDLoader } from '@loaders.gl/pcd';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { OS1_16 } from '../../src/adapters/sim/lidar.ts';
import { SimulatedDrive } from '../../src/adapters/sim/source.ts';
import { writeBag } from '../../src/commands/bag.ts';
import { buildMap } from '../../src/commands/map-build.ts';
import { CameraImages } from '../../src/commands/map-images.ts';
import { retileMap, UNMOVED } from '../../src/commands/map-retile.ts';
import { verifyMap } from '../../src/commands/map-verify.ts';
import { openSession } from '../../src/commands/shared.ts';
import { tilePath } from '../../src/map/manifest.ts';
import { type Camera, cameraSchema, NO_COLOUR, paint, project } from '../../src/map-service/camera.ts';
import { coloursByHeight } from '../../src/map-service/colours.ts';
import { readManifest } from '../../src/map-service/graph-file.ts';
import { IDENTITY } from '../../src/math/se3.ts';
import { loadCore } from '../../src/native.ts';
import { encodePcd, readRgb } from '../../src/pointcloud/pcd.ts';
import { temporaryFolder } from './scene.ts';

const root = temporaryFolder();
const bag = join(root, 'drive.mcap');
const OPTIONS = { scans: bag, poses: '/ground_truth/pose', silent: true, json: true };
const [RED, BLUE] = [0xff2040, 0x1050ff];
/** Looks ahead from the robot: optical z is the robot's x, optical x its −y. */
const CAMERA: Camera = cameraSchema.parse({
  fx: 200,
  fy: 200,
  cx: 160,
  cy: 120,
  T_base_camera: { position: [0, 0, 0.5], orientation: [-0.5, 0.5, -0.5, 0.5] },
});
const images = join(root, 'images');

/** The left half red, the right half blue. */
function picture(): PNG {
  const png = new PNG({ width: 320, height: 240 });
  for (let k = 0; k < png.data.length; k += 4) {
    const colour = (k / 4) % 320 < 160 ? RED : BLUE;
    png.data.set([colour >> 16, (colour >> 8) & 255, colour & 255, 255], k);
  }
  return png;
}

beforeAll(async () => {
  const drive = () => new SimulatedDrive({ seed: 3, seconds: 2, lidar: { ...OS1_16, columns: 128 } });
  await writeBag(drive(), bag);
  await mkdir(images);
  await writeFile(join(images, 'camera.yaml'), stringify(CAMERA));
  for await (const message of drive().messages())
    if (message.kind === 'points')
      await writeFile(join(images, `${message.value.stamp}.png`), PNG.sync.write(picture()));
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

describe('a camera', () => {
  it('without distortion is a pinhole, and sees nothing behind it', () => {
    const axis = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(axis, axis, fc.double({ min: 0.5, max: 80, noNaN: true }), (x, y, z) => {
        const [u, v] = project(CAMERA, [x, y, z])!;
        expect(u).toBeCloseTo((200 * x) / z + 160, 6);
        expect(v).toBeCloseTo((200 * y) / z + 120, 6);
        expect(project(CAMERA, [x, y, -z])).toBeUndefined();
      }),
      { seed: 1 },
    );
  });

  it('distorts as OpenCV does', () => {
    const camera = { ...CAMERA, distortion: [-0.2, 0.05, 0.001, -0.002] };
    // a = 0.5, b = 0.25: r² = 0.3125, radial = 1 − 0.0625 + 0.0048828 = 0.9423828;
    // u = 200 (0.4711914 + 0.00025 − 0.002 · 0.8125) + 160, v = 200 (0.2355957 + 0.001 · 0.4375 − 0.0005) + 120.
    const [u, v] = project(camera, [1, 0.5, 2])!;
    expect(u).toBeCloseTo(253.96328, 4);
    expect(v).toBeCloseTo(167.10664, 4);
    // 1 − 0.6 r² is below zero from r = 1.3 on.
    expect(project({ ...CAMERA, distortion: [-0.2] }, [2, 0, 1])).toBeUndefined();
  });

  it('colours what it sees, and neither what is beside nor what is hidden', () => {
    const positions = Float32Array.of(5, 1, 0.5, 5, -1, 0.5, -5, 0, 0.5, 12, 2.4, 0.5);
    const colours = paint(CAMERA, picture(), IDENTITY, [0, 0, 0], positions);
    expect([...colours]).toEqual([RED, BLUE, NO_COLOUR, NO_COLOUR]);
  });
});

describe('colours by height', () => {
  it('begin at the ground', () => {
    const positions = Float32Array.from({ length: 300 }, (_, k) => (k % 3 === 2 ? (k < 150 ? -2 : 6) : 0));
    const bits = new Uint32Array(coloursByHeight(positions).buffer);
    expect(new Set(bits)).toEqual(new Set([0x440154, 0xfde725]));
  });
});

describe('PCD with colours', () => {
  it('gives them back bit for bit, and is read like one without', async () => {
    const rgb = new Float32Array(Uint32Array.of(0, 1, 0xffffff, 0x808080).buffer);
    const positions = Float32Array.from({ length: 12 }, (_, k) => k);
    const bytes = encodePcd({ positions }, rgb);
    expect(readRgb(bytes)).toEqual(rgb);
    expect(readRgb(encodePcd({ positions }))).toBeUndefined();
    expect(readRgb(new Uint8Array(10))).toBeUndefined();
    expect((await loadCore().decodePcd(bytes)).cloud.arrays().positions).toEqual(positions);
  });
});

/** Colours of all points of a map as another reader has them. */
async function coloursOf(dir: string): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (const entry of Object.values((await readManifest(dir)).tiles)) {
    expect(entry.fields.at(-1)).toBe('rgb');
    const bytes = await readFile(join(dir, tilePath(entry)));
    const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const { attributes } = (await parse(data, PCDLoader, { worker: false })) as unknown as {
      attributes: { COLOR_0: { value: Uint8Array } };
    };
    const { value } = attributes.COLOR_0;
    for (let k = 0; k < value.length; k += 3) {
      // It takes the bytes of 0x00RRGGBB from the low end on, and calls the first, blue, red.
      const colour = (value[k + 2]! << 16) | (value[k + 1]! << 8) | value[k]!;
      found.set(colour, (found.get(colour) ?? 0) + 1);
    }
  }
  return found;
}

describe('map build', () => {
  it('takes colours from pictures, with and without removal of what moves; map tile keeps them', async () => {
    for (const removeMoving of [false, true]) {
      const out = join(root, `camera-${removeMoving}`);
      const set = ['map.build.colour=camera', `map.build.removeMoving=${removeMoving}`];
      await buildMap({ ...OPTIONS, images, out, set });
      const colours = await coloursOf(out);
      const [red, blue, grey] = [RED, BLUE, 0x808080].map((colour) => colours.get(colour) ?? 0);
      // A quarter of the turn is in sight; what both halves saw is between them.
      expect(Math.min(red!, blue!)).toBeGreaterThan(200);
      expect(grey).toBeGreaterThan(red! + blue!);
      expect(await verifyMap(out, { set: [], silent: true })).toEqual([]);
    }
    const [from, out] = [join(root, 'camera-false'), join(root, 'retiled')];
    await retileMap(loadCore(), await openSession({ set: [] }), {
      from,
      out,
      tileSize: 40,
      T_new_old: UNMOVED,
    });
    expect(await coloursOf(out)).toEqual(await coloursOf(from));
  }, 60_000);

  it('colours by height', async () => {
    const out = join(root, 'height');
    await buildMap({ ...OPTIONS, out, set: ['map.build.colour=height'] });
    expect((await coloursOf(out)).get(0x440154)).toBeGreaterThan(100);
  }, 30_000);

  it.each([
    ['pictures that nothing asks for', { images }, [], 'bad-argument'],
    ['pictures that are missing', {}, ['map.build.colour=camera'], 'bad-argument'],
    ['no camera.yaml', { images: root }, ['map.build.colour=camera'], 'bad-camera'],
  ])('refuses %s', async (_, more, set, reason) => {
    const out = join(root, 'refused');
    await expect(buildMap({ ...OPTIONS, ...more, out, set })).rejects.toMatchObject({ reason });
  });
});

describe('a folder of pictures', () => {
  it.each([
    ['an unknown key', 'fx: 1\nfy: 1\ncx: 0\ncy: 0\nfocal: 3\n', 'bad-camera'],
    [
      'a quaternion that is none',
      stringify({ ...CAMERA, T_base_camera: { position: [0, 0, 0], orientation: [0, 0, 0, 2] } }),
      'bad-camera',
    ],
    ['no pictures', stringify(CAMERA), 'no-images'],
  ])('with %s is refused', async (what, yaml, reason) => {
    const folder = join(root, what);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'camera.yaml'), yaml);
    await expect(CameraImages.open(folder)).rejects.toMatchObject({ reason });
  });

  it('of a KITTI drive is taken by its timestamps; a picture that is none is refused', async () => {
    const folder = join(root, 'image_02');
    await mkdir(join(folder, 'data'), { recursive: true });
    await writeFile(join(folder, 'camera.yaml'), stringify(CAMERA));
    await writeFile(
      join(folder, 'timestamps.txt'),
      '1970-01-01 00:00:01.000000000\n1970-01-01 00:00:02.000000000\n',
    );
    await writeFile(join(folder, 'data', '0000000000.png'), PNG.sync.write(picture()));
    await writeFile(join(folder, 'data', '0000000001.png'), 'no picture');
    const found = await CameraImages.open(folder);
    const poses = [0n, 3_000_000_000n].map((stamp) => ({ stamp, pose: IDENTITY }));
    const painted = await found.at(1_050_000_000n, poses);
    expect([...painted!([0, 0, 0], Float32Array.of(5, 1, 0.5))]).toEqual([RED]);
    expect(await found.at(1_500_000_000n, poses)).toBeUndefined();
    expect(await found.at(1_000_000_000n, [])).toBeUndefined();
    await expect(found.at(2_000_000_000n, poses)).rejects.toMatchObject({ reason: 'bad-image' });
  });
});
