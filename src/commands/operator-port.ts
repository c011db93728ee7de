import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { OperatorGateway } from '../adapters/operator/gateway.ts';
import type { GatewayParts } from '../adapters/operator/gateway-parts.ts';
import { InterventionStore } from '../adapters/operator/interventions.ts';
import type { OperatorConfig } from '../adapters/operator/operator-config.ts';
import { readPage } from '../adapters/operator/page-files.ts';
import { TokenCheck } from '../adapters/operator/tokens.ts';
import { WatchedMap } from '../adapters/operator/watched-map.ts';
import type { Core } from '../core.ts';
import type { MapIndex } from '../map/map-index.ts';
import type { MappedScan, RobotEvent, RobotStatus, RobotWatcher } from '../ports/robot.ts';
import { Refusal } from '../types.ts';
import type { OpenMap } from './open-map.ts';
import { watchedParts } from './watched-parts.ts';

/** From here and from dist/commands the same folder. */
const PAGE = fileURLToPath(new URL('../../dist/operator-page', import.meta.url));

export interface OperatorPortParts
  extends Pick<GatewayParts, 'control' | 'recording' | 'registries' | 'moreMetrics' | 'sensorNow'> {
  readonly core: Core;
  readonly config: OperatorConfig;
  /** JWKS or PEM of the public keys that sign tokens; default: those of `config.keysFile` */
  readonly keys?: string;
  /** `index` is another object after a new version was taken into use */
  readonly map?: { readonly index: () => MapIndex; readonly source: OpenMap['source'] } | undefined;
  /** problems, for the log */
  readonly say: (text: string) => void;
}

/** The operators' port of one robot, whose watcher it is: opened by configuration, with the map that the robot drives by. */
export class OperatorPort implements RobotWatcher {
  readonly address: string;
  readonly #parts: OperatorPortParts;
  readonly #gateway: OperatorGateway;
  readonly #map: WatchedMap | undefined;
  #index: MapIndex | undefined;

  private constructor(
    parts: OperatorPortParts,
    gateway: OperatorGateway,
    map: WatchedMap | undefined,
    address: string,
  ) {
    this.#parts = parts;
    this.#gateway = gateway;
    this.#map = map;
    this.#index = parts.map?.index();
    this.address = address;
  }

  /** Rejects with a Refusal `bad-config` or `port-in-use`. */
  static async open(parts: OperatorPortParts): Promise<OperatorPort> {
    const { core, config, say, map: robotMap, keys, ...others } = parts;
    const tokens = new TokenCheck(keys ?? (await readKeys(config.keysFile)), config.robot);
    const page = await readPage(PAGE);
    if (page.size === 0) say(`no operators' page in ${PAGE}: make it by npm run build; it goes on without`);
    const map = robotMap && new WatchedMap(await watchedParts(core, robotMap.index(), robotMap.source));
    const gateway = new OperatorGateway({
      ...others,
      config,
      tokens,
      page,
      map,
      clock: { nowMs: () => performance.now() },
      wallMs: () => Date.now(),
      random: Math.random,
      interventions: config.interventions ? await InterventionStore.open(config.interventions) : undefined,
      onFailure: (what, error) => say(`operators' port: ${what}: ${String(error)}`),
    });
    return new OperatorPort(parts, gateway, map, await listen(gateway, config));
  }

  /** Whether anybody looks at it. */
  get isWatched(): boolean {
    return this.#gateway.isWatched;
  }

  status(status: RobotStatus): void {
    this.#follow();
    this.#gateway.status(status);
  }
  scan(scan: MappedScan): void {
    this.#gateway.scan(scan);
  }
  event(event: RobotEvent): void {
    this.#gateway.event(event);
  }

  close(): Promise<void> {
    return this.#gateway.close();
  }

  /** A new version of the map is shown as soon as the robot drives by it. */
  #follow(): void {
    const { core, map, say } = this.#parts;
    const index = map?.index();
    if (!map || !index || index === this.#index) return;
    this.#index = index;
    watchedParts(core, index, map.source).then(
      (parts) => {
        if (this.#index === index) this.#map!.change(parts);
      },
      (error: unknown) => say(`operators' port: map version ${index.version}: ${String(error)}`),
    );
  }
}

async function readKeys(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Refusal(
      'bad-config',
      `operator.keysFile: expected a readable file, found ${path || 'none'} (${(error as Error).message}); dilly-nav operator keygen makes one`,
    );
  }
}

async function listen(gateway: OperatorGateway, { host, port }: OperatorConfig): Promise<string> {
  try {
    return await gateway.listen();
  } catch (error) {
    await gateway.close();
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Refusal(
      'port-in-use',
      `operator.port: expected a free port at ${host}:${port}, found ${code ?? message}; set operator.host and operator.port`,
    );
  }
}
