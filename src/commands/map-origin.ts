import { enuFrame, type Geodetic } from '../math/geodesy.ts';
import { median } from '../math/statistics.ts';
import type { GnssFix, Pose, Vec3 } from '../types.ts';

/** Where a map's zero lies on the Earth, from the fixes and the poses of the drive that it is made of. */
export class OriginFromFixes {
  readonly #pairs: { readonly fix: GnssFix; readonly place: Vec3 }[] = [];

  /** A fix and T_map_base at its time; without a pose it tells nothing. */
  add(fix: GnssFix, T_map_base: Pose | undefined): void {
    if (T_map_base && fix.status >= 0) this.#pairs.push({ fix, place: T_map_base.position });
  }

  /**
   * The median of what each fix says, so a few wrong ones do no harm; undefined without any. The antenna is taken to be
   * at the base: less than what a fix is off by.
   */
  find(): Geodetic | undefined {
    const first = this.#pairs[0]?.fix;
    if (!first) return undefined;
    let origin: Geodetic = { lat: first.latitude, lon: first.longitude, ellipsoidalHeight: first.altitude };
    // The second round has the axes of the origin found in the first, and not those of the first fix.
    for (let round = 0; round < 2; round++) {
      const frame = enuFrame(origin);
      const offsets = this.#pairs.map(({ fix, place }) => {
        const seen = frame.toEnu(fix.latitude, fix.longitude, fix.altitude);
        return seen.map((metres, axis) => metres - place[axis]!);
      });
      const axis = (k: number) => median(offsets.map((offset) => offset[k]!));
      origin = frame.toGeodetic([axis(0), axis(1), axis(2)]);
    }
    return origin;
  }
}
