import { afterEach, describe, expect, it } from 'vitest';
import { type Rig, startRig, TestClient, token, until } from './fake-robot.ts';
import { expectUnharmed } from './rough-client.ts';

let rig: Rig;
afterEach(() => rig.close());

async function withControl(subject = 'kim'): Promise<TestClient> {
  const client = await TestClient.join(rig, await token('operator', subject));
  client.say({ type: 'control', action: 'take' });
  await client.until(() => client.of('control').at(-1)?.holder?.name === subject);
  return client;
}

const answers = (client: TestClient) => client.of('answer').map(({ id, ok, reason }) => [id, ok, reason]);

describe('a command', () => {
  it('that comes late, or is valid for very long, is refused and not carried out', async () => {
    rig = await startRig();
    const client = await withControl();
    client.command('late', { kind: 'resume' }, -1);
    client.command('far', { kind: 'resume' }, 3_600_000);
    client.command('good', { kind: 'stop' });
    await client.until(() => client.of('answer').length === 3);
    expect(answers(client)).toEqual([
      ['late', false, 'late'],
      ['far', false, 'expires-too-far'],
      ['good', true, undefined],
    ]);
    client.socket.terminate();
    await expectUnharmed(rig, 1);
  });

  it('that is sent again is carried out once, from whatever line, and after it has expired it is late', async () => {
    let later = 0;
    rig = await startRig({}, { wallMs: () => Date.now() + later });
    const first = await withControl();
    const message = { type: 'command', id: 'x', expires: Date.now() + 5000, command: { kind: 'resume' } };
    for (let k = 0; k < 5; k++) first.say(message);
    await first.until(() => first.of('answer').length === 1);
    const second = await TestClient.join(rig, await token('operator', 'kim'));
    second.say(message);
    await second.until(() => second.of('answer').length === 1);
    expect(answers(second)).toEqual([['x', true, undefined]]);
    second.say({ ...message, command: { kind: 'stop' } });
    await second.until(() => second.of('answer').length === 2);
    expect(answers(second)[1]).toEqual(['x', false, 'id-used-before']);
    // The robot forgets a command when it has expired: from then on its time alone keeps it out.
    later = 60_000;
    second.say({ type: 'control', action: 'take' });
    await new Promise((resolve) => setTimeout(resolve, 600));
    second.say(message);
    await second.until(() => second.of('answer').length === 3);
    expect(answers(second)[2]).toEqual(['x', false, 'late']);
    expect(first.of('answer')).toHaveLength(1);
    for (const client of [first, second]) client.socket.terminate();
    later = 0;
    await expectUnharmed(rig, 1);
  });

  it('of another person that was listened to does nothing for whoever repeats it', async () => {
    rig = await startRig();
    const kim = await withControl();
    const message = { type: 'command', id: 'x', expires: Date.now() + 5000, command: { kind: 'resume' } };
    kim.say(message);
    await kim.until(() => kim.of('answer').length === 1);
    const eve = await TestClient.join(rig, await token('operator', 'eve'));
    eve.say(message);
    await eve.until(() => eve.of('answer').length === 1);
    expect(answers(eve)).toEqual([['x', false, 'no-control']]);
    for (const client of [kim, eve]) client.socket.terminate();
    await expectUnharmed(rig, 1);
  });

  it.each([
    { kind: 'reboot' },
    { kind: 'stop', force: true },
    { kind: 'relocalise', x: 1e300, y: 0 },
    { kind: 'relocalise', x: null, y: 0 },
    { kind: 'mark-intervention', note: 'x'.repeat(2001) },
    { kind: 'go-to', lat: 91, lon: 0 },
    null,
  ])('that there is not ends the line: %j', async (command) => {
    rig = await startRig();
    const client = await withControl();
    client.say({ type: 'command', id: 'x', expires: Date.now() + 5000, command });
    await client.until(() => client.closed !== undefined);
    expect(client.closed!.code).toBe(4400);
    expect(rig.commands).toEqual([]);
    expect(rig.failures).toEqual([]);
  });

  it('whose robot fails or never answers leaves the others as they were', async () => {
    rig = await startRig({}, {}, ({ kind }) =>
      kind === 'stop' ? Promise.reject(new Error('boom')) : new Promise(() => {}),
    );
    const client = await withControl();
    client.command('never', { kind: 'resume' });
    client.command('fails', { kind: 'stop' });
    await client.until(() => client.of('answer').length === 1);
    expect(answers(client)).toEqual([['fails', false, 'internal']]);
    client.socket.terminate();
    await expectUnharmed(rig, 2);
  });
});

describe('a session', () => {
  it('is not handed to another person who knows its name, and to its own person on another line it is', async () => {
    rig = await startRig();
    const kim = await withControl();
    const { session, epoch } = kim.frames[0]!;
    const eve = await TestClient.join(rig, await token('operator', 'eve'), { epoch, lastSeq: 0, session });
    eve.command('a', { kind: 'stop' });
    await eve.until(() => eve.of('answer').length === 1);
    expect(answers(eve)).toEqual([['a', false, 'no-control']]);
    expect(kim.closed).toBeUndefined();
    const again = await TestClient.join(rig, await token('operator', 'kim'), { epoch, lastSeq: 0, session });
    await until(() => kim.closed !== undefined);
    expect(kim.closed!.code).toBe(4409);
    again.command('b', { kind: 'stop' });
    await again.until(() => again.of('answer').length === 1);
    expect(answers(again)).toEqual([['b', true, undefined]]);
    for (const client of [eve, again]) client.socket.terminate();
    await expectUnharmed(rig, 1);
  });
});

describe('the window of events', () => {
  it('is bounded by time too: what is older is said to be gone', async () => {
    let nowMs = 0;
    rig = await startRig(
      { retention: { seconds: 60 } },
      { clock: { nowMs: () => performance.now() + nowMs } },
    );
    const event = (text: string) => rig.gateway.event({ stamp: 0n, kind: 'e', severity: 'info', text });
    for (let k = 0; k < 3; k++) event(`old ${k}`);
    const before = await TestClient.join(rig, await token('viewer'));
    await before.until(() => before.seqs.length === 3);
    const { epoch } = before.frames[0]!;
    before.socket.terminate();
    nowMs = 61_000;
    event('new');
    const late = await TestClient.join(rig, await token('viewer'), { epoch, lastSeq: 2 });
    await late.until(() => late.seqs.length === 1);
    expect(late.of('reset')).toMatchObject([{ reason: 'window-gone', seq: 3 }]);
    expect(late.of('event')).toMatchObject([{ seq: 4, text: 'new' }]);
    const timely = await TestClient.join(rig, await token('viewer'), { epoch, lastSeq: 3 });
    await timely.until(() => timely.seqs.length === 1);
    expect(timely.of('resumed')).toHaveLength(1);
    expect(timely.of('reset')).toEqual([]);
    for (const client of [late, timely]) client.socket.terminate();
    await expectUnharmed(rig);
  });
});
