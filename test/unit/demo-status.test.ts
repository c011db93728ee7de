import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoEvents, demoStatus } from '../../src/commands/demo-status.ts';
import { mapFeatures } from '../../src/commands/map-features.ts';
import { DEMO_MAP } from '../../src/commands/sim.ts';
import type { SimNow } from '../../src/commands/sim-run.ts';
import type { FrameResult, SignalState } from '../../src/types.ts';

const line = [
  [0, 0],
  [100, 0],
] as const;
const signal = { id: 'light' } as unknown as Parameters<typeof demoStatus>[2]['signal'];
const said: SignalState = {
  signalId: 'light',
  phase: 'stop',
  sourceTime: 0,
  receivedAtMs: 1000,
  provider: 'city',
  raw: null,
};
const frame = (x: number, more: Partial<FrameResult> = {}): FrameResult => ({
  stamp: 7n,
  frame: 1,
  state: 'TRACKING',
  pose: { position: [x, 0.5, 0], orientation: [0, 0, 0, 1] },
  protectionLevel: 0.2,
  stages: {},
  ...more,
});
const now = (along: number, more: Partial<SimNow> = {}): SimNow => ({
  seconds: 1,
  frame: undefined,
  advice: { motion: 'drive', speedLimit: 1.4, reason: 'free' },
  along,
  marks: { stopLine: 50, door: 80, end: 100, front: 0.5 },
  crossing: { phase: 'WAITING', reason: 'signal-stop', text: 'waits for walk', told: [] } as never,
  signal: { state: said, clock: 'advanced', lateSeconds: 0.5, sources: {} },
  nowMs: 3000,
  doorOpen: false,
  tiles: ['0_0', '1_0'],
  ...more,
});
const status = (along: number, more: Partial<SimNow> = {}, of = frame(along)) =>
  demoStatus(of, now(along, more), { line, signal }, { door: 'front' }, []);

describe('the status of the demo', () => {
  it('has pose, route, crossing with its age, tiles and advice', () => {
    const { route, crossings, ...rest } = status(40);
    expect(rest).toMatchObject({
      frame: { protectionLevel: 0.2 },
      tiles: ['0_0', '1_0'],
      advice: { motion: 'drive' },
    });
    expect(route).toMatchObject({ along: 40, remaining: 60, offset: 0.5 });
    expect(crossings).toEqual([
      {
        signalId: 'light',
        phase: 'WAITING',
        reason: 'signal-stop',
        text: 'waits for walk',
        toStopLine: 9.5,
        signal: said,
        age: 2.5,
      },
    ]);
  });

  it('shows crossing and door only near them, and stands before there is an advice', () => {
    expect(status(0, { advice: undefined })).toMatchObject({
      crossings: [],
      buildings: [],
      advice: { motion: 'stop', speedLimit: 0 },
    });
    const phaseAt = (along: number, doorOpen: boolean) => status(along, { doorOpen }).buildings[0]?.phase;
    expect([phaseAt(50, false), phaseAt(75, false), phaseAt(75, true), phaseAt(85, true)]).toEqual([
      'IDLE',
      'REQUESTED',
      'OPEN_CONFIRMED',
      'CLEARED',
    ]);
  });

  it('tells each change once', () => {
    const before = status(40);
    expect(demoEvents(before, status(40))).toEqual([]);
    const lost = status(
      40,
      { advice: { motion: 'stop', speedLimit: 0, reason: 'lost' } },
      frame(40, { state: 'LOST' }),
    );
    expect(demoEvents(before, lost)).toMatchObject([
      { stamp: 7n, kind: 'localisation', severity: 'alarm' },
      { kind: 'advice', text: 'stop: lost' },
    ]);
  });
});

it('draws the graph of the demo map in metres of its frame', async () => {
  const manifest = JSON.parse(await readFile(join(DEMO_MAP, 'manifest.json'), 'utf8'));
  const features = mapFeatures(await readFile(join(DEMO_MAP, 'graph.geojson')), manifest.frame.origin);
  const kinds = new Set(features.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(['door', 'lift', 'link', 'poi', 'signal', 'virtual_wall']);
  for (const [x, y] of features.flatMap((one) => one.line)) expect(Math.hypot(x, y)).toBeLessThan(200);
  expect(features.find(({ kind, type }) => kind === 'virtual_wall' && type === 'no_go')?.line).toHaveLength(
    2,
  );
});
