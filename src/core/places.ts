import type { Pose } from '../types.ts';

/** How far off a prior may be: over the plane (at most 150 m) and in height, m, and in heading, rad. */
export interface PlaceArea {
  readonly reach: number;
  readonly turn: number;
  readonly rise: number;
}

/** A place of the map where a scan could have been taken. */
export interface Place {
  readonly T_map_base: Pose;
  /** shares, 0 … 1: of the scan's cells above the ground that the map has there, before the scan was aligned; */
  readonly coarse: number;
  /** of the points above the ground, how near they lie to points of the map; */
  readonly score: number;
  /** of all points, those on the map's surfels */
  readonly surfaces: number;
}

export interface Places {
  /** the best score first; each is the only one within about 2 m and 10° of where its search ended */
  readonly found: readonly Place[];
  /** squares of places that were divided */
  readonly nodes: number;
  /** false: too much looks alike, and the search was given up before all was looked at */
  readonly complete: boolean;
}
