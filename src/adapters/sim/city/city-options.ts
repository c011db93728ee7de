import type { Core } from '../../../core.ts';
import type { SignalPhase } from '../../../types.ts';
import type { CityLidar } from './lidar-models.ts';
import type { CitySolid } from './solid.ts';

export interface CityOptions {
  readonly core: Core;
  /** of sensors, traffic and everything that is not in the map: integer in [0, 2³²) */
  readonly seed: number;
  /** of the block itself; the demo map is of block 1 */
  readonly city?: number;
  /** in its place: whatever a test wants to stand on the block's ground */
  readonly solids?: readonly CitySolid[];
  readonly lidar?: CityLidar;
  /** mm/h; 30 is heavy rain */
  readonly rain?: number;
  /** stands still and is not in the map: parked trucks, hoardings */
  readonly extras?: readonly CitySolid[];
  /** an empty street, fixes without error: how a map is surveyed */
  readonly survey?: boolean;
  /** what the light for people on foot shows at `seconds` of the drive */
  readonly light: (seconds: number) => SignalPhase;
  /** [u, v, yaw] of the city's axes */
  readonly start?: readonly [number, number, number];
}

/** What is broken on purpose; may be changed at any time of a drive. */
export interface CityFaults {
  lidarSilent: boolean;
  imuSilent: boolean;
  gnssSilent: boolean;
  /** added to each fix, m east and north */
  gnssOffset: readonly [number, number];
}

/** What the camera makes of the crossing's light. */
export type CameraSight =
  | { readonly kind: 'sees'; readonly phase: SignalPhase }
  | { readonly kind: 'occluded'; readonly by: string }
  | { readonly kind: 'none' };
