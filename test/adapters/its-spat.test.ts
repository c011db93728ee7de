import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crosswalkGroups } from '../../src/adapters/its/map-uper.ts';
import { readPayload } from '../../src/adapters/its/payload.ts';
import { nameOfState } from '../../src/adapters/its/phases.ts';
import { spatToUper } from '../../src/adapters/its/simulate/spat-write.ts';
import { type SpatIntersection, STATUS_BITS, spatStates } from '../../src/adapters/its/spat.ts';
import { refusalReason } from '../../src/types.ts';
import { realData } from '../data.ts';
import { mapBytes, odeSpat, signal, utf8 } from './its-samples.ts';

/** 35.176 s after a minute, 36:51.5 before 22120 tenths … the hour's tenths are 22051.76. */
const WALL = Date.UTC(2024, 11, 10, 17, 36, 35, 176);
const walker = signal({ externalId: '12111', head: '2' });

function stateOf(message: unknown, ours = walker, wall = WALL) {
  const payload = readPayload(message instanceof Uint8Array ? message : utf8(message));
  if (payload.kind !== 'spat') throw new Error('a MAP');
  const receipt = { provider: 'mqtt', receivedAtMs: 7, receivedWallMs: wall };
  const { states, refused } = spatStates(payload.intersections, [ours], receipt);
  return { state: states[0], refused };
}
const reasonOf = (bytes: Uint8Array): string | undefined => {
  try {
    readPayload(bytes);
  } catch (error) {
    return refusalReason(error);
  }
  return 'nothing thrown';
};

describe('a SPaT in JSON', () => {
  it('says phase, seconds, and the time of the source out of the second of the minute', () => {
    // 17:36:35.176 is 21951.76 tenths after the hour: 22120 comes 16.824 s later.
    const { state } = stateOf(odeSpat());
    expect(state).toMatchObject({ phase: 'walk', sourceTime: WALL, timingSourceTime: WALL, receivedAtMs: 7 });
    expect(state?.remaining?.min).toBeCloseTo(16.824, 6);
    expect(state?.remaining?.max).toBeCloseTo(16.924, 6);
  });

  it('takes the minute of the year, of the intersection or of the message, before the clock', () => {
    // Minute 496416 of the leap year 2024 is 10 December 17:36.
    const late = WALL + 7 * 3_600_000;
    expect(stateOf(odeSpat({ moy: 496_416 }), walker, late).state?.sourceTime).toBe(WALL);
    expect(stateOf(odeSpat({}, {}, { timeStamp: 496_416 }), walker, late).state?.sourceTime).toBe(WALL);
    // The ODE writes 0 for "none".
    expect(stateOf(odeSpat({ moy: null }, {}, { timeStamp: 0 })).state?.sourceTime).toBe(WALL);
    const newYear = Date.UTC(2025, 0, 1, 0, 0, 10);
    expect(stateOf(odeSpat({ moy: 527_039, timeStamp: 59_000 }), walker, newYear).state?.sourceTime).toBe(
      Date.UTC(2024, 11, 31, 23, 59, 59),
    );
  });

  it.each([
    [59_900, Date.UTC(2024, 0, 1, 10, 0, 0, 100), Date.UTC(2024, 0, 1, 9, 59, 59, 900)],
    [100, Date.UTC(2024, 0, 1, 9, 59, 59, 900), Date.UTC(2024, 0, 1, 10, 0, 0, 100)],
  ])('finds the minute of second %d across its border', (timeStamp, wall, sourceTime) => {
    expect(stateOf(odeSpat({ timeStamp }), walker, wall).state?.sourceTime).toBe(sourceTime);
  });

  it('counts over the end of the hour, a past mark as 0, and 36000 and 36001 as unknown', () => {
    const wall = Date.UTC(2024, 0, 1, 10, 59, 55, 0);
    const remaining = (minEndTime: unknown) =>
      stateOf(odeSpat({ timeStamp: 55_000 }, { timing: { minEndTime } }), walker, wall).state?.remaining?.min;
    expect(remaining(35_999)).toBeCloseTo(4.9, 6);
    expect(remaining(0)).toBeCloseTo(5, 6);
    expect(remaining(120)).toBeCloseTo(17, 6);
    expect(remaining('120')).toBeCloseTo(17, 6);
    expect(remaining(35_900)).toBe(0);
    for (const unknown of [36_000, 36_001, -1, null, 'x', 1.5, undefined])
      expect(remaining(unknown)).toBeUndefined();
  });

  it('takes a mark a minute ahead for unknown where the minute is known by our clock alone', () => {
    const at = (more: Record<string, unknown>, minEndTime: number, slowMinutes = 0) =>
      stateOf(odeSpat(more, { timing: { minEndTime } }), walker, WALL - slowMinutes * 60_000).state?.remaining
        ?.min;
    // 17:36:35.176 is 21951.76 tenths after the hour: 22551 is 59.9 s later, 22552 60.0 s.
    expect(at({}, 22_551)).toBeCloseTo(59.924, 6);
    expect(at({}, 22_552)).toBeUndefined();
    expect(at({ moy: 496_416 }, 22_552)).toBeCloseTo(60.024, 6);
    // A computer whose clock is minutes slow, or fast, gets no time by it.
    for (const slow of [1, 2, 7, 25]) expect(at({}, 22_120, slow)).toBeUndefined();
    for (const fast of [-1, -2, -7, -25]) expect(at({}, 22_120, fast)).toBe(0);
    for (const wrong of [-25, -1, 1, 7]) expect(at({ moy: 496_416 }, 22_120, wrong)).toBeCloseTo(16.824, 6);
  });

  it('that names our intersection twice is refused', () => {
    const one = (status: object) =>
      (
        odeSpat({ status }) as {
          payload: { data: { intersectionStateList: { intersectionStatelist: object[] } } };
        }
      ).payload.data.intersectionStateList.intersectionStatelist[0]!;
    const list = [one({}), one({ off: true })];
    const message = { payload: { data: { intersectionStateList: { intersectionStatelist: list } } } };
    const { state, refused } = stateOf(message);
    expect(state).toBeUndefined();
    expect(refused).toMatchObject([{ reason: 'intersection-twice' }]);
  });

  it('promises nothing by a maximum alone', () => {
    expect(stateOf(odeSpat({}, { timing: { maxEndTime: 22_120 } })).state).not.toHaveProperty('remaining');
    expect(stateOf(odeSpat({}, { timing: null })).state).not.toHaveProperty('remaining');
  });

  it('takes every status in which the lights do not follow their plan for a fault', () => {
    const fault = new Set([
      'manualControlIsEnabled',
      'stopTimeIsActivated',
      'failureFlash',
      'preemptIsActive',
      'standbyOperation',
      'failureMode',
      'off',
    ]);
    for (const [bit, name] of STATUS_BITS.entries()) {
      const expected = fault.has(name)
        ? 'fault'
        : name === 'noValidSPATisAvailableAtThisTime'
          ? 'unknown'
          : 'walk';
      const text = STATUS_BITS.map((_, i) => (i === bit ? '1' : '0')).join('');
      const hex = (0x8000 >> bit).toString(16).padStart(4, '0');
      for (const status of [{ [name]: true }, name.toUpperCase(), text, `${text}00`, hex])
        expect([name, status, stateOf(odeSpat({ status })).state?.phase]).toEqual([name, status, expected]);
    }
  });

  it('knows nothing under a status that it cannot read', () => {
    for (const status of [undefined, null, 'SOMETHING', 7])
      expect(stateOf(odeSpat({ status })).state?.phase).toBe('unknown');
  });

  it('is silent on other intersections and says which group is missing or there twice', () => {
    expect(stateOf(odeSpat(), signal({ externalId: '12112', head: '2' }))).toEqual({ refused: [] });
    expect(stateOf(odeSpat({ id: { id: 12111, region: 4 } })).state).toBeUndefined();
    expect(
      stateOf(odeSpat({ id: { id: 12111, region: 4 } }), { ...walker, externalId: '4:12111' }).state,
    ).toBeDefined();
    expect(stateOf(odeSpat(), { ...walker, head: '3' }).refused[0]?.reason).toBe('no-such-head');
    const movement = (eventState: string) => ({
      signalGroup: 2,
      state_time_speed: { movementEventList: [{ eventState }] },
    });
    const twice = odeSpat({ states: { movementList: [movement('dark'), movement('STOP_AND_REMAIN')] } });
    expect(stateOf(twice).refused[0]?.reason).toBe('group-twice');
    expect(stateOf(odeSpat({ timeStamp: 65_535 })).refused[0]?.reason).toBe('no-source-time');
  });

  it('reads the names of the standard, the GeoJSON converter and V2X Hub', () => {
    const jer = {
      messageId: 19,
      value: {
        intersections: [
          {
            id: { id: 12111 },
            status: '0000',
            timeStamp: 35_176,
            states: [
              {
                signalGroup: 2,
                'state-time-speed': [
                  { eventState: 'protected-Movement-Allowed', timing: { minEndTime: 22_120 } },
                ],
              },
            ],
          },
        ],
      },
    };
    expect(stateOf(jer).state?.remaining?.min).toBeCloseTo(16.824, 6);
    const processed = {
      messageType: 'SPAT',
      region: 0,
      intersectionId: 12111,
      utcTimeStamp: '2024-12-10T17:36:35.176Z',
      status: {},
      states: [
        {
          signalGroup: 2,
          stateTimeSpeed: [{ eventState: 'STOP_AND_REMAIN', timing: { minEndTime: '2024-12-10T17:36:52Z' } }],
        },
      ],
    };
    expect(stateOf(processed).state).toMatchObject({ phase: 'stop', sourceTime: WALL });
    expect(stateOf(processed).state?.remaining?.min).toBeCloseTo(16.824, 6);
    const hub = {
      regionId: '1',
      id: '100',
      status: '0000000000000000',
      signalGroup: ['1', '2'],
      eventState: ['permissive-Movement-Allowed', 'stop-And-Remain'],
      minEndTime: ['25752', '25452'],
    };
    // No time at all: nothing may be said of it.
    expect(stateOf(hub, { ...walker, externalId: '1:100' }).refused[0]?.reason).toBe('no-source-time');
    expect(stateOf({ ...hub, timeStamp: 35_176 }, { ...walker, externalId: '1:100' }).state?.phase).toBe(
      'stop',
    );
  });

  it.each([
    {},
    [],
    'x',
    { payload: {} },
    { payload: { data: { bytes: 'xyz' } } },
    { intersections: [{ id: { id: 1 } }] },
  ])('refuses %j', (message) => {
    expect(['not-a-spat', 'bad-json', 'bad-uper']).toContain(reasonOf(utf8(message)));
  });

  it('reads the real files', () => {
    const ode = realData('v2x-j2735/ode/spat-expected.json');
    const valid = realData('v2x-j2735/geojsonconverter/valid.spat.json.gz');
    const invalid = realData('v2x-j2735/geojsonconverter/invalid.spat.json.gz');
    const processed = realData('v2x-j2735/geojsonconverter/sample.processed-spat.json.gz');
    const hub = realData('v2x-j2735/v2xhub/sampleSPAT.json');
    if (!ode || !valid || !invalid || !processed || !hub) return;
    expect(stateOf(readFileSync(ode)).state?.remaining?.min).toBeCloseTo(16.824, 6);
    // This intersection is under manual control.
    expect(stateOf(gunzipSync(readFileSync(valid))).state?.phase).toBe('fault');
    const broken = gunzipSync(readFileSync(invalid));
    expect(stateOf(broken).refused[0]?.reason).toBe('no-such-head');
    expect(stateOf(broken, { ...walker, head: '8' }).state?.phase).toBe('fault');
    const { state } = stateOf(gunzipSync(readFileSync(processed)), {
      ...walker,
      externalId: '12110',
      head: '7',
    });
    expect(state).toMatchObject({ phase: 'fault', sourceTime: Date.UTC(2022, 10, 17, 22, 55, 28, 744) });
    expect(stateOf(readFileSync(hub), { ...walker, externalId: '1:100' }).refused[0]?.reason).toBe(
      'no-source-time',
    );
    const script = realData('v2x-j2735/v2xhub/testSPAT.json');
    if (script) expect(reasonOf(readFileSync(script))).toBe('not-a-spat');
  });
});

describe('a SPaT in unaligned PER', () => {
  const mark = fc.integer({ min: 0, max: 36_001 }).map((tenths) => ({ tenths }));
  const movement = fc.record(
    {
      signalGroup: fc.integer({ min: 0, max: 255 }),
      eventState: fc.integer({ min: 0, max: 9 }).map((n) => nameOfState(n)!),
      minEnd: mark,
      maxEnd: mark,
      likely: mark,
    },
    { requiredKeys: ['signalGroup', 'eventState', 'minEnd'] },
  );
  const intersection: fc.Arbitrary<SpatIntersection> = fc.record(
    {
      id: fc.integer({ min: 0, max: 65_535 }),
      region: fc.integer({ min: 0, max: 65_535 }),
      status: fc.integer({ min: 0, max: 65_535 }),
      moy: fc.integer({ min: 0, max: 527_040 }),
      timeStamp: fc.integer({ min: 0, max: 65_535 }),
      movements: fc.array(movement, { minLength: 1, maxLength: 20 }),
    },
    { requiredKeys: ['id', 'status', 'movements'] },
  );

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(intersection, { minLength: 1, maxLength: 5 }), (intersections) => {
        expect(readPayload(spatToUper(intersections))).toEqual({ kind: 'spat', intersections });
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it('is refused where it was cut anywhere', () => {
    const whole = spatToUper([{ id: 1, status: 0, movements: [{ signalGroup: 2, eventState: 'dark' }] }]);
    for (let end = 0; end < whole.length; end++)
      expect(['bad-uper', 'not-a-spat', 'bad-json']).toContain(reasonOf(whole.subarray(0, end)));
  });

  it('of a real intersection says what its decoded JSON says', () => {
    const hex = realData('v2x-j2735/ode/spat-valid.uper.hex');
    const json = realData('v2x-j2735/ode/spat-expected.json');
    const ode = realData('v2x-j2735/ode/spat-valid.ode.json');
    if (!hex || !json || !ode) return;
    const expected = JSON.parse(readFileSync(json, 'utf8'));
    const movements =
      expected.payload.data.intersectionStateList.intersectionStatelist[0].states.movementList;
    for (const bytes of [
      Buffer.from(readFileSync(hex, 'utf8').trim(), 'hex'),
      readFileSync(hex),
      readFileSync(ode),
    ]) {
      const payload = readPayload(bytes);
      expect(payload).toMatchObject({
        kind: 'spat',
        intersections: [{ id: 12111, status: 0, timeStamp: 35_176 }],
      });
      expect(movements).toHaveLength(6);
      for (const { signalGroup } of movements) {
        const ours = { ...walker, head: String(signalGroup) };
        const [a, b] = [stateOf(bytes, ours).state!, stateOf(readFileSync(json), ours).state!];
        expect({ ...a, raw: 0 }).toEqual({ ...b, raw: 0 });
      }
    }
  });
});

describe('a MAP in unaligned PER', () => {
  it('of a real intersection says what its decoded JSON says', () => {
    const hex = realData('v2x-j2735/ode/map-valid.uper.hex');
    const json = realData('v2x-j2735/ode/map-expected.json');
    if (!hex || !json) return;
    const [expected] = JSON.parse(readFileSync(json, 'utf8')).payload.data.intersections.intersectionGeometry;
    const payload = readPayload(Buffer.from(readFileSync(hex, 'utf8').trim(), 'hex'));
    if (payload.kind !== 'map') throw new Error('a SPaT');
    const [map] = payload.intersections;
    expect(map).toMatchObject({
      id: 12110,
      latitude: expected.refPoint.latitude,
      longitude: expected.refPoint.longitude,
    });
    const lanes = expected.laneSet.GenericLane;
    expect(map!.lanes.map((lane) => lane.laneId)).toEqual(
      lanes.map((lane: { laneID: number }) => lane.laneID),
    );
    for (const [i, lane] of lanes.entries()) {
      expect(map!.lanes[i]!.type).toBe(Object.keys(lane.laneAttributes.laneType)[0]);
      const offsets = lane.nodeList.nodes.map(
        ({ delta }: { delta: Record<string, { x: number; y: number }> }) => {
          const [offset] = Object.values(delta);
          return [offset!.x, offset!.y];
        },
      );
      expect(map!.lanes[i]!.nodes).toEqual(offsets);
      const connections = (lane.connectsTo?.connectsTo ?? []).map(
        (one: { connectingLane: { lane: number }; signalGroup?: number }) => ({
          lane: one.connectingLane.lane,
          ...(one.signalGroup !== undefined && { signalGroup: one.signalGroup }),
        }),
      );
      expect(map!.lanes[i]!.connections).toEqual(connections);
    }
  });

  it('reads one crosswalk, written out bit by bit', () => {
    expect(readPayload(mapBytes('0001', 10))).toEqual({
      kind: 'map',
      intersections: [
        {
          id: 12_111,
          revision: 3,
          latitude: 37.49794,
          longitude: 127.02762,
          lanes: [
            {
              laneId: 7,
              type: 'crosswalk',
              nodes: [
                [-300, 200],
                [500, 0],
              ],
              connections: [{ lane: 9, signalGroup: 10 }],
            },
          ],
        },
      ],
    });
  });

  it('says which groups stand over crosswalks', () => {
    const lane = (type: 'vehicle' | 'crosswalk', signalGroup?: number) => ({
      laneId: 1,
      type,
      nodes: [],
      connections: [{ lane: 2, ...(signalGroup !== undefined && { signalGroup }) }],
    });
    const lanes = [lane('vehicle', 2), lane('crosswalk', 10), lane('crosswalk')];
    const groups = crosswalkGroups({ id: 1, revision: 0, latitude: 0, longitude: 0, lanes });
    expect([...groups]).toEqual([10]);
  });
});
