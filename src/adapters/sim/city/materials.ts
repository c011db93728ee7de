/** What a surface is to the sensors. */
export interface Material {
  readonly name: string;
  /** share of the light that comes back at right angles, 0 … 1; a LiDAR's intensity is 255 times it */
  readonly reflectance: number;
  /** share of the rays that are lost on it though it is near: glass lets them through, wet paint mirrors them away */
  readonly lost: number;
  /** what the wheels find on it: vibration in m/s² (1 sigma) at 1 m/s, and slip as share of the way (1 sigma) */
  readonly vibration: number;
  readonly slip: number;
}

/** Estimates, of the order that tables for LiDARs at 905 nm give (asphalt 0.1–0.2, concrete 0.3–0.5, leaves 0.5). */
export const MATERIALS = {
  asphalt: { name: 'asphalt', reflectance: 0.15, lost: 0.02, vibration: 0.12, slip: 0.005 },
  paving: { name: 'paving', reflectance: 0.35, lost: 0.01, vibration: 0.25, slip: 0.008 },
  brick: { name: 'brick', reflectance: 0.3, lost: 0.01, vibration: 0.9, slip: 0.02 },
  stone: { name: 'stone', reflectance: 0.45, lost: 0.005, vibration: 0.1, slip: 0.004 },
  glass: { name: 'glass', reflectance: 0.1, lost: 0.5, vibration: 0, slip: 0 },
  metal: { name: 'metal', reflectance: 0.6, lost: 0.05, vibration: 0, slip: 0 },
  paint: { name: 'paint', reflectance: 0.5, lost: 0.05, vibration: 0, slip: 0 },
  bark: { name: 'bark', reflectance: 0.3, lost: 0.02, vibration: 0, slip: 0 },
  leaves: { name: 'leaves', reflectance: 0.5, lost: 0.15, vibration: 0, slip: 0 },
  cloth: { name: 'cloth', reflectance: 0.4, lost: 0.02, vibration: 0, slip: 0 },
} as const satisfies Record<string, Material>;
export type MaterialName = keyof typeof MATERIALS;
