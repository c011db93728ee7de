import { expect, it } from 'vitest';
import { OriginFromFixes } from '../../src/commands/map-origin.ts';
import { enuFrame } from '../../src/math/geodesy.ts';
import type { GnssFix, Vec3 } from '../../src/types.ts';

it('the origin of a map is found from fixes far from it, whatever one of them says', () => {
  const ORIGIN = { lat: 37.49794, lon: 127.02762, ellipsoidalHeight: 45.2 };
  const frame = enuFrame(ORIGIN);
  const fixAt = (place: Vec3): GnssFix => {
    const { lat, lon, ellipsoidalHeight } = frame.toGeodetic(place);
    const rest = { stamp: 0n, frameId: 'gnss', status: 0, covariance: [], covarianceType: 0 };
    return { ...rest, latitude: lat, longitude: lon, altitude: ellipsoidalHeight };
  };
  const origins = new OriginFromFixes();
  expect(origins.find()).toBeUndefined();
  for (let i = 0; i < 9; i++) {
    const position: Vec3 = [300 + i, -2000 + 5 * i, 3];
    // The first is 1 km off: nothing else says so.
    const seen: Vec3 = [position[0] + (i === 0 ? 1000 : 0), position[1], position[2]];
    origins.add(fixAt(seen), { position, orientation: [0, 0, 0, 1] });
  }
  origins.add(fixAt([0, 0, 0]), undefined);
  const found = origins.find()!;
  // Axes of an origin 2 km away are turned by 2 km / 6400 km = 0.3 mrad; the second round leaves less than 1 mm.
  const [east, north, up] = frame.toEnu(found.lat, found.lon, found.ellipsoidalHeight);
  expect(Math.hypot(east, north, up)).toBeLessThan(0.01);
});
