import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cloud, Core } from '../../src/core.ts';
import { Random } from '../../src/math/random.ts';
import { IDENTITY } from '../../src/math/se3.ts';
import type { Pose } from '../../src/types.ts';

export interface Scan {
  readonly cloud: Cloud;
  readonly T_base_sensor: Pose;
  readonly T_map_base: Pose;
  readonly path: { times: number[]; poses: Pose[] };
}

export const OPTIONS = { tileSize: 10, voxelSize: 0.2, normalNeighbours: 8, margin: 1, removeMoving: true };

/** Scans of rough ground and a wall, from places along x. */
export function sceneScans(core: Core, count: number, seed = 1): Scan[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, k) => {
    const T_map_base: Pose = { position: [1.5 * k - 4, 0.5, 1], orientation: [0, 0, 0, 1] };
    const positions = Float32Array.from({ length: 3 * 800 }, (_, n) => {
      if (n % 3 === 2) return n % 2 === 0 ? -1 + random.gaussian(0, 0.01) : random.uniform(-1, 3);
      return random.uniform(-12, 12);
    });
    const intensity = Float32Array.from({ length: 800 }, () => random.uniform());
    const path = { times: [0], poses: [T_map_base] };
    return { cloud: core.cloud({ positions, intensity }), T_base_sensor: IDENTITY, T_map_base, path };
  });
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'dilly-map-'));
}
