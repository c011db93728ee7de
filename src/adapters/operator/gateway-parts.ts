import type { Registry } from 'prom-client';
import type { RobotControl } from '../../ports/robot.ts';
import type { Clock } from '../../ports.ts';
import type { Stamp } from '../../types.ts';
import type { InterventionStore } from './interventions.ts';
import type { OperatorConfig } from './operator-config.ts';
import type { PageFile } from './page-files.ts';
import type { TokenCheck } from './tokens.ts';
import type { WatchedMap } from './watched-map.ts';

export interface GatewayParts {
  readonly config: OperatorConfig;
  readonly tokens: TokenCheck;
  readonly control: RobotControl;
  readonly clock: Clock;
  /** ms since the Unix epoch */
  readonly wallMs: () => number;
  /** in [0, 1), for pauses only */
  readonly random: () => number;
  /** `/` and the files of the page; empty: there is no page */
  readonly page: ReadonlyMap<string, PageFile>;
  readonly map?: WatchedMap | undefined;
  readonly interventions?: InterventionStore | undefined;
  /** the file that is being recorded now */
  readonly recording?: (() => string | undefined) | undefined;
  /** more for `/metrics`: of the recorder */
  readonly registries?: readonly Registry[] | undefined;
  /** more for `/metrics`, in the text format of Prometheus: of vendors */
  readonly moreMetrics?: (() => Promise<string>) | undefined;
  /** what the sensors' clock shows now, for latencies */
  readonly sensorNow?: (() => Stamp | undefined) | undefined;
  /** failures of our own */
  readonly onFailure: (what: string, error: unknown) => void;
}
