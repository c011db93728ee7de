import type { Vec3 } from '../types.ts';

/** Structure of plain arrays of one cloud; `positions` and `normals` are x y z per point. */
export interface CloudArrays {
  readonly positions: Float32Array;
  readonly intensity?: Float32Array;
  /** seconds from the cloud's stamp */
  readonly times?: Float32Array;
  readonly normals?: Float32Array;
  readonly curvature?: Float32Array;
}

export interface Cloud {
  readonly size: number;
  readonly hasTimes: boolean;
  /** first and last time of the points, seconds from the cloud's stamp; undefined without times */
  readonly timeRange: readonly [first: number, last: number] | undefined;
  readonly hasNormals: boolean;
  /** standard deviations of the points along their principal axes, m, the smallest first; zeros without points */
  readonly spread: Vec3;
  /** Copies of the arrays: for tests, tools and drawings, not for the hot path. */
  arrays(): CloudArrays;
  /**
   * Gives its memory back now, not when the collector finds it: for the large clouds of each scan, which would make it
   * search often. It has no points from then on. Calls that have it already go on with them.
   */
  release(): void;
}

/** What a cloud's points must keep to. */
export interface PointLimits {
  /** of the map frame, metres: the points are relative to it */
  readonly origin: Vec3;
  /** min x y z, max x y z in the map frame, metres */
  readonly box: readonly [number, number, number, number, number, number];
  /** metres that a point may lie outside the box */
  readonly boxTolerance: number;
  /** by which a normal's length may differ from 1 */
  readonly normalTolerance: number;
}

export type PointFault =
  /** `value`: its coordinate in the map frame, metres */
  | { readonly kind: 'outside-box'; readonly point: number; readonly axis: 0 | 1 | 2; readonly value: number }
  | { readonly kind: 'bad-normal'; readonly point: number; readonly length: number };

export interface DecodedCloud {
  readonly cloud: Cloud;
  /** points left out: not finite, and out of range */
  readonly notFinite: number;
  readonly outOfRange: number;
}

export interface DecodedScan extends DecodedCloud {
  /** where the times of the points come from: the driver, how the sensor turns, or nowhere */
  readonly times: 'driver' | 'turn' | 'none';
}
