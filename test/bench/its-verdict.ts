import { setTimeout as pause } from 'node:timers/promises';
import { mediatorConfig } from '../../src/adapters/its/its-config.ts';
import { Mediator } from '../../src/adapters/its/mediator.ts';
import { readPayload } from '../../src/adapters/its/payload.ts';
import { spatJsonOf, spatOf } from '../../src/adapters/its/simulate/messages.ts';
import { truthAt } from '../../src/adapters/its/simulate/plan.ts';
import { spatToUper } from '../../src/adapters/its/simulate/spat-write.ts';
import { spatStates } from '../../src/adapters/its/spat.ts';
import { machineTiming } from '../../src/adapters/its/timing.ts';
import type { VendorContext } from '../../src/adapters/its/vendor.ts';
import type { SlotConfig } from '../../src/adapters/its/vendor-slot.ts';
import { configSchema } from '../../src/config.ts';
import type { TileSupply } from '../../src/map/tile-supply.ts';
import { percentile } from '../../src/math/statistics.ts';
import { loadCore } from '../../src/native.ts';
import type { SignalFeed } from '../../src/ports.ts';
import { Robot } from '../../src/robot.ts';
import type { FrameResult, RouteSignal } from '../../src/types.ts';
import { note } from './measure.ts';

const MESSAGES = 10_000;
const PLAN = { cycle: 60, walk: 25 };
/** of the robot's and the vendors' time from one message to the next: a cycle of a minute passes within 2000 */
const STEP_MS = 30;
const EPOCH_NS = BigInt(Date.now()) * 1_000_000n;

/**
 * p99 ms from the bytes of a SPaT to the robot's advice: decoded, mediated between two vendors of 200 signals, judged by
 * the guard of the crossing that the robot stands before. Every third message is of that crossing, and counted.
 */
export async function messageToVerdict(
  form: 'json' | 'uper',
  signals: readonly RouteSignal[],
  slot: (name: string) => SlotConfig,
): Promise<number> {
  const contexts: VendorContext[] = [];
  const silent: SignalFeed = {
    watch() {},
    ask: async () => ({ ok: false, reason: 'silent', detail: '', traffic: { calls: 0, bytes: 0 } }),
    close: async () => {},
  };
  const vendors = ['a', 'b'].map((name) => ({
    config: slot(name),
    make(context: VendorContext) {
      contexts.push(context);
      return silent;
    },
  }));
  let aheadMs = 0;
  const timing = {
    ...machineTiming,
    nowMs: () => performance.now() + aheadMs,
    wallMs: () => Date.now() + aheadMs,
  };
  const stamp = () => EPOCH_NS + BigInt(Math.round(timing.nowMs() * 1e6));
  let mediator: Mediator | undefined;
  let show: (frame: FrameResult) => void = () => {};
  const robot = new Robot({
    core: loadCore('portable'),
    config: configSchema.parse({}),
    clock: { nowMs: timing.nowMs, stamp },
    map: {
      index: { version: 1, mapId: 'bench' },
      tiles: { tileIds: [] },
      setRoute() {},
    } as unknown as TileSupply,
    outputOn: 'points',
    localizer: ({ sink }) => {
      show = (frame) => sink.frame(frame);
      return { handle: async () => {}, freeWidth: undefined };
    },
    signals: (listener) => {
      const deps = { timing, chance: Math.random, onState: listener.state };
      mediator = new Mediator(vendors, mediatorConfig.parse({ pollMs: 60_000 }), deps);
      // The robot watches its crossing only; the mediator shall hear of all.
      return { ...silent, ask: mediator.ask.bind(mediator), watch: () => mediator!.watch(signals) };
    },
  });
  const ours = signals[0]!;
  const verdicts = new Set<string>();
  robot.watch({
    status: () => {},
    scan: () => {},
    event: ({ kind, data }) =>
      void (kind === 'crossing' && verdicts.add(String(data?.reason ?? data?.phase))),
  });
  robot.follow({
    routeId: 'bench',
    mapVersion: 1,
    line: [
      [0, 0],
      [100, 0],
    ],
    crossings: [{ id: ours.signalId, signal: ours, stopAt: 40 }],
    buildings: [],
    walls: [],
    stretches: [],
  });
  const taken: number[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    aheadMs += STEP_MS;
    const now = timing.nowMs();
    const pose = { position: [38, 0, 0], orientation: [0, 0, 0, 1] } as const;
    show({ stamp: stamp(), frame: i, state: 'TRACKING', pose, stages: {} });
    robot.camera(ours.signalId, { kind: 'occluded', by: 'a truck', seenAtMs: now });
    robot.obstacles({ veto: false, checkedAtMs: now });
    const signal = i % 3 === 0 ? ours : signals[i % signals.length]!;
    const wallMs = timing.wallMs();
    const seen = { ...truthAt(signal, PLAN, wallMs), sourceTime: wallMs };
    const spat = spatOf(Number(signal.externalId), [{ signal, seen }]);
    const bytes = form === 'uper' ? spatToUper([spat]) : Buffer.from(JSON.stringify(spatJsonOf(spat)));
    for (const [v, provider] of ['a', 'b'].entries()) {
      const arrival = performance.now();
      const read = readPayload(bytes);
      if (read.kind !== 'spat') throw new Error('expected a SPaT');
      const receipt = { provider, receivedAtMs: timing.nowMs(), receivedWallMs: wallMs };
      const { states } = spatStates(read.intersections, signals, receipt);
      contexts[v]!.onStates(states, { calls: 0, bytes: bytes.length });
      if (signal === ours) taken.push(performance.now() - arrival);
    }
    if (i % 100 === 0) await pause(0);
  }
  await robot.close();
  await mediator!.close();
  note(
    `${form}: ${taken.length} messages of the crossing, median ${percentile(taken, 50).toFixed(4)} ms; verdicts: ${[...verdicts].join(', ')}`,
  );
  return percentile(taken, 99);
}
