import { describe, expect, it } from 'vitest';
import { toRos2 } from '../../src/adapters/recorder/ros2-messages.ts';
import { decoderOf } from '../../src/adapters/replay/codec.ts';
import type { GnssFix, SensorMessage } from '../../src/types.ts';
import { at, diagonal, START, startedFilter } from './fusion-simulation.ts';

const FIX: GnssFix = {
  stamp: START,
  frameId: 'gnss',
  status: 1,
  latitude: 37.5,
  longitude: 127,
  altitude: 60,
  covariance: [...diagonal(1.5, 1.5, 3)],
  covarianceType: 2,
  geometry: { hdop: 1.4, satellites: 9 },
};

/** Serialised as gps_msgs/GPSFix with some fields changed, and read back. */
function through(change: object = {}, withDefinition = true): GnssFix {
  const message: SensorMessage = { kind: 'gnss', channel: '/gps', arrival: START, sequence: 0, value: FIX };
  const { type, fields } = toRos2(message);
  expect(type.name).toBe('gps_msgs/msg/GPSFix');
  const topic = {
    name: '/gps',
    type: 'gps_msgs/GPSFix',
    encoding: 'cdr',
    schemaEncoding: withDefinition ? 'ros2msg' : '',
    definition: withDefinition ? type.definition : '',
  };
  const [payload] = decoderOf(topic)(type.serialise({ ...fields, ...change }));
  return (payload as Extract<typeof payload, { kind: 'gnss' }>).value;
}

describe('gps_msgs/GPSFix', () => {
  it('comes back from a bag as it went in, with and without its definition', () => {
    expect(through()).toEqual(FIX);
    expect(through({}, false)).toEqual(FIX);
  });

  it('has the statuses of NavSatFix, and unknown values as 0', () => {
    for (const [said, status] of [
      [-1, -1],
      [0, 0],
      [2, 2],
      [18, 2],
      [19, 2],
      [33, 1],
    ]) {
      const fix = through({ status: { status: said, satellites_used: 0 }, hdop: Number.NaN });
      expect(fix.status).toBe(status);
      expect(fix.geometry).toEqual({ hdop: 0, satellites: 0 });
    }
  });

  it('without a covariance says by its 95 % errors how good it is', () => {
    const fix = through({ position_covariance_type: 0, err_horz: 4.8954, err_vert: 3.92 });
    expect(fix.covarianceType).toBe(1);
    [4, 0, 0, 0, 4, 0, 0, 0, 4].forEach((variance, k) => {
      expect(fix.covariance[k]).toBeCloseTo(variance, 3);
    });
  });
});

describe('how the satellites stand', () => {
  const offer = (geometry: GnssFix['geometry']) =>
    startedFilter().gnss(at(0), [0, 0, 0], [...diagonal(1, 1, 3)], [0, 0, 0], 0, geometry);

  it('decides whether a fix is looked at', () => {
    expect(offer({ hdop: 1, satellites: 4 })).toMatchObject({ accepted: false, reason: 'few-satellites' });
    expect(offer({ hdop: 30, satellites: 7 })).toMatchObject({ accepted: false, reason: 'poor-geometry' });
    expect(offer({ hdop: 0, satellites: 0 })).toMatchObject({ accepted: true });
    expect(offer({ hdop: 1, satellites: 12 })).toMatchObject({ accepted: true });
  });

  it('decides how much it can weigh, whatever it claims', () => {
    const pull = (hdop: number) => {
      const filter = startedFilter();
      const covariance = [...diagonal(0.01, 0.01, 0.01)];
      return filter.gnss(at(0), [0.2, 0, 0], covariance, [0, 0, 0], 0, { hdop, satellites: 8 }).correction;
    };
    expect(pull(0)).toBe(pull(0.8));
    // The state is far surer than the fix: its pull goes with one over the variance.
    expect(pull(1) / pull(5)).toBeGreaterThan(20);
  });
});
