import { generateKeyPairSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { OperatorGateway } from '../adapters/operator/gateway.ts';
import { readPage } from '../adapters/operator/page-files.ts';
import { signToken, TokenCheck } from '../adapters/operator/tokens.ts';
import { WatchedMap } from '../adapters/operator/watched-map.ts';
import type { CloudArrays } from '../core.ts';
import type { RobotControl, RobotWatcher } from '../ports/robot.ts';
import type { Stamp } from '../types.ts';
import type { DemoRecording } from './demo-recording.ts';
import { mapFeatures } from './map-features.ts';
import type { SimParts } from './sim-run.ts';

/** A robot that may be watched and commanded. */
type ShownRobot = RobotControl & { watch(watcher: RobotWatcher): unknown };

/** From here and from dist/commands the same folder. */
const PAGE = fileURLToPath(new URL('../../dist/operator-page', import.meta.url));
const TOKEN_MS = 12 * 3_600_000;

/** The operators' port of the simulated robot. */
export class DemoPage {
  readonly #gateway: OperatorGateway;
  #robot: ShownRobot | undefined;
  /** what the sensors' clock shows */
  stamp: Stamp | undefined;

  private constructor(gateway: (page: DemoPage) => OperatorGateway) {
    this.#gateway = gateway(this);
  }

  /**
   * On a free port of this machine; `address` opens the page with the right to command. `graph`: bytes of graph.geojson.
   */
  static async open(
    parts: Pick<SimParts, 'core' | 'config' | 'map'>,
    graph: Uint8Array | undefined,
    say: (text: string) => void,
    recording?: Pick<DemoRecording, 'folder' | 'registry'>,
  ): Promise<{ page: DemoPage; address: string }> {
    const { index } = parts.map;
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const config = { ...parts.config.operator, host: '127.0.0.1', port: 0 };
    const keys = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const files = await readPage(PAGE);
    if (files.size === 0) say(`no operators' page in ${PAGE}: make it by npm run build; it goes on without`);
    const map = new WatchedMap({
      mapId: index.mapId,
      version: index.version,
      tileSize: index.tileSize,
      origin: index.origin,
      features: graph ? mapFeatures(graph, index.origin) : [],
      points: (id) => tilePoints(parts, id),
    });
    const page = new DemoPage(
      (self) =>
        new OperatorGateway({
          config,
          tokens: new TokenCheck(keys, config.robot),
          control: { command: (command) => self.#command(command) },
          clock: { nowMs: () => performance.now() },
          wallMs: () => Date.now(),
          random: Math.random,
          page: files,
          map,
          sensorNow: () => self.stamp,
          ...(recording && { recording: () => recording.folder, registries: [recording.registry] }),
          onFailure: (what, error) => say(`operators' port: ${what}: ${String(error)}`),
        }),
    );
    const url = await page.#gateway.listen();
    const claims = {
      subject: 'demo',
      role: 'operator',
      robot: config.robot,
      expiresMs: Date.now() + TOKEN_MS,
    };
    const token = await signToken(privateKey.export({ format: 'jwk' }) as Record<string, unknown>, claims);
    return { page, address: `${url}/#token=${token}` };
  }

  /** From now on operators see this robot and command it. */
  show(robot: ShownRobot): void {
    this.#robot = robot;
    robot.watch(this.#gateway);
  }

  /** Whether anybody looks at it. */
  get isOpened(): boolean {
    return this.#gateway.isWatched;
  }

  close(): Promise<void> {
    return this.#gateway.close();
  }

  async #command(...[command]: Parameters<RobotControl['command']>) {
    if (this.#robot) return this.#robot.command(command);
    return { ok: false as const, reason: 'not-ready', text: 'the robot has not begun yet' };
  }
}

/** The points of a tile, checked against the manifest; undefined where the map has none. Rejects with a Refusal. */
async function tilePoints({ core, map: { index, source } }: Pick<SimParts, 'core' | 'map'>, id: string) {
  const file = index.file(id);
  if (!file) return undefined;
  let points: CloudArrays | undefined;
  await index.build(core, id, await source.read(file.path, file), (cloud, origin) => {
    points = cloud.arrays();
    return core.tile(cloud, origin);
  });
  return (
    points && { origin: index.pointsOrigin(id), positions: points.positions, intensity: points.intensity }
  );
}
