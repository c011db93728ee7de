import type { AlignOptions } from '../core.ts';
import type { PortableCloud } from './cloud.ts';
import type { TileSet } from './tile-set.ts';

/** What is aligned to what. */
export interface Problem {
  readonly map: TileSet;
  readonly cloud: PortableCloud;
  readonly options: AlignOptions;
  readonly signal: AbortSignal | undefined;
}
