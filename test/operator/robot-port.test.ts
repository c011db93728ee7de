import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInterventions } from '../../src/adapters/operator/interventions.ts';
import { operatorConfig } from '../../src/adapters/operator/operator-config.ts';
import { signToken } from '../../src/adapters/operator/tokens.ts';
import { OperatorPort } from '../../src/commands/operator-port.ts';
import { openRos2Robot } from '../../src/commands/ros2-robot.ts';
import { openCore, openSession } from '../../src/commands/shared.ts';
import { loadConfig } from '../../src/config.ts';
import type { MapIndex } from '../../src/map/map-index.ts';
import { type Rig, status, TestClient, until } from './fake-robot.ts';

const MAP = resolve(import.meta.dirname, '../../maps/gangnam-demo');
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const KEY = publicKey.export({ format: 'pem', type: 'spki' }).toString();
const tokenFor = (robot: string, role = 'operator') =>
  signToken(privateKey.export({ format: 'jwk' }) as Record<string, unknown>, {
    subject: 'kim',
    role,
    robot,
    expiresMs: Date.now() + 60_000,
  });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dilly-'));
  await writeFile(join(folder, 'key.pem'), KEY);
});
afterAll(() => rm(folder, { recursive: true }));

async function sessionOf(more: readonly string[]) {
  const overrides = [
    `ros2.map=${MAP}`,
    `ros2.stateFile=${join(folder, 'state.json')}`,
    `ros2.records=${join(folder, 'drives')}`,
    `operator.interventions=${join(folder, 'interventions')}`,
    'operator.robot=dilly-7',
    'operator.port=0',
    ...more,
  ];
  return { ...(await openSession({ set: [] })), config: await loadConfig(undefined, overrides) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

const NOBODY = { status: () => {}, scan: () => {}, event: () => {} };
const open = async (more: readonly string[]) => {
  const session = await sessionOf(more);
  return openRos2Robot(openCore(session), session, NOBODY, new AbortController().signal);
};

describe('the operators’ port of a robot', () => {
  it('is opened by a key in the configuration: map, commands to the robot, the store of interventions', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const robot = await open([`operator.keysFile=${join(folder, 'key.pem')}`, `operator.port=${port}`]);
    try {
      const token = await tokenFor('dilly-7');
      const head = await fetch(`${url}/v1/map`, { headers: { authorization: `Bearer ${token}` } });
      expect(await head.json()).toMatchObject({ mapId: 'gangnam-demo' });
      expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/operator_sockets[\s\S]*recorder_/);
      const client = await TestClient.join({ url } as Rig, token);
      client.say({ type: 'control', action: 'take' });
      client.command('a', { kind: 'stop' });
      await client.until(() => client.of('answer').length > 0);
      expect(client.of('answer')[0]).toMatchObject({ id: 'a', ok: true });
      await client.until(() => client.of('event').some(({ kind }) => kind === 'operator-stop'));
      client.command('b', { kind: 'mark-intervention', note: 'kerb' });
      await client.until(() => client.of('event').some(({ data }) => data?.command?.note === 'kerb'));
      const { records } = await readInterventions(join(folder, 'interventions'));
      expect(records.map(({ operator, kind, note }) => [operator, kind, note])).toEqual([
        ['kim', 'stop', undefined],
        ['kim', 'mark-intervention', 'kerb'],
      ]);
      client.socket.terminate();
    } finally {
      await robot.close();
    }
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it('stays closed without a key', async () => {
    const port = await freePort();
    const robot = await open([`operator.port=${port}`]);
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
    await robot.close();
  });

  it('says what is wrong with the key or the port, and leaves nothing open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => taken.once('listening', done));
    const { port } = taken.address() as { port: number };
    const key = `operator.keysFile=${join(folder, 'key.pem')}`;
    await expect(open([key, `operator.port=${port}`])).rejects.toThrow(
      `expected a free port at 127.0.0.1:${port}, found EADDRINUSE`,
    );
    await expect(open(['operator.keysFile=/nowhere'])).rejects.toThrow(/readable file, found \/nowhere/);
    await writeFile(join(folder, 'none.pem'), 'x');
    await expect(open([`operator.keysFile=${join(folder, 'none.pem')}`])).rejects.toThrow(/a JWKS or a PEM/);
    await new Promise((done) => taken.close(done));
  });

  it('shows the version of the map that the robot drives by now', async () => {
    const indexOf = (version: number) =>
      ({
        mapId: 'street',
        version,
        tileSize: 20,
        origin: { lat: 37.5, lon: 127, ellipsoidalHeight: 40 },
        file: () => undefined,
      }) as unknown as MapIndex;
    let index = indexOf(3);
    const said: string[] = [];
    const port = await OperatorPort.open({
      core: openCore(await sessionOf([])),
      config: operatorConfig.parse({ port: 0 }),
      keys: KEY,
      map: { index: () => index, source: { read: async () => new Uint8Array() } as never },
      control: { command: async () => ({ ok: true, text: '' }) },
      say: (text) => said.push(text),
    });
    const client = await TestClient.join({ url: port.address } as Rig, await tokenFor('robot', 'viewer'));
    port.status(status(1));
    await until(() => client.of('tiles').at(-1)?.map?.version === 3);
    index = indexOf(4);
    port.status(status(2));
    await new Promise((resolve) => setTimeout(resolve, 60));
    port.status(status(3));
    await until(() => client.of('tiles').at(-1)?.map?.version === 4);
    client.socket.terminate();
    await port.close();
    expect(said.filter((text) => !text.includes('npm run build'))).toEqual([]);
  });
});
