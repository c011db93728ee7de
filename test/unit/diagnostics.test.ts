import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Diagnostics } from '../../src/localization/diagnostics.ts';
import { Windowed } from '../../src/localization/windowed.ts';
import type { SensorMessage, UpdateRecord } from '../../src/types.ts';
import { at } from './fusion-simulation.ts';

const still = [0, 0, 0] as const;
const imu = (stamp: number, arrival: number, sequence = 0): SensorMessage => ({
  channel: '/imu',
  kind: 'imu',
  arrival: at(arrival),
  sequence,
  value: { stamp: at(stamp), frameId: 'imu', angularVelocity: still, linearAcceleration: still },
});
const record = (change: Partial<UpdateRecord>): UpdateRecord => ({
  stamp: at(1),
  sensor: 'gnss',
  accepted: true,
  nis: 3,
  dof: 3,
  innovation: 0,
  correction: 0,
  ...change,
});
const nowhere = { frame: () => {}, update: () => {}, refused: () => {} };

describe('diagnostics', () => {
  it('tell the rate, the latency and the gaps of a channel, whatever its rate and delay', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (rate, late) => {
          const diagnostics = new Diagnostics();
          for (let k = 0; k <= 12 * rate; k++) diagnostics.message(imu(k / rate, k / rate + late));
          const { messages, rate: found, latency, gap } = diagnostics.diagnosis().channels['/imu']!;
          expect(messages).toBe(12 * rate + 1);
          expect(Math.abs(found / rate - 1)).toBeLessThan(0.12);
          expect(latency!.mean).toBeCloseTo(late, 6);
          expect(gap!.max).toBeCloseTo(1 / rate, 6);
        },
      ),
      { seed: 9, numRuns: 20 },
    );
  });

  it('forget a gap after ten seconds, and show that a channel fell silent', () => {
    const diagnostics = new Diagnostics();
    diagnostics.message(imu(0, 0));
    for (let k = 0; k <= 50; k++) diagnostics.message(imu(5 + k / 10, 5 + k / 10));
    expect(diagnostics.diagnosis().channels['/imu']!.gap!.max).toBeCloseTo(5, 6);
    for (let k = 0; k <= 150; k++)
      diagnostics.message({ ...imu(10 + k / 10, 10 + k / 10), channel: '/other' });
    const { channels } = diagnostics.diagnosis();
    expect(channels['/imu']).toMatchObject({ messages: 52, rate: 0, gap: null, latency: null });
    expect(channels['/other']!.gap!.max).toBeCloseTo(0.1, 6);
  });

  it('count messages that step back, cannot be read, or are of no sensor', () => {
    const diagnostics = new Diagnostics();
    diagnostics.message(imu(2, 2));
    diagnostics.message(imu(1, 2.1));
    diagnostics.message({
      channel: '/imu',
      kind: 'refused',
      arrival: at(2.2),
      sequence: 3,
      reason: 'broken',
      detail: '',
    });
    diagnostics.message({
      channel: '/truth',
      kind: 'pose',
      arrival: at(3),
      sequence: 4,
      value: { stamp: at(3), pose: { position: still, orientation: [0, 0, 0, 1] } },
    });
    const { channels } = diagnostics.diagnosis();
    expect(Object.keys(channels)).toEqual(['/imu']);
    expect(channels['/imu']).toMatchObject({ messages: 3, kind: 'imu', gap: null });
  });

  it('hand everything on, and count what was used and what was not by reason', () => {
    const seen: string[] = [];
    const diagnostics = new Diagnostics();
    const sink = diagnostics.over({
      frame: ({ state }) => void seen.push(state),
      update: ({ sensor }) => void seen.push(sensor),
      refused: (reason) => void seen.push(reason),
    });
    sink.update(record({ nis: 6 }));
    sink.update(record({ nis: 3 }));
    sink.update(record({ nis: 400, accepted: false, reason: 'innovation-gate' }));
    sink.update(record({ nis: Number.NaN }));
    sink.refused('points-empty', '');
    sink.frame({ stamp: at(1), frame: 0, state: 'TRACKING', stages: { register: 30 } });
    sink.frame({ stamp: at(1.1), frame: 1, state: 'LOST', stages: { register: 50, fuse: 1 } });
    expect(seen).toEqual(['gnss', 'gnss', 'gnss', 'gnss', 'points-empty', 'TRACKING', 'LOST']);
    expect(diagnostics.diagnosis()).toEqual({
      at: undefined,
      channels: {},
      // NIS 6 and 3 of 3 degrees of freedom: 2 and 1.
      fusion: { gnss: { offered: 4, used: 3, nis: { mean: 1.5, max: 2 } } },
      stages: { register: { mean: 40, max: 50 }, fuse: { mean: 1, max: 1 } },
      refused: { 'gnss-innovation-gate': 1, 'points-empty': 1 },
    });
    expect(new Diagnostics().over(nowhere).refused('a', 'b')).toBeUndefined();
  });
});

describe('a window', () => {
  it('has the mean and the most of the last ten seconds, as if each value were kept', () => {
    const values = fc.array(
      fc.record({
        wait: fc.double({ min: 0, max: 4, noNaN: true }),
        value: fc.double({ min: -50, max: 50, noNaN: true }),
      }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(values, (given) => {
        const window = new Windowed();
        let time = 0;
        const kept = given.map(({ wait, value }) => {
          time += wait;
          window.add(at(time), value);
          return { second: Math.floor(time), value };
        });
        // The window begins with a whole second.
        const last = kept.filter(({ second }) => second > Math.floor(time) - 10).map(({ value }) => value);
        const { mean, max } = window.figures(at(time))!;
        expect(max).toBe(Math.max(...last));
        expect(mean).toBeCloseTo(last.reduce((a, b) => a + b, 0) / last.length, 9);
      }),
      { seed: 9, numRuns: 200 },
    );
    expect(new Windowed().figures(at(5))).toBeNull();
  });
});
