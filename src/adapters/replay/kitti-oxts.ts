import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { enuFrame, type Geodetic } from '../../math/geodesy.ts';
import { quatFromRpy } from '../../math/so3.ts';
import { type Pose, Refusal, type Stamp, type StampedPose, type Vec3 } from '../../types.ts';
import { readFrames } from './kitti-drive.ts';

/**
 * One packet of the OXTS RT3003 in KITTI's order (devkit, `dataformat.txt`). Axes of the box: x forward, y left, z up.
 * KITTI's `altitude` is near the height above the sea in Karlsruhe, not above the ellipsoid; only its differences count
 * here, because maps of a drive are laid out from its own first fix.
 */
export interface KittiReference {
  readonly stamp: Stamp;
  /** degrees */
  readonly latitude: number;
  readonly longitude: number;
  /** metres */
  readonly altitude: number;
  /** radians; yaw 0 is east, counter-clockwise */
  readonly roll: number;
  readonly pitch: number;
  readonly yaw: number;
}

export interface OxtsPacket extends KittiReference {
  /** m/s², in the axes of the box, with gravity (`ax ay az`; `af al au` are levelled) */
  readonly acceleration: Vec3;
  /** rad/s, in the axes of the box (`wx wy wz`) */
  readonly rates: Vec3;
  /** metres */
  readonly positionAccuracy: number;
  /** OXTS position mode: 4 differential, 5 float RTK, 6 integer RTK */
  readonly positionMode: number;
}

export type OxtsFrame = { readonly index: number; readonly stamp: Stamp } & (
  | { readonly packet: OxtsPacket }
  | { readonly refusal: Refusal }
);

const FIELDS = 30;

/** All packets of a drive, in the order of their numbers; one that cannot be used says why. */
export async function readOxts(drive: string): Promise<OxtsFrame[]> {
  const frames: OxtsFrame[] = [];
  for (const { index, stamp, path } of await readFrames(join(drive, 'oxts'), '.txt')) {
    try {
      frames.push({ index, stamp, packet: parsePacket(await readFile(path, 'utf8'), stamp) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      frames.push({ index, stamp, refusal: error });
    }
  }
  return frames;
}

/** The reference of a KITTI drive: what its OXTS says, without packets that cannot be used. */
export async function kittiReference(path: string): Promise<KittiReference[]> {
  return (await readOxts(path)).flatMap((frame) => ('packet' in frame ? [frame.packet] : []));
}

/** T_map_base of each packet, in the ENU frame of `origin`. base_link is the OXTS box. */
export function referencePoses(reference: readonly KittiReference[], origin: Geodetic): StampedPose[] {
  const map = enuFrame(origin);
  return reference.map(({ stamp, latitude, longitude, altitude, roll, pitch, yaw }) => {
    const pose: Pose = {
      position: map.toEnu(latitude, longitude, altitude),
      orientation: quatFromRpy(roll, pitch, yaw),
    };
    return { stamp, pose };
  });
}

/** Where the map of a drive has its origin: at the first packet. */
export function referenceOrigin([first]: readonly KittiReference[]): Geodetic | undefined {
  return first && { lat: first.latitude, lon: first.longitude, ellipsoidalHeight: first.altitude };
}

function parsePacket(text: string, stamp: Stamp): OxtsPacket {
  const v = text.trim().split(/\s+/).map(Number);
  if (v.length !== FIELDS)
    throw new Refusal('bad-message', `expected ${FIELDS} OXTS fields, found ${v.length}`);
  if (!v.every(Number.isFinite))
    throw new Refusal('not-finite', `expected finite OXTS fields, found ${text.trim()}`);
  if (Math.abs(v[0]!) > 90 || Math.abs(v[1]!) > 180) {
    throw new Refusal('out-of-range', `expected |lat| ≤ 90 and |lon| ≤ 180, found ${v[0]}, ${v[1]}`);
  }
  return {
    stamp,
    latitude: v[0]!,
    longitude: v[1]!,
    altitude: v[2]!,
    roll: v[3]!,
    pitch: v[4]!,
    yaw: v[5]!,
    acceleration: [v[11]!, v[12]!, v[13]!],
    rates: [v[17]!, v[18]!, v[19]!],
    positionAccuracy: v[23]!,
    positionMode: v[27]!,
  };
}
