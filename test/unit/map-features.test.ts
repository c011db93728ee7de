import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mapFeatures } from '../../src/commands/map-features.ts';
import { DEMO_MAP } from '../../src/commands/sim.ts';

it('draws the graph of the demo map in metres of its frame', async () => {
  const manifest = JSON.parse(await readFile(join(DEMO_MAP, 'manifest.json'), 'utf8'));
  const features = mapFeatures(await readFile(join(DEMO_MAP, 'graph.geojson')), manifest.frame.origin);
  const kinds = new Set(features.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(['door', 'lift', 'link', 'poi', 'signal', 'virtual_wall']);
  for (const [x, y] of features.flatMap((one) => one.line)) expect(Math.hypot(x, y)).toBeLessThan(200);
  expect(features.find(({ kind, type }) => kind === 'virtual_wall' && type === 'no_go')?.line).toHaveLength(
    2,
  );
});
