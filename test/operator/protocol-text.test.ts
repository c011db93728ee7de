import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { CLOSE, clientMessageSchema } from '../../src/adapters/operator/protocol.ts';
import { startRig } from './fake-robot.ts';

const root = resolve(import.meta.dirname, '../..');

it('is told in CONTRIBUTING.md: what is said, why a line ends, and the channels of Foxglove', async () => {
  const text = await readFile(resolve(root, 'CONTRIBUTING.md'), 'utf8');
  const wire = await readFile(resolve(root, 'src/adapters/operator/wire.ts'), 'utf8');
  const feed = await readFile(resolve(root, 'src/adapters/operator/foxglove/foxglove-feed.ts'), 'utf8');
  const [, part] = /## Protocol of the operators' port\n([\s\S]*?)\n## /.exec(text)!;
  const said = [
    ...Object.values(CLOSE).flat().map(String),
    ...clientMessageSchema.options.map((option) => option.shape.type.value),
    ...[...wire.matchAll(/readonly type: '([\w-]+)'/g)].map(([, type]) => type!),
    ...[...feed.matchAll(/\['(\/[\w/]+)', '/g)].map(([, topic]) => topic!),
  ];
  expect(said.length).toBeGreaterThan(35);
  expect(said.filter((one) => !part!.includes(one))).toEqual([]);
});

it('opens nothing else without a token', async () => {
  const rig = await startRig();
  const open = ['/healthz', '/readyz', '/metrics'];
  const closed = ['/v1/session', '/v1/map', '/v1/map/tiles/0_0'];
  const codes = await Promise.all(
    [...open, ...closed].map(async (path) => (await fetch(`${rig.url}${path}`)).status),
  );
  await rig.close();
  expect(codes).toEqual([200, 503, 200, 401, 401, 401]);
});
