import type { Core } from '../core.ts';
import type { MapIndex } from './map-index.ts';
import type { IndexUse } from './tile-index.ts';
import type { TileFiles } from './tile-loader.ts';
import type { PlanLimits } from './tile-plan.ts';

export interface SupplyParts {
  readonly core: Core;
  readonly index: MapIndex;
  readonly files: TileFiles;
  readonly limits: PlanLimits;
  /** true: `moveTo` resolves when what is planned is there, so that a replay is the same each time; false: at once */
  readonly wait: boolean;
  /** tiles that are read, checked and built at once; each takes a thread */
  readonly loadAtOnce: number;
  /** in a drive, once all tiles were there: further ones come one by one, each after such a rest, beside the scans */
  readonly rest?: () => Promise<void>;
  readonly onRefused: (reason: string, detail: string) => void;
  /** a version is in use from now on */
  readonly onVersion?: (index: MapIndex) => void;
  /** the service spoke of a newer version than the one in use */
  readonly onNewer?: (version: number) => void;
}

/** For operators. */
export interface SupplyStatus {
  readonly mapId: string;
  readonly version: number;
  readonly isSigned: boolean;
  /** a newer version that is being fetched beside it */
  readonly staged?: number;
  readonly onRoute: boolean;
  readonly held: number;
  /** of the tiles wanted now */
  readonly missing: number;
  /** tiles of this version that are damaged and not used */
  readonly damaged: number;
  readonly memoryBytes: number;
  /** tiles by how they became searchable: `read` from an index, built because there was `none`, or why it was refused */
  readonly indices: Readonly<Record<IndexUse, number>>;
  /** why something is missing or waits: `memory-budget`, or the last refusal */
  readonly reason?: string;
}
