import { afterEach, describe, expect, it } from 'vitest';
import { event, type Rig, startRig, status, TestClient, token, until } from './fake-robot.ts';

let rig: Rig;
afterEach(() => rig.close());

describe('an operator', () => {
  it('sees the robot, its events in order, and a scan', async () => {
    rig = await startRig();
    const client = await TestClient.join(rig, await token('viewer'));
    rig.gateway.event(event('started'));
    rig.gateway.status(status(1));
    rig.gateway.scan({ stamp: 5n, origin: [100, 0, 0], positions: Float32Array.of(1, 2, 3, 4, 5, 6) });
    await client.until(() => client.clouds.length > 0 && client.of('status').length > 0);
    expect(client.of('event').map(({ kind, seq }) => [kind, seq])).toEqual([['started', 1]]);
    const [seen] = client.of('status');
    expect(seen).toMatchObject({
      seq: 1,
      state: 'TRACKING',
      pose: { position: [1, 0, 0] },
      protectionLevel: 0.8,
    });
    expect(client.of('tiles')[0]!.tiles).toEqual(['0_0', '1_0']);
    expect(client.clouds[0]!.readUInt32LE(4)).toBe(2);
    expect(new Set(client.frames.map(({ epoch }) => epoch)).size).toBe(1);
  });

  it('loses no event when the line breaks and it resumes', async () => {
    rig = await startRig();
    const first = await TestClient.join(rig, await token('viewer'));
    for (let k = 0; k < 20; k++) rig.gateway.event(event(`e${k}`));
    await first.until(() => first.seqs.length === 20);
    first.socket.terminate();
    for (let k = 20; k < 500; k++) rig.gateway.event(event(`e${k}`));
    const { epoch } = first.frames[0]!;
    const second = await TestClient.join(rig, await token('viewer'), { epoch, lastSeq: 20 });
    await second.until(() => second.seqs.length === 480);
    expect(second.of('resumed')).toHaveLength(1);
    expect([...first.seqs, ...second.seqs]).toEqual(Array.from({ length: 500 }, (_, k) => k + 1));
  });

  it.each([
    ['a foreign epoch', { epoch: 'another', lastSeq: 2 }, 'unknown-epoch'],
    ['a number that is not yet there', { lastSeq: 999 }, 'unknown-seq'],
    ['one that is forgotten', { lastSeq: 1 }, 'window-gone'],
  ])('is told that it cannot resume from %s', async (_what, resume, reason) => {
    rig = await startRig({ retention: { events: 5 } });
    for (let k = 0; k < 9; k++) rig.gateway.event(event(`e${k}`));
    const before = await TestClient.join(rig, await token('viewer'));
    const { epoch } = before.frames[0]!;
    const client = await TestClient.join(rig, await token('viewer'), { epoch, ...resume });
    await client.until(() => client.seqs.length === 5);
    expect(client.of('reset')).toMatchObject([{ reason, seq: 4 }]);
    expect(client.seqs).toEqual([5, 6, 7, 8, 9]);
  });

  it('commands only with control, once for each id, and is answered once', async () => {
    rig = await startRig();
    const client = await TestClient.join(rig, await token('operator', 'kim'));
    client.command('a', { kind: 'stop' });
    await client.until(() => client.of('answer').length === 1);
    expect(client.of('answer')[0]).toMatchObject({ id: 'a', ok: false, reason: 'no-control' });
    client.say({ type: 'control', action: 'take' });
    for (const id of ['b', 'b', 'b', 'c']) client.command(id, { kind: 'stop' }, id === 'b' ? 5000 : 5001);
    await client.until(() => client.of('answer').some(({ id }) => id === 'c'));
    // The same id and another `expires` are another command.
    const answers = client.of('answer').map(({ id, ok, reason }) => [id, ok, reason]);
    expect(answers.filter(([id, ok]) => id === 'b' && ok)).toHaveLength(1);
    expect(rig.commands).toEqual([{ kind: 'stop' }, { kind: 'stop' }]);
  });

  it('gets the answer that was lost with the line, and the robot does nothing twice', async () => {
    let finish = () => {};
    rig = await startRig(
      {},
      {},
      () => new Promise((done) => (finish = () => done({ ok: true, text: 'stopped' }))),
    );
    const first = await TestClient.join(rig, await token('operator', 'kim'));
    first.say({ type: 'control', action: 'take' });
    const message = { type: 'command', id: 'x', expires: Date.now() + 9000, command: { kind: 'stop' } };
    first.say(message);
    await until(() => rig.commands.length === 1);
    const { epoch, session } = first.frames[0]!;
    first.socket.terminate();
    const second = await TestClient.join(rig, await token('operator', 'kim'), { epoch, lastSeq: 0, session });
    second.say(message);
    second.say({ type: 'ping', t: 1 });
    await second.until(() => second.of('pong').length === 1);
    finish();
    await second.until(() => second.of('answer').length === 1);
    expect(second.of('answer')).toMatchObject([{ id: 'x', ok: true, text: 'stopped' }]);
    expect(rig.commands).toHaveLength(1);
    // The session went on: it still has control.
    second.command('y', { kind: 'resume' });
    await until(() => rig.commands.length === 2);
    finish();
  });

  it('loses control to the newest who takes it, and both are told', async () => {
    rig = await startRig();
    const [kim, lee] = [await token('operator', 'kim'), await token('operator', 'lee')];
    const first = await TestClient.join(rig, kim);
    first.say({ type: 'control', action: 'take' });
    await first.until(() => first.of('control').at(-1)?.holder?.name === 'kim');
    const second = await TestClient.join(rig, lee);
    second.say({ type: 'control', action: 'take' });
    await first.until(() => first.of('control-lost').length === 1);
    expect(first.of('control-lost')[0]).toMatchObject({ reason: 'taken-over', by: 'lee' });
    await second.until(() => second.of('control').at(-1)?.holder?.name === 'lee');
    first.command('late', { kind: 'stop' });
    await first.until(() => first.of('answer').length === 1);
    expect(first.of('answer')[0]).toMatchObject({ ok: false, reason: 'no-control' });
    expect(first.of('event').map(({ kind }) => kind)).toEqual(['control-taken', 'control-taken']);
    expect(rig.commands).toEqual([]);
  });

  it('loses control when it is silent', async () => {
    rig = await startRig({ times: { leaseMs: 500 } });
    const client = await TestClient.join(rig, await token('operator', 'kim'));
    client.say({ type: 'control', action: 'take' });
    await client.until(() => client.of('control-lost').length === 1);
    expect(client.of('control-lost')[0]).toMatchObject({ reason: 'lapsed' });
    // The news for all follow the word to the one who lost it.
    await client.until(() => client.of('control').at(-1)?.holder === null);
  });
});

describe('a slow reader', () => {
  it('gets every event, and of poses only fresh ones', async () => {
    rig = await startRig({ rates: { poseHz: 100 } });
    const client = await TestClient.join(rig, await token('viewer'));
    client.socket.pause();
    for (let k = 0; k < 300; k++) {
      rig.gateway.event({ ...event(`e${k}`), text: 'x'.repeat(500) });
      rig.gateway.status(status(k));
      if (k % 30 === 0) await new Promise((resolve) => setTimeout(resolve, 12));
    }
    client.socket.resume();
    rig.gateway.status(status(1000));
    await client.until(
      () => client.seqs.length === 300 && client.of('status').at(-1)?.pose.position[0] === 1000,
    );
    expect(client.seqs).toEqual(Array.from({ length: 300 }, (_, k) => k + 1));
    expect(client.of('status').length).toBeLessThan(30);
  });
});

describe('the port', () => {
  it('says whether the robot is ready, and gives tiles to those with a token', async () => {
    rig = await startRig();
    const get = async (path: string, tokenText?: string) =>
      fetch(`${rig.url}${path}`, tokenText ? { headers: { authorization: `Bearer ${tokenText}` } } : {});
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(503);
    rig.gateway.status(status(1));
    expect((await get('/readyz')).status).toBe(200);
    expect(await (await get('/metrics')).text()).toContain('operator_clients');
    expect((await get('/v1/map')).status).toBe(401);
    const viewer = await token('viewer');
    expect(await (await get('/v1/map', viewer)).json()).toMatchObject({ mapId: 'street', tileSize: 20 });
    const tile = Buffer.from(await (await get('/v1/map/tiles/0_0', viewer)).arrayBuffer());
    expect([tile[0], tile.readUInt32LE(4)]).toEqual([2, 3000]);
    expect((await get('/v1/map/tiles/9_9', viewer)).status).toBe(404);
    expect((await get('/..%2f..%2fpackage.json')).status).toBe(404);
  });
});
