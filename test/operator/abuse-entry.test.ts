import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { signToken } from '../../src/adapters/operator/tokens.ts';
import { PRIVATE, type Rig, startRig, status, TestClient, token, until } from './fake-robot.ts';
import { expectUnharmed, gone, handshakeStatus, RoughClient } from './rough-client.ts';

let rig: Rig;
afterEach(() => rig.close());

const HOUR = 3_600_000;
const claims = { subject: 'eve', role: 'operator', robot: 'robot', expiresMs: Date.now() + HOUR };
const unsigned = (payload: object) =>
  `${[{ alg: 'none' }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;

/** The public key is public: whoever takes it for a shared secret must not get in (RFC 8725 §2.1). */
function keyAsSecret(): Promise<string> {
  const pem = createPublicKey({ key: PRIVATE, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
  return new SignJWT({ role: 'operator' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('eve')
    .setAudience('robot')
    .setExpirationTime('1h')
    .sign(Buffer.from(pem));
}

const foreignKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });

describe('nobody gets in', () => {
  it.each<[string, () => string | undefined | Promise<string>, number, string]>([
    ['without a token', () => undefined, 401, 'no-token'],
    ['with an expired token', () => token('operator', 'kim', -60_000), 401, 'expired-token'],
    ['with a token for another robot', () => token('operator', 'kim', HOUR, 'other'), 403, 'wrong-robot'],
    ['with a role that there is not', () => token('admin'), 403, 'bad-role'],
    ['with text for a token', () => 'abc.def.ghi', 401, 'bad-token'],
    ['with a token of a foreign key', () => signToken({ ...foreignKey }, claims), 401, 'bad-token'],
    [
      'with an unsigned token',
      () => unsigned({ ...claims, sub: 'eve', aud: 'robot', exp: 9e9 }),
      401,
      'bad-token',
    ],
    ['with the public key taken for a secret', keyAsSecret, 401, 'bad-token'],
  ])('%s', async (_how, make, expected, reason) => {
    rig = await startRig();
    const text = await make();
    expect(await handshakeStatus(rig, text)).toBe(expected);
    const response = await fetch(`${rig.url}/v1/map/tiles/0_0`, {
      headers: text === undefined ? {} : { authorization: `Bearer ${text}` },
    });
    expect([response.status, ((await response.json()) as { type: string }).type]).toEqual([
      expected,
      `urn:dilly-nav:problem:${reason}`,
    ]);
    await expectUnharmed(rig);
  });

  it('whose token has expired since', async () => {
    let later = 0;
    rig = await startRig({}, { wallMs: () => Date.now() + later });
    const client = await TestClient.join(rig, await token('operator', 'kim'));
    client.say({ type: 'control', action: 'take' });
    later = 2 * HOUR;
    await client.until(() => client.closed !== undefined);
    expect(client.closed).toMatchObject({ code: 4401 });
    expect(JSON.parse(client.closed!.reason)).toEqual({ reason: 'token-expired', retryAfterMs: 3000 });
    later = 0;
    await expectUnharmed(rig);
  });

  it('from a page of another origin; pages that are named may watch, or more', async () => {
    rig = await startRig({ origins: ['https://console.example'] });
    const good = await token('operator');
    const from = (origin: string) => handshakeStatus(rig, good, { origin });
    expect(await from('https://evil.example')).toBe(403);
    expect(await from('null')).toBe(403);
    expect(await from('https://console.example.evil.example')).toBe(403);
    expect(await from('https://app.foxglove.dev')).toBe(403);
    expect(await from('https://console.example')).toBe(101);
    expect(await from(rig.url)).toBe(101);
    await expectUnharmed(rig);
  });

  it('past the number of connections of an address, of a token, and of all', async () => {
    rig = await startRig({ limits: { perAddress: 6, perToken: 2, clients: 8 } });
    const open: TestClient[] = [];
    const enter = async (subject: string, localAddress: string) => {
      const client = new TestClient(rig.url, await token('viewer', subject), { localAddress });
      await until(() => client.refused !== undefined || client.of('welcome').length > 0);
      if (client.refused === undefined) open.push(client);
      return client.refused ?? 101;
    };
    const inTurn = async (subjects: string[], address: string) => {
      const found: number[] = [];
      for (const subject of subjects) found.push(await enter(subject, address));
      return found;
    };
    expect(await inTurn(['a', 'a', 'a'], '127.0.0.1')).toEqual([101, 101, 429]);
    expect(await inTurn(['b', 'b', 'c', 'c', 'd'], '127.0.0.1')).toEqual([101, 101, 101, 101, 429]);
    expect(await inTurn(['a', 'd', 'd', 'e'], '127.0.0.2')).toEqual([429, 101, 101, 429]);
    for (const client of open) client.socket.terminate();
    await expectUnharmed(rig);
  });

  it('of 1,000 at once from one address more than its share, and another address meanwhile does', async () => {
    rig = await startRig({ limits: { perAddress: 20 } });
    const tokens = await Promise.all(Array.from({ length: 1000 }, (_, k) => token('viewer', `bot${k}`)));
    const crowd = tokens.map((text) => new TestClient(rig.url, text));
    await until(() =>
      crowd.every(
        (one) => one.refused !== undefined || one.closed !== undefined || one.of('welcome').length > 0,
      ),
    );
    const inside = crowd.filter((one) => one.closed === undefined && one.of('welcome').length > 0);
    expect(inside).toHaveLength(20);
    const neighbour = await handshakeStatus(rig, await token('viewer', 'kim'), { localAddress: '127.0.0.2' });
    expect(neighbour).toBe(101);
    const statusOf = async () => (await fetch(`${rig.url}/healthz`)).status;
    for (const one of crowd) one.socket.terminate();
    await gone(rig);
    expect(await statusOf()).toBe(200);
    expect(rig.failures).toEqual([]);
  });

  it('who only opens sockets and says nothing: they are cut off, and are few', async () => {
    rig = await startRig({ limits: { perAddress: 5 }, times: { headersMs: 400 } });
    const silent = Array.from({ length: 100 }, () => new RoughClient(rig, '127.0.0.3'));
    await until(() => silent.filter(({ isClosed }) => !isClosed).length <= 20);
    expect(await handshakeStatus(rig, await token('viewer'))).toBe(101);
    await until(() => silent.every(({ isClosed }) => isClosed));
    await expectUnharmed(rig);
  });

  it('who tries too often, also with a good token, and is told when to come back', async () => {
    rig = await startRig({ limits: { connectsPerMinute: 5, requestsPerMinute: 8 } });
    const statuses: number[] = [];
    for (let k = 0; k < 6; k++) statuses.push(await handshakeStatus(rig, 'guess'));
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await handshakeStatus(rig, await token('operator'))).toBe(429);
    const answers: Response[] = [];
    for (let k = 0; k < 9; k++) answers.push(await fetch(`${rig.url}/healthz`));
    expect(answers.map((one) => one.status)).toEqual([...Array(8).fill(200), 429]);
    // 1 s and the half of 4 s of jitter, by the fake's random number.
    expect(answers.at(-1)!.headers.get('retry-after')).toBe('3');
    const neighbour = await handshakeStatus(rig, await token('operator'), { localAddress: '127.0.0.2' });
    expect(neighbour).toBe(101);
  });
});

describe('a viewer', () => {
  it('sees, and neither takes control nor commands', async () => {
    rig = await startRig();
    const client = await TestClient.join(rig, await token('viewer', 'kim'));
    rig.gateway.status(status(1));
    client.say({ type: 'control', action: 'take' });
    client.command('a', { kind: 'stop' });
    await client.until(() => client.of('answer').length === 2 && client.of('status').length === 1);
    expect(client.of('answer').map(({ id, ok, reason }) => [id, ok, reason])).toEqual([
      ['control', false, 'not-an-operator'],
      ['a', false, 'not-an-operator'],
    ]);
    expect(client.of('control').at(-1)!.holder).toBeNull();
    client.socket.terminate();
    await expectUnharmed(rig);
  });
});
