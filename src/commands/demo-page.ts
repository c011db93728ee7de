import { generateKeyPairSync } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { OperatorGateway } from '../adapters/operator/gateway.ts';
import { readPage } from '../adapters/operator/page-files.ts';
import { signToken, TokenCheck } from '../adapters/operator/tokens.ts';
import { WatchedMap } from '../adapters/operator/watched-map.ts';
import { DOOR_ID } from '../adapters/sim/city/graph.ts';
import type { CloudArrays } from '../core.ts';
import type { CommandAnswer, HealthRow, RobotCommand, RobotStatus } from '../ports/robot.ts';
import { mappedScan } from '../robot/mapped-scan.ts';
import type { Stamp } from '../types.ts';
import { demoEvents, demoStatus } from './demo-status.ts';
import { mapFeatures } from './map-features.ts';
import type { SimNow, SimParts } from './sim-run.ts';

/** From here and from dist/commands the same folder. */
const PAGE = fileURLToPath(new URL('../../dist/operator-page', import.meta.url));
const TOKEN_MS = 12 * 3_600_000;
const SCAN_POINTS = 6000;

/** The operators' port of the simulated robot, and what operators have told it. */
export class DemoPage {
  readonly #gateway: OperatorGateway;
  readonly #parts: Pick<SimParts, 'route'>;
  #isHeld = false;
  #stamp: Stamp | undefined;
  #last: RobotStatus | undefined;

  private constructor(gateway: (page: DemoPage) => OperatorGateway, parts: Pick<SimParts, 'route'>) {
    this.#parts = parts;
    this.#gateway = gateway(this);
  }

  /**
   * On a free port of this machine; `address` opens the page with the right to command. `graph`: bytes of graph.geojson.
   */
  static async open(
    parts: Omit<SimParts, 'seed'>,
    graph: Uint8Array,
    say: (text: string) => void,
  ): Promise<{ page: DemoPage; address: string }> {
    const { index } = parts.map;
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const config = { ...parts.config.operator, host: '127.0.0.1', port: 0 };
    const keys = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const files = await readPage(PAGE);
    if (files.size === 0)
      say(`no operators' page in ${PAGE}: make it by npm run build; the demo goes on without`);
    const map = new WatchedMap({
      mapId: index.mapId,
      version: index.version,
      tileSize: index.tileSize,
      origin: index.origin,
      features: mapFeatures(graph, index.origin),
      points: (id) => tilePoints(parts, id),
    });
    const page = new DemoPage(
      (self) =>
        new OperatorGateway({
          config,
          tokens: new TokenCheck(keys, config.robot),
          control: { command: async (command) => self.#command(command) },
          clock: { nowMs: () => performance.now() },
          wallMs: () => Date.now(),
          random: Math.random,
          page: files,
          map,
          sensorNow: () => self.#stamp,
          onFailure: (what, error) => say(`operators' port: ${what}: ${String(error)}`),
        }),
      parts,
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

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Where the simulation is; told on once per result of the localisation. */
  show(stamp: Stamp, now: SimNow, health: readonly HealthRow[]): void {
    this.#stamp = stamp;
    if (!now.frame || now.frame === this.#last?.frame) return;
    const status = demoStatus(now.frame, now, this.#parts.route, { door: DOOR_ID }, health);
    this.#gateway.status(status);
    for (const event of demoEvents(this.#last, status)) this.#gateway.event(event);
    this.#last = status;
  }

  readonly scan: NonNullable<SimParts['onScan']> = (cloud, stamp, T_map_base) => {
    this.#gateway.scan(mappedScan(cloud, stamp, T_map_base, SCAN_POINTS));
  };

  close(): Promise<void> {
    return this.#gateway.close();
  }

  #command(command: RobotCommand): CommandAnswer {
    switch (command.kind) {
      case 'stop':
        this.#isHeld = true;
        this.#tell('stop', 'an operator stopped the robot');
        return { ok: true, text: 'the robot stands until it may resume' };
      case 'resume':
        this.#isHeld = false;
        this.#tell('resume', 'an operator lets the robot go on');
        return { ok: true, text: 'the robot goes on' };
      case 'mark-intervention':
        this.#tell('intervention', command.note);
        return { ok: true, text: 'marked' };
      default:
        return {
          ok: false,
          reason: 'not-in-demo',
          text: `${command.kind}: the simulated robot of the demo knows stop, resume and mark-intervention only`,
        };
    }
  }

  #tell(kind: string, text: string): void {
    this.#gateway.event({ stamp: this.#stamp ?? 0n, kind, severity: 'warning', text });
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
