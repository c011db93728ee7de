import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import WebSocket from 'ws';
import { type Rig, TestClient, token, until } from './fake-robot.ts';

/** A TCP connection that says what no client would. */
export class RoughClient {
  readonly socket: Socket;
  /** all that came back */
  heard = Buffer.alloc(0);
  isClosed = false;

  constructor(rig: Rig, localAddress = '127.0.0.1') {
    this.socket = connect({ port: Number(new URL(rig.url).port), host: '127.0.0.1', localAddress });
    this.socket.on('data', (data) => (this.heard = Buffer.concat([this.heard, data])));
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.isClosed = true));
  }

  /** Through the handshake of a WebSocket; what follows is up to the caller. */
  static async upgraded(rig: Rig, tokenText: string): Promise<RoughClient> {
    const client = new RoughClient(rig);
    client.socket.write(handshake(tokenText));
    await until(() => client.text.includes('101 Switching Protocols'));
    return client;
  }

  get text(): string {
    return this.heard.toString('latin1');
  }
}

export function handshake(tokenText: string): string {
  return [
    'GET / HTTP/1.1',
    'Host: robot',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: dilly.operator.v1, bearer.${tokenText}`,
    '\r\n',
  ].join('\r\n');
}

/** A frame of RFC 6455 §5.2, masked with zeros; `claimed` bytes are announced, `payload` is sent. */
export function wsFrame(opcode: number, payload: Buffer, claimed = payload.length, isLast = true): Buffer {
  const head = Buffer.alloc(14);
  head[0] = (isLast ? 0x80 : 0) | opcode;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(claimed), 2);
  return Buffer.concat([head, payload]);
}

/** After an attack: the port answers, a person can work, nothing failed inside, and no line is left. */
export async function expectUnharmed(rig: Rig, commands = 0): Promise<void> {
  expect((await fetch(`${rig.url}/healthz`)).status).toBe(200);
  const good = await TestClient.join(rig, await token('operator', 'good'));
  good.say({ type: 'ping', t: 1 });
  await good.until(() => good.of('pong').length === 1);
  good.socket.terminate();
  await gone(rig);
  expect(rig.failures).toEqual([]);
  expect(rig.commands).toHaveLength(commands);
}

/** Waits until nobody is connected any more but whoever asks. */
export async function gone(rig: Rig): Promise<void> {
  const end = performance.now() + 15_000;
  for (;;) {
    const response = await fetch(`${rig.url}/metrics`, { headers: { connection: 'close' } });
    const text = await response.text();
    const sum = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\d+)$`, 'gm'))].reduce(
        (a, m) => a + Number(m[1]),
        0,
      );
    // One socket is this request's own; fetch may keep another one open.
    if (sum('operator_clients') === 0 && sum('operator_sockets') <= 3) return;
    if (performance.now() > end)
      throw new Error(`left: ${sum('operator_clients')} clients, ${sum('operator_sockets')} sockets`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** HTTP status of a handshake: 101 where it lets us in. */
export async function handshakeStatus(
  rig: Rig,
  tokenText?: string,
  options: WebSocket.ClientOptions = {},
): Promise<number> {
  const client = new TestClient(rig.url, tokenText, options);
  await client.until(
    () =>
      client.refused !== undefined ||
      client.socket.readyState === WebSocket.OPEN ||
      client.closed !== undefined,
  );
  const isOpen = client.socket.readyState === WebSocket.OPEN;
  client.socket.terminate();
  return client.refused ?? (isOpen ? 101 : 0);
}
