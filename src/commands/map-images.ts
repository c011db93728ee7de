import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { parse } from 'yaml';
import { readTimestamps } from '../adapters/replay/kitti-drive.ts';
import { type Camera, cameraSchema, type Picture, paint } from '../map-service/camera.ts';
import type { Paint } from '../map-service/tile-builder.ts';
import { Refusal, type Stamp, type StampedPose } from '../types.ts';
import { poseAt } from './reference.ts';

/** A picture further than this from a scan says nothing of its colours: things and robot have moved, s. */
const NEAR_S = 0.1;

interface Shot {
  readonly stamp: Stamp;
  readonly path: string;
}

/** Pictures of one camera on the robot, and how it sees. */
export class CameraImages {
  readonly #camera: Camera;
  readonly #shots: readonly Shot[];

  private constructor(camera: Camera, shots: readonly Shot[]) {
    this.#camera = camera;
    this.#shots = shots;
  }

  /**
   * Opens a folder with `camera.yaml` and PNG pictures: named by their stamp in nanoseconds, or a KITTI folder
   * (`timestamps.txt`, `data/`). Rejects with a Refusal `bad-camera`, `no-images`, `bad-timestamps`.
   */
  static async open(folder: string): Promise<CameraImages> {
    const path = join(folder, 'camera.yaml');
    const text = await readFile(path, 'utf8').catch((error) => {
      throw new Refusal('bad-camera', `expected ${path} (dilly-nav schema camera), found ${error.code}`);
    });
    const parsed = cameraSchema.safeParse(parse(text));
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new Refusal('bad-camera', `${path}: ${issue.path.join('.') || '(root)'}: ${issue.message}`);
    }
    const isKitti = await stat(join(folder, 'timestamps.txt')).then(
      () => true,
      () => false,
    );
    const shots = isKitti ? await kittiShots(folder) : await namedShots(folder);
    if (shots.length === 0)
      throw new Refusal(
        'no-images',
        `expected PNG pictures in ${folder} named by their stamp in nanoseconds, or data/ with timestamps.txt, found none`,
      );
    return new CameraImages(parsed.data, shots);
  }

  /** How to colour the points of a scan of this stamp; undefined where no picture was taken about then. */
  async at(stamp: Stamp, poses: readonly StampedPose[]): Promise<Paint | undefined> {
    const away = (shot: Shot) => Math.abs(Number(shot.stamp - stamp)) / 1e9;
    const nearest = this.#shots.reduce((best, shot) => (away(shot) < away(best) ? shot : best));
    const T_map_base = poseAt(poses, nearest.stamp);
    if (!T_map_base || away(nearest) > NEAR_S) return undefined;
    const picture = readPicture(nearest.path, await readFile(nearest.path));
    return (anchor, positions) => paint(this.#camera, picture, T_map_base, anchor, positions);
  }
}

async function namedShots(folder: string): Promise<Shot[]> {
  return (await readdir(folder))
    .filter((name) => /^\d{1,19}\.png$/.test(name))
    .map((name) => ({ stamp: BigInt(name.slice(0, -4)), path: join(folder, name) }));
}

async function kittiShots(folder: string): Promise<Shot[]> {
  const stamps = await readTimestamps(join(folder, 'timestamps.txt'));
  const names = (await readdir(join(folder, 'data'))).filter((name) => /^\d+\.png$/.test(name));
  return names.flatMap((name) => {
    const stamp = stamps[Number(name.slice(0, -4))];
    return stamp === undefined ? [] : [{ stamp, path: join(folder, 'data', name) }];
  });
}

function readPicture(path: string, bytes: Buffer): Picture {
  try {
    return PNG.sync.read(bytes);
  } catch (error) {
    throw new Refusal('bad-image', `${path}: expected a PNG picture, found ${(error as Error).message}`);
  }
}
