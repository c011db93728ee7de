import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseSync } from '@loaders.gl/core';
import { PCDLoader } from '@loaders.gl/pcd';
import { describe, expect, it } from 'vitest';
import type { Core } from '../../src/core.ts';
import { reasonOf } from './core-contract.ts';

const FOLDER = join(
  process.env.DILLY_DATA ?? resolve(import.meta.dirname, '../../../shared/data'),
  'pcd-cases',
);
const REFUSED: Readonly<Record<string, string>> = {
  'pypcd4/ascii_empty.pcd': 'bad-header',
  'pypcd4/ascii_invalid_header.pcd': 'bad-header',
};
/** Counted by an independent reader. */
const NOT_FINITE: Readonly<Record<string, number>> = {
  'pcl/table_scene_mug_stereo_textured.pcd.gz': 97920,
  'pcl/five_people.pcd.gz': 68125,
  'pcl/office1.pcd.gz': 52744,
};

/** PCD files that others wrote: the points that @loaders.gl/pcd reads too, or a reason. */
export function pcdCases(name: string, makeCore: () => Core): void {
  if (!existsSync(FOLDER))
    console.warn(`skipped: ${FOLDER} is missing; set DILLY_DATA to the folder of test data`);
  describe.skipIf(!existsSync(FOLDER))(`${name} core on PCD files of others`, () => {
    const core = makeCore();
    const files = existsSync(FOLDER)
      ? readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((path) =>
          /\.pcd(\.gz)?$/.test(path),
        )
      : [];

    it('has files to read', () => expect(files.length).toBeGreaterThanOrEqual(30));

    it.each(files)('%s', async (path) => {
      const stored = readFileSync(join(FOLDER, path));
      const bytes = Uint8Array.from(path.endsWith('.gz') ? gunzipSync(stored) : stored);
      const refused = REFUSED[path];
      if (refused) {
        expect(await reasonOf(() => core.decodePcd(bytes))).toBe(refused);
        return;
      }
      const { cloud, notFinite } = await core.decodePcd(bytes);
      expect(notFinite).toBe(NOT_FINITE[path] ?? 0);
      const second = secondOpinion(bytes);
      const found = cloud.arrays();
      expect(Buffer.from(found.positions.buffer).equals(Buffer.from(second.positions.buffer))).toBe(true);
      if (second.normals)
        expect(Buffer.from(found.normals!.buffer).equals(Buffer.from(second.normals.buffer))).toBe(true);
    });
  });
}

/** The finite points by @loaders.gl/pcd, which reads the positions and normals of all these files right. */
function secondOpinion(bytes: Uint8Array): { positions: Float32Array; normals: Float32Array | undefined } {
  const { attributes } = parseSync(bytes.buffer as ArrayBuffer, PCDLoader) as unknown as {
    attributes: Record<string, { value: Float32Array }>;
  };
  const all = attributes.POSITION!.value;
  const stay = (_: number, at: number) => {
    const i = at - (at % 3);
    return Number.isFinite(all[i]! + all[i + 1]! + all[i + 2]!);
  };
  return { positions: all.filter(stay), normals: attributes.NORMAL?.value.filter(stay) };
}
