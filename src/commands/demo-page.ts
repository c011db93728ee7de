import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { signToken } from '../adapters/operator/tokens.ts';
import type { RobotControl, RobotWatcher } from '../ports/robot.ts';
import type { Stamp } from '../types.ts';
import type { DemoRecording } from './demo-recording.ts';
import type { ItsParts } from './open-signals.ts';
import { OperatorPort } from './operator-port.ts';
import type { SimParts } from './sim-run.ts';

/** A robot that may be watched and commanded. */
type ShownRobot = RobotControl & { watch(watcher: RobotWatcher): unknown };

interface Shown {
  robot?: ShownRobot;
  stamp?: Stamp;
}

const TOKEN_MS = 12 * 3_600_000;

/** The operators' port of a robot that this machine plays: on a free port, with a key that is made for it. */
export class DemoPage {
  /** opens the page with the right to command */
  readonly address: string;
  readonly #port: OperatorPort;
  readonly #shown: Shown;

  private constructor(port: OperatorPort, shown: Shown, address: string) {
    this.#port = port;
    this.#shown = shown;
    this.address = address;
  }

  /** Interventions go to `operator.interventions`, or beside the recording. Rejects with a Refusal. */
  static async open(
    { core, config: { operator }, map }: Pick<SimParts, 'core' | 'config' | 'map'>,
    say: (text: string) => void,
    recording?: Pick<DemoRecording, 'folder' | 'registry' | 'parent'>,
    its?: Pick<ItsParts, 'metrics'>,
  ): Promise<DemoPage> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const interventions =
      operator.interventions || (recording ? join(recording.parent, 'interventions') : '');
    const shown: Shown = {};
    const port = await OperatorPort.open({
      core,
      config: { ...operator, host: '127.0.0.1', port: 0, interventions },
      keys: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      map: { index: () => map.index, source: map.source },
      control: {
        command: async (command) =>
          shown.robot?.command(command) ?? {
            ok: false,
            reason: 'not-ready',
            text: 'the robot has not begun yet',
          },
      },
      sensorNow: () => shown.stamp,
      ...(recording && { recording: () => recording.folder, registries: [recording.registry] }),
      ...(its && { moreMetrics: () => its.metrics() }),
      say,
    });
    const claims = {
      subject: 'demo',
      role: 'operator',
      robot: operator.robot,
      expiresMs: Date.now() + TOKEN_MS,
    };
    const token = await signToken(privateKey.export({ format: 'jwk' }) as Record<string, unknown>, claims);
    return new DemoPage(port, shown, `${port.address}/#token=${token}`);
  }

  /** From now on operators see this robot and command it. */
  show(robot: ShownRobot): void {
    this.#shown.robot = robot;
    robot.watch(this.#port);
  }

  /** What the sensors' clock shows now. */
  set stamp(stamp: Stamp) {
    this.#shown.stamp = stamp;
  }

  /** Whether anybody looks at it. */
  get isOpened(): boolean {
    return this.#port.isWatched;
  }

  close(): Promise<void> {
    return this.#port.close();
  }
}
