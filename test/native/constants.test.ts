import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Which portable file mirrors which native one, and what the native names begin with besides k. */
const MIRRORS: readonly [portable: string, native: string, prefix?: string][] = [
  ['anderson', 'layers'],
  ['gauss-newton', 'aligner'],
  ['linearise', 'aligner'],
  ['icp', 'icp'],
  ['evidence', 'evidence'],
  ['layers', 'layers'],
  ['surfel-steps', 'surfel_steps'],
  ['wide', 'wide'],
  ['surfels', 'surfels', 'Surfel'],
  ['voxel', 'voxel'],
  ['point-time', 'point_time'],
  ['pcd-header', 'pcd_header', 'Pcd'],
  ['pcd', 'pcd', 'Pcd'],
];

describe('constants of the two cores', () => {
  for (const [portable, native, prefix = ''] of MIRRORS) {
    it(`${portable}.ts has those of ${native}.hpp`, () => {
      const there = nativeConstants(native);
      const here = portableConstants(portable);
      expect(here.size).toBeGreaterThan(0);
      for (const [name, value] of here) {
        const camel = name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase());
        const twin = `k${prefix}${camel}`;
        expect([twin, there.get(twin)]).toEqual([twin, value]);
      }
    });
  }

  it.each(['aligner', 'evidence', 'layers', 'icp', 'surfels', 'surfel_steps', 'wide'])(
    'each of %s.hpp has its mirror',
    (native) => {
      const mirrored = MIRRORS.filter(([, file]) => file === native).flatMap(([file, , prefix = '']) =>
        [...portableConstants(file).keys()].map((name) =>
          `k${prefix}${name}`.replaceAll('_', '').toLowerCase(),
        ),
      );
      const missing = [...nativeConstants(native).keys()].filter(
        (name) => !mirrored.includes(name.toLowerCase()),
      );
      expect(missing).toEqual([]);
    },
  );
});

/** `constexpr TYPE kName = 1, kOther = 2;` by name. */
function nativeConstants(file: string): Map<string, number> {
  const text = readFileSync(new URL(`../../native/include/dilly/${file}.hpp`, import.meta.url), 'utf8');
  const lines = [...text.matchAll(/constexpr (?!auto)[\w:]+ (k[^;[]+);/g)].map(([, names]) => names!);
  return numbers(
    lines.flatMap((names) => names.split(',')),
    /^\s*(k\w+) = (.+)$/,
  );
}

/** `const NAME = 1;` by name. */
function portableConstants(file: string): Map<string, number> {
  const text = readFileSync(new URL(`../../src/portable/${file}.ts`, import.meta.url), 'utf8');
  return numbers(text.split('\n'), /^(?:export )?const ([A-Z_]+) = (.+);/);
}

/** Those whose value is a plain number: 1, -0.5, 1e-4, 1_000, 2f. */
function numbers(lines: readonly string[], pattern: RegExp): Map<string, number> {
  return new Map(
    lines.flatMap((line): [string, number][] => {
      const [, name, text] = pattern.exec(line) ?? [];
      const value = Number(text?.replace(/[_'fu]/g, '') || Number.NaN);
      return Number.isNaN(value) ? [] : [[name!, value]];
    }),
  );
}
