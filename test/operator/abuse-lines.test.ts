import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { OperatorMetrics } from '../../src/adapters/operator/operator-metrics.ts';
import { Pipe } from '../../src/adapters/operator/pipe.ts';
import { event, type Rig, startRig, TestClient, token, until } from './fake-robot.ts';
import { expectUnharmed, gone, handshake, RoughClient, wsFrame } from './rough-client.ts';

let rig: Rig;
afterEach(() => rig.close());

/** WebSocket close codes (RFC 6455 §7.4.1). */
const [BAD_DATA, TOO_BIG] = [1007, 1009];
const TEXT = 1;
const [CONTINUATION, PONG] = [0, 10];

describe('a line that is abused is cut off', () => {
  it('for a frame of 100 MB, before it is read', async () => {
    rig = await startRig();
    const client = await TestClient.join(rig, await token('operator'));
    client.socket.send(Buffer.alloc(100_000_000, 32));
    await client.until(() => client.closed !== undefined);
    const rough = await RoughClient.upgraded(rig, await token('operator'));
    rough.socket.write(wsFrame(TEXT, Buffer.alloc(0), 2 ** 40));
    await until(() => rough.isClosed);
    expect(rough.heard.includes(closeCode(TOO_BIG))).toBe(true);
    await expectUnharmed(rig);
  });

  it.each([
    ['invalid UTF-8', wsFrame(TEXT, Buffer.from([0x7b, 0xc3, 0x28, 0x7d])), BAD_DATA],
    ['a UTF-16 surrogate in UTF-8', wsFrame(TEXT, Buffer.from([0xed, 0xa0, 0x80])), BAD_DATA],
    ['text that is no JSON', wsFrame(TEXT, Buffer.from('hello')), 4400],
    ['JSON that is no message', wsFrame(TEXT, Buffer.from('{"type":"reboot"}')), 4400],
    ['a command before the resume', wsFrame(TEXT, Buffer.from('{"type":"ping","t":1}')), 4400],
    ['a binary message', wsFrame(2, Buffer.from('{}')), 4400],
    ['an opcode that there is not', wsFrame(5, Buffer.from('{}')), 1002],
    ['a number too large for JSON', wsFrame(TEXT, Buffer.from('{"type":"resume","lastSeq":1e999}')), 4400],
    ['nested brackets', wsFrame(TEXT, Buffer.from('['.repeat(16_000))), 4400],
    ['a frame that is not masked', Buffer.from([0x81, 2, 0x7b, 0x7d]), 1002],
  ])('for %s', async (_what, bytes, code) => {
    rig = await startRig();
    const rough = await RoughClient.upgraded(rig, await token('operator'));
    rough.socket.write(bytes);
    await until(() => rough.heard.includes(closeCode(code)));
    rough.socket.destroy();
    await expectUnharmed(rig);
  });

  it('for one message in very many pieces', async () => {
    rig = await startRig();
    const rough = await RoughClient.upgraded(rig, await token('operator'));
    rough.socket.write(wsFrame(TEXT, Buffer.from('{'), 1, false));
    for (let k = 0; k < 1000; k++) rough.socket.write(wsFrame(CONTINUATION, Buffer.alloc(0), 0, false));
    await until(() => rough.isClosed);
    await expectUnharmed(rig);
  });

  it.each([
    ['messages', (client: TestClient) => client.say({ type: 'ping', t: 1 })],
    ['pings', (client: TestClient) => client.socket.ping()],
    ['pongs that nobody asked for', (client: TestClient) => client.socket.pong('x')],
  ])('for a flood of %s', async (_what, once) => {
    rig = await startRig({ limits: { messagesPerSecond: 10 } });
    const client = await TestClient.join(rig, await token('operator'));
    for (let k = 0; k < 200; k++) once(client);
    await client.until(() => client.closed !== undefined);
    expect(client.closed).toMatchObject({ code: 4429 });
    await expectUnharmed(rig);
  });

  it('for pings without reading what they are answered', () => {
    const { pipe, socket, said } = fakePipe();
    socket.emit('ping', Buffer.from('a'));
    expect(said).toEqual(['pong a']);
    socket.bufferedAmount = 16_385;
    socket.emit('ping', Buffer.from('b'));
    expect(said).toEqual(['pong a', 'close 4413']);
    expect(pipe.isOpen).toBe(false);
  });

  it('for not saying hello', async () => {
    rig = await startRig({ times: { helloMs: 150 } });
    const client = new TestClient(rig.url, await token('operator'));
    await client.until(() => client.closed !== undefined);
    expect(client.closed).toMatchObject({ code: 4408 });
    await expectUnharmed(rig);
  });

  it.each([
    ['dilly.operator.v1', true],
    ['foxglove.sdk.v1', false],
    ['foxglove.websocket.v1', false],
  ])('when it is half open: nobody answers, %s', async (protocol, greets) => {
    rig = await startRig({ times: { pingMs: 100, pongMs: 300 } });
    const client = new WebSocket(
      rig.url.replace('http', 'ws'),
      [protocol, `bearer.${await token('viewer')}`],
      {
        autoPong: false,
      },
    );
    let isClosed = false;
    client.on('close', () => (isClosed = true));
    client.on('open', () => greets && client.send('{"type":"resume"}'));
    await until(() => isClosed);
    const metrics = await (await fetch(`${rig.url}/metrics`)).text();
    expect(metrics).toContain('operator_ended_total{reason="no-pong"} 1');
    await expectUnharmed(rig);
  });

  it('when it answers pings and reads nothing else that was sent', async () => {
    rig = await startRig({ times: { pingMs: 100, pongMs: 300 }, limits: { inFlightBytes: 16_384 } });
    const rough = await RoughClient.upgraded(rig, await token('viewer'));
    rough.socket.write(wsFrame(TEXT, Buffer.from('{"type":"resume"}')));
    await until(() => rough.text.includes('reset'));
    rough.socket.pause();
    // Lies: pongs for bytes that were never asked about.
    const lies = setInterval(() => rough.socket.write(shortFrame(PONG, Buffer.from('999999999'))), 60);
    for (let k = 0; k < 100; k++) rig.gateway.event({ ...event('e'), text: 'x'.repeat(1000) });
    await until(() => rough.isClosed || rough.socket.destroyed);
    clearInterval(lies);
    await expectUnharmed(rig);
  });
});

describe('a slow loris is cut off', () => {
  it.each([
    ['in the headers of a request', () => 'GET /healthz HTTP/1.1\r\nHost: robot\r\n', 'x-a: b\r\n'],
    [
      'in a body that nobody asked for',
      () => 'POST / HTTP/1.1\r\nHost: robot\r\nContent-Length: 1000\r\n\r\n',
      'x',
    ],
    ['in a handshake', (text: string) => handshake(text).slice(0, -2), 'x-a: b\r\n'],
    ['before the first byte', () => '', ''],
  ])('%s', async (_where, begin, crumb) => {
    rig = await startRig({ times: { headersMs: 300 } });
    const text = await token('operator');
    const loris = Array.from({ length: 20 }, () => new RoughClient(rig));
    for (const { socket } of loris) if (begin(text) !== '') socket.write(begin(text));
    const drip = setInterval(() => {
      for (const { socket } of loris) if (crumb !== '' && socket.writable) socket.write(crumb);
    }, 50);
    await until(() => loris.every(({ isClosed }) => isClosed));
    clearInterval(drip);
    await expectUnharmed(rig);
  });

  it('in the middle of a frame', async () => {
    rig = await startRig({ times: { pingMs: 100, pongMs: 300, helloMs: 60_000 } });
    const rough = await RoughClient.upgraded(rig, await token('operator'));
    rough.socket.write(wsFrame(TEXT, Buffer.from('{'), 16_000));
    const drip = setInterval(() => rough.socket.write(' '), 50);
    await until(() => rough.isClosed);
    clearInterval(drip);
    await expectUnharmed(rig);
  });
});

describe('memory and handles', () => {
  it('are the same after very many clients of every kind as after a few', async () => {
    rig = await startRig({
      limits: { connectsPerMinute: 100_000, messagesPerSecond: 10_000 },
      retention: { events: 50 },
    });
    const text = await token('operator');
    const round = async (clients: number) => {
      for (let k = 0; k < clients; k++) {
        const client = await TestClient.join(rig, text);
        rig.gateway.event({ ...event('e'), text: 'x'.repeat(200) });
        client.say({ type: 'control', action: 'take' });
        client.command(String(k), { kind: 'stop' }, 1);
        if (k % 3 === 0) client.socket.terminate();
        else if (k % 3 === 1) client.socket.close();
        else client.socket.send(Buffer.from('junk'));
        await client.until(() => client.closed !== undefined);
      }
      await gone(rig);
      collect();
    };
    const handles = () => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length;
    const heap = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    await round(50);
    const before = { handles: handles(), heap: heap() };
    await round(150);
    expect(handles()).toBeLessThanOrEqual(before.handles + 4);
    // Clients that were kept would be 50 kB each, with their sockets and buffers.
    expect(heap() - before.heap).toBeLessThan(4e6);
    expect(rig.failures).toEqual([]);
  });
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** The payload of a close frame begins with its code. */
function closeCode(code: number): Buffer {
  return Buffer.from([code >> 8, code & 255]);
}

/** A control frame: at most 125 bytes (RFC 6455 §5.5). */
function shortFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

/** A pipe of 16 kB to a socket that notes what it is told. */
function fakePipe() {
  const said: string[] = [];
  const socket = Object.assign(new EventEmitter(), {
    OPEN: 1,
    CLOSED: 3,
    readyState: 1,
    bufferedAmount: 0,
    pong: (data: Buffer) => said.push(`pong ${data}`),
    terminate: () => {},
    close: (code: number) => {
      said.push(`close ${code}`);
      socket.readyState = 2;
    },
  });
  const pipe = new Pipe({
    socket: socket as unknown as WebSocket,
    line: new PassThrough(),
    clock: { nowMs: () => 0 },
    inFlightBytes: 16_384,
    metrics: new OperatorMetrics(),
    retryAfterMs: () => 1000,
    mayMessage: () => true,
    onRoom: () => {},
  });
  return { pipe, socket, said };
}
