import { describe, expect, it } from 'vitest';
import { cityRow } from '../../src/adapters/its/city-rows.ts';
import { nationalId, nationalRow } from '../../src/adapters/its/national-rows.ts';
import { readPayload } from '../../src/adapters/its/payload.ts';
import { spatToUper } from '../../src/adapters/its/simulate/spat-write.ts';
import { spatStates } from '../../src/adapters/its/spat.ts';
import { spatFromJson } from '../../src/adapters/its/spat-json.ts';
import { Random } from '../../src/math/random.ts';
import { refusalReason } from '../../src/types.ts';
import { cityRecord, mapBytes, nationalAnswer, odeSpat, signal, utf8 } from './its-samples.ts';

const walker = signal({ externalId: '12111', head: '2' });
const PHASES = new Set(['stop', 'walk', 'clearance', 'dark', 'fault', 'unknown']);

/** Flips, cuts, doubles or fills in some bytes. */
function spoil(bytes: Uint8Array, random: Random): Uint8Array {
  const out = Uint8Array.from(bytes);
  const at = () => Math.floor(random.uniform(0, out.length));
  for (let n = 1 + Math.floor(random.uniform(0, 4)); n > 0; n--) {
    const place = at();
    if (random.uniform() < 0.5) out[place]! ^= 1 << Math.floor(random.uniform(0, 8));
    else out[place] = random.uint32();
  }
  const kind = random.uniform();
  if (kind < 0.2) return out.subarray(0, at());
  if (kind < 0.3) return Uint8Array.from([...out.subarray(0, at()), ...out]);
  return out;
}

/** Runs it; true where it was read, false where it was refused. Anything else fails. */
function survives(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (refusalReason(error) === undefined) throw error;
    return false;
  }
}

function readSpat(bytes: Uint8Array): void {
  const read = readPayload(bytes);
  if (read.kind !== 'spat') return;
  const receipt = { provider: 'x', receivedAtMs: 0, receivedWallMs: Date.UTC(2026, 0, 1) };
  for (const { phase, remaining, sourceTime } of spatStates(read.intersections, [walker], receipt).states) {
    expect(PHASES.has(phase)).toBe(true);
    expect(Number.isFinite(sourceTime)).toBe(true);
    if (remaining) expect(remaining.min).toBeGreaterThanOrEqual(0);
  }
}

describe('malformed input', () => {
  it('of 60,000 messages in PER is read or refused', () => {
    const movements = Array.from({ length: 6 }, (_, i) => ({
      signalGroup: i + 1,
      eventState: 'stop-and-remain',
      minEnd: { tenths: 5000 * i },
    }));
    const whole = [
      spatToUper([{ id: 12111, status: 0, timeStamp: 100, movements }]),
      spatToUper([{ id: 12111, region: 3, status: 0, moy: 5, timeStamp: 100, movements }]),
      mapBytes('0001', 10),
    ];
    const random = new Random(6);
    let read = 0;
    for (let i = 0; i < 60_000; i++) if (survives(() => readSpat(spoil(whole[i % 3]!, random)))) read++;
    // Some are only wrong values, which is as well.
    expect(read).toBeGreaterThan(1000);
    expect(read).toBeLessThan(59_000);
  });

  it('of 40,000 texts is read or refused', () => {
    const whole = [odeSpat(), cityRecord(), nationalAnswer()].map(utf8);
    const id = nationalId('1100000000:1057');
    const readers = [
      readSpat,
      (bytes: Uint8Array) => void cityRow(bytes, '2691'),
      (bytes: Uint8Array) => void nationalRow(bytes, id),
    ];
    const random = new Random(7);
    let read = 0;
    for (let i = 0; i < 40_000; i++)
      if (survives(() => readers[i % 3]!(spoil(whole[i % 3]!, random)))) read++;
    expect(read).toBeGreaterThan(1000);
    expect(read).toBeLessThan(39_000);
  });

  it('of 10,000 JSON values of wrong types is read or refused', () => {
    const random = new Random(8);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random.uniform(0, all.length))]!;
    const wrong = [null, [], {}, '', 'x', -1, 1e300, 0.5, true, [null], { id: null }, [[[]]]];
    const mutate = (value: unknown): unknown => {
      if (random.uniform() < 0.08) return pick(wrong);
      if (Array.isArray(value)) return value.map(mutate);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mutate(one)]));
    };
    let read = 0;
    for (let i = 0; i < 10_000; i++) {
      const message = mutate(odeSpat());
      if (survives(() => void spatFromJson(message))) read++;
      survives(() => readSpat(utf8(message)));
      survives(() => void cityRow(utf8(mutate(cityRecord())), '2691'));
      survives(() => void nationalRow(utf8(mutate(nationalAnswer())), nationalId('1100000000:1057')));
    }
    expect(read).toBeGreaterThan(100);
  });

  it('nested ten thousand deep is refused', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    expect(survives(() => readSpat(utf8(deep)))).toBe(false);
    expect(survives(() => void cityRow(utf8(deep), '1'))).toBe(false);
  });
});
