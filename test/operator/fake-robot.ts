import { generateKeyPairSync } from 'node:crypto';
import WebSocket from 'ws';
import { OperatorGateway } from '../../src/adapters/operator/gateway.ts';
import type { GatewayParts } from '../../src/adapters/operator/gateway-parts.ts';
import { operatorConfig } from '../../src/adapters/operator/operator-config.ts';
import { signToken, TokenCheck } from '../../src/adapters/operator/tokens.ts';
import { WatchedMap } from '../../src/adapters/operator/watched-map.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import type { CommandAnswer, RobotCommand, RobotStatus } from '../../src/ports/robot.ts';

const pair = generateKeyPairSync('ed25519');
export const PRIVATE = pair.privateKey.export({ format: 'jwk' }) as Record<string, unknown>;
const PUBLIC = pair.publicKey.export({ format: 'pem', type: 'spki' }) as string;
export const DILLY = 'dilly.operator.v1';

/** A token of this robot's key, valid for an hour unless said otherwise. */
export function token(role: string, subject = role, validMs = 3_600_000, robot = 'robot'): Promise<string> {
  return signToken(PRIVATE, { subject, role, robot, expiresMs: Date.now() + validMs });
}

export interface Rig {
  readonly gateway: OperatorGateway;
  readonly url: string;
  /** what the robot was asked */
  readonly commands: RobotCommand[];
  readonly failures: unknown[];
  close(): Promise<void>;
}

const TILE = Float32Array.from({ length: 9000 }, (_, k) => (k % 3 === 2 ? (k % 7) / 2 : (k * 7.31) % 20));

/** A gateway on a free port, whose robot does what it is told. */
export async function startRig(
  config: Record<string, unknown> = {},
  more: Partial<GatewayParts> = {},
  answer: (command: RobotCommand) => Promise<CommandAnswer> = async () => ({ ok: true, text: 'done' }),
): Promise<Rig> {
  const commands: RobotCommand[] = [];
  const failures: unknown[] = [];
  const parsed = operatorConfig.parse({ port: 0, ...config });
  const gateway = new OperatorGateway({
    config: parsed,
    tokens: new TokenCheck(PUBLIC, parsed.robot),
    control: {
      command: (command) => {
        commands.push(command);
        return answer(command);
      },
    },
    clock: { nowMs: () => performance.now() },
    wallMs: () => Date.now(),
    random: () => 0.5,
    page: new Map(),
    map: new WatchedMap({
      mapId: 'street',
      version: 3,
      origin: { lat: 37.49794, lon: 127.02762, ellipsoidalHeight: 45.2 },
      tileSize: 20,
      features: [
        {
          kind: 'virtual_wall',
          id: 'w1',
          type: 'no_go',
          line: [
            [5, 4],
            [25, 4],
          ],
        },
        { kind: 'signal', id: 's1', line: [[20, 2]] },
        { kind: 'door', id: 'd1', line: [[35, 6]] },
      ],
      points: async (id) => (/^[01]_-?[01]$/.test(id) ? { origin: [0, 0, 0], positions: TILE } : undefined),
    }),
    onFailure: (_what, error) => failures.push(error),
    ...more,
  });
  const url = await gateway.listen();
  return { gateway, url, commands, failures, close: () => gateway.close() };
}

/** The robot's status when it has driven `x` metres. */
export function status(x: number, more: Partial<RobotStatus> = {}): RobotStatus {
  const covariance = new Float64Array(36);
  for (const k of [0, 7, 14, 35]) covariance[k] = 0.04;
  return {
    frame: {
      stamp: 1_767_571_200_000_000_000n + BigInt(Math.round(x * 1e9)),
      frame: Math.round(x),
      state: 'TRACKING',
      pose: { position: [x, 0, 0], orientation: quatFromRpy(0, 0, 0) },
      covariance,
      protectionLevel: 0.8,
      stages: { register: 3 },
    },
    advice: { motion: 'drive', speedLimit: 1.2, reason: 'free' },
    fix: { position: [x + 1, 0.5, 0], sigma: 2, stamp: 1_767_571_200_000_000_000n },
    crossings: [],
    buildings: [],
    tiles: ['0_0', '1_0'],
    health: [{ name: 'map-service', state: 'ok', text: 'version 3' }],
    ...more,
  };
}

export function event(kind: string, text = kind) {
  return { stamp: 1_767_571_200_000_000_000n, kind, severity: 'info', text } as const;
}

// biome-ignore lint/suspicious/noExplicitAny: frames are looked at field by field
type Frame = Record<string, any>;

/** A client that remembers all it was told. */
export class TestClient {
  readonly frames: Frame[] = [];
  readonly clouds: Buffer[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;
  /** HTTP status of a refused handshake */
  refused: number | undefined;

  constructor(url: string, tokenText?: string, options: WebSocket.ClientOptions = {}) {
    const protocols = tokenText === undefined ? [DILLY] : [DILLY, `bearer.${tokenText}`];
    this.socket = new WebSocket(url.replace('http', 'ws'), protocols, options);
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.clouds.push(data);
      else this.frames.push(JSON.parse(data.toString()));
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    this.socket.on('unexpected-response', (_request, response) => {
      this.refused = response.statusCode;
      response.resume();
    });
    this.socket.on('error', () => {});
  }

  /** Connects and says `resume`. */
  static async join(rig: Rig, tokenText: string, resume: object = {}): Promise<TestClient> {
    const client = new TestClient(rig.url, tokenText);
    await client.until(() => client.of('welcome').length > 0);
    client.say({ type: 'resume', ...resume });
    await client.until(() => client.frames.some(({ type }) => type === 'resumed' || type === 'reset'));
    return client;
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  of(type: string): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  get seqs(): number[] {
    return this.of('event').map(({ seq }) => seq);
  }

  command(id: string, command: object, validMs = 5000): void {
    this.say({ type: 'command', id, expires: Date.now() + validMs, command });
  }

  until(condition: () => boolean): Promise<void> {
    return until(condition);
  }
}

export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
