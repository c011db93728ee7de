import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { itsConfig, mediatorConfig } from '../../src/adapters/its/its-config.ts';
import { Mediator } from '../../src/adapters/its/mediator.ts';
import { openIts } from '../../src/adapters/its/open-its.ts';
import { readPayload } from '../../src/adapters/its/payload.ts';
import { spatJsonOf, spatOf } from '../../src/adapters/its/simulate/messages.ts';
import { truthAt } from '../../src/adapters/its/simulate/plan.ts';
import { spatToUper } from '../../src/adapters/its/simulate/spat-write.ts';
import { spatStates } from '../../src/adapters/its/spat.ts';
import { machineTiming } from '../../src/adapters/its/timing.ts';
import type { VendorContext } from '../../src/adapters/its/vendor.ts';
import type { SlotConfig } from '../../src/adapters/its/vendor-slot.ts';
import { percentile } from '../../src/math/statistics.ts';
import type { SignalFeed } from '../../src/ports.ts';
import type { RouteSignal, SignalState } from '../../src/types.ts';
import { messageToVerdict } from './its-verdict.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';

const MESSAGES = 20_000;
const QUESTIONS = 20_000;
const SECONDS = 10;
const SIGNALS = 200;
const PLAN = { cycle: 90, walk: 20 };

const signals: RouteSignal[] = Array.from({ length: SIGNALS }, (_, i) => ({
  signalId: `s${i}`,
  provider: 'bench',
  externalId: String(i + 1),
  head: '2',
  verifiedAt: '2026-01-01T00:00:00Z',
  crossingLength: 12,
}));

/** From a message to the one word on its signal, what the mediator costs, and 200 signals at 10 Hz over a broker. */
export async function run(): Promise<Row[]> {
  const [json, uper] = [await latency('json'), await latency('uper')];
  const verdict = {
    json: await messageToVerdict('json', signals, slot),
    uper: await messageToVerdict('uper', signals, slot),
  };
  const overhead = await mediatorOverhead();
  const cpu = await cpuShare();
  return [
    {
      id: 'its.messageToState.json.p99',
      value: json,
      unit: 'ms',
      bar: { of: 'value', at: 'most', limit: 1 },
    },
    {
      id: 'its.messageToState.uper.p99',
      value: uper,
      unit: 'ms',
      bar: { of: 'value', at: 'most', limit: 1 },
    },
    {
      id: 'its.messageToVerdict.json.p99',
      value: verdict.json,
      unit: 'ms',
      bar: { of: 'value', at: 'most', limit: 1 },
    },
    {
      id: 'its.messageToVerdict.uper.p99',
      value: verdict.uper,
      unit: 'ms',
      bar: { of: 'value', at: 'most', limit: 1 },
    },
    {
      id: 'its.mediator.overhead',
      value: overhead,
      unit: 'ms',
      bar: { of: 'value', at: 'most', limit: 0.2 },
    },
    { id: 'its.cpu.200x10Hz', value: cpu.percent, unit: '%', bar: { of: 'value', at: 'most', limit: 10 } },
    // Whether it was 10 Hz at all.
    { id: 'its.cpu.rate', value: cpu.rate, unit: '1/s', bar: { of: 'value', at: 'least', limit: 1900 } },
  ];
}

const slot = (name: string): SlotConfig => {
  const rate = { ratePerSecond: 1e6, burst: 1e6 };
  return { name, provider: 'bench', aliases: {}, weight: 1, costPerCall: 0, timeoutMs: 1000, ...rate };
};

/** p99 ms from the bytes of a SPaT to the state that the mediator hands on, another vendor having said the same. */
async function latency(form: 'json' | 'uper'): Promise<number> {
  const contexts: VendorContext[] = [];
  const silent: SignalFeed = {
    watch() {},
    ask: async () => ({ ok: false, reason: 'silent', detail: '', traffic: { calls: 0, bytes: 0 } }),
    close: async () => {},
  };
  let heard = 0;
  const vendors = ['a', 'b'].map((name) => ({
    config: slot(name),
    make(context: VendorContext) {
      contexts.push(context);
      return silent;
    },
  }));
  const deps = { timing: machineTiming, chance: Math.random, onState: () => void heard++ };
  const mediator = new Mediator(vendors, mediatorConfig.parse({ pollMs: 60_000 }), deps);
  mediator.watch(signals);
  const taken: number[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    const signal = signals[i % SIGNALS]!;
    const wallMs = machineTiming.wallMs();
    const seen = { ...truthAt(signal, PLAN, wallMs), sourceTime: wallMs };
    const spat = spatOf(Number(signal.externalId), [{ signal, seen }]);
    const bytes = form === 'uper' ? spatToUper([spat]) : Buffer.from(JSON.stringify(spatJsonOf(spat)));
    for (const [v, provider] of ['a', 'b'].entries()) {
      const arrival = performance.now();
      const read = readPayload(bytes);
      if (read.kind !== 'spat') throw new Error('expected a SPaT');
      const receipt = { provider, receivedAtMs: arrival, receivedWallMs: wallMs };
      const { states } = spatStates(read.intersections, signals, receipt);
      contexts[v]!.onStates(states, { calls: 0, bytes: bytes.length });
      taken.push(performance.now() - arrival);
    }
    if (i % 100 === 0) await pause(0);
  }
  await mediator.close();
  note(`${form}: ${MESSAGES * 2} messages, ${heard} states; median ${percentile(taken, 50).toFixed(4)} ms`);
  return percentile(taken, 99);
}

/** Mean ms that a question to the mediator takes longer than one to its vendor, whose answer is there at once. */
async function mediatorOverhead(): Promise<number> {
  const ours = [signals[0]!];
  const feed: SignalFeed = {
    watch() {},
    async ask(asked) {
      const now = machineTiming.wallMs();
      const states = asked.map(({ signalId }): SignalState => {
        const truth = truthAt(ours[0]!, PLAN, now);
        const remaining = { min: truth.remaining };
        const common = { sourceTime: now, timingSourceTime: now, receivedAtMs: machineTiming.nowMs() };
        return { signalId, phase: truth.phase, remaining, ...common, provider: 'a', raw: null };
      });
      return { ok: true, states, refused: [], traffic: { calls: 1, bytes: 100 } };
    },
    close: async () => {},
  };
  const vendors = ['a', 'b', 'c'].map((name) => ({ config: slot(name), make: () => feed }));
  const mediator = new Mediator(vendors, mediatorConfig.parse({}), {
    timing: machineTiming,
    chance: Math.random,
  });
  const time = async (asked: SignalFeed): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < QUESTIONS; i++) await asked.ask(ours, machineTiming.nowMs() + 1000);
    return (performance.now() - start) / QUESTIONS;
  };
  await time(mediator);
  const cpu = process.cpuUsage();
  const through = await time(mediator);
  const { user, system } = process.cpuUsage(cpu);
  const direct = await time(feed);
  await mediator.close();
  const work = ((user + system) / 1000 / QUESTIONS).toFixed(4);
  note(
    `a question: ${through.toFixed(4)} ms through the mediator (${work} ms of a processor), ${direct.toFixed(4)} ms to a vendor`,
  );
  return through - direct;
}

/** Percent of one core that this process needs for 200 intersections at 10 Hz from a broker in another process. */
async function cpuShare(): Promise<{ percent: number; rate: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'its-bench-'));
  const graph = join(folder, 'graph.geojson');
  const features = signals.map(({ signalId, ...rest }) => ({
    type: 'Feature',
    geometry: { type: 'Point', coordinates: [127, 37] },
    properties: { kind: 'signal', id: signalId, ...rest },
  }));
  writeFileSync(graph, JSON.stringify({ type: 'FeatureCollection', features }));
  const main = resolve(import.meta.dirname, '../../src/main.ts');
  const args = [
    '--import',
    'tsx',
    main,
    'its',
    'simulate',
    '--graph',
    graph,
    '--port',
    '0',
    '--mqtt-port',
    '0',
    '--json',
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let line = '';
    while (!line.endsWith('\n')) line += String((await once(child.stdout!, 'data'))[0]);
    const all = itsConfig.parse(JSON.parse(line).config);
    let states = 0;
    const config = { ...all, vendors: all.vendors.filter(({ kind }) => kind === 'mqtt-spat') };
    const mediator = openIts(config, {}, { onState: () => void states++ });
    mediator.watch(signals);
    await pause(3000);
    const [cpu, start, before] = [process.cpuUsage(), performance.now(), states];
    await pause(SECONDS * 1000);
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (performance.now() - start) / 1000;
    const rate = (states - before) / seconds;
    await mediator.close();
    return { percent: (user + system) / 1e4 / seconds, rate };
  } finally {
    child.kill('SIGTERM');
    rmSync(folder, { recursive: true });
  }
}
