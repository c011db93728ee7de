import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MediatorConfig } from '../../src/adapters/its/its-config.ts';
import { Mediator } from '../../src/adapters/its/mediator.ts';
import { backoffMs } from '../../src/adapters/its/timing.ts';
import { TokenBucket } from '../../src/adapters/its/token-bucket.ts';
import { Usage } from '../../src/adapters/its/usage.ts';
import type { SlotConfig } from '../../src/adapters/its/vendor-slot.ts';
import type { MediatorEvent } from '../../src/adapters/its/voices.ts';
import type { SignalAnswer } from '../../src/ports.ts';
import { FakeFeed, fails, HandTiming, says, slotConfig, times } from './its-fakes.ts';
import { signal, T0 } from './its-samples.ts';

function made(
  configs: readonly Partial<SlotConfig>[],
  more: Partial<MediatorConfig> = {},
  usageFile?: string,
) {
  const timing = new HandTiming(T0);
  const events: MediatorEvent[] = [];
  const feeds = configs.map(() => new FakeFeed(timing));
  const mediator = new Mediator(
    configs.map((config, i) => ({ config: slotConfig('abc'[i]!, config), make: () => feeds[i]! })),
    times({ corroborateMs: 3_600_000, ...more }),
    { timing, chance: () => 0.5, usageFile, onEvent: (event) => events.push(event) },
  );
  /** Asks, and lets time pass until there is an answer. */
  const ask = async (deadline = 1000): Promise<SignalAnswer> => {
    let answer: SignalAnswer | undefined;
    void mediator.ask([signal()], timing.nowMs() + deadline).then((found) => {
      answer = found;
    });
    for (let ms = 0; ms <= deadline && !answer; ms += 10) await timing.pass(ms === 0 ? 0 : 10);
    return answer!;
  };
  const kinds = () => events.map(({ kind }) => kind);
  return { timing, events, kinds, feeds, mediator, ask };
}
const phase = (answer: SignalAnswer) => (answer.ok ? answer.states[0]!.phase : answer.reason);

describe('the mediator', () => {
  it('shares requests by weight, and asks a vendor of weight 0 only as a fallback', async () => {
    const { ask, feeds, timing } = made([{ weight: 3 }, { weight: 1 }, { weight: 0 }]);
    for (const feed of feeds) feed.answer = says(timing, 'stop');
    for (let i = 0; i < 400; i++) {
      await ask();
      await timing.pass(6000);
    }
    // At the first one the second vendor is heard as well: nobody was borne out yet.
    expect(feeds.map(({ asked }) => asked.length)).toEqual([300, 101, 0]);
  });

  it('falls back to the next vendor within one request', async () => {
    const { ask, feeds, timing } = made([{ weight: 9 }, {}, {}]);
    feeds[0]!.answer = fails('timeout');
    feeds[1]!.answer = fails('html-body');
    feeds[2]!.answer = says(timing, 'stop');
    expect(await ask()).toMatchObject({
      ok: true,
      states: [{ phase: 'stop', provider: 'c' }],
      traffic: { calls: 3 },
    });
  });

  it('asks on where the answer only leaves a word of an earlier round', async () => {
    const { ask, feeds, timing } = made([{}, {}]);
    for (const feed of feeds) feed.answer = says(timing, 'stop');
    await ask();
    // The one repeats itself from now on, the other says something new each time.
    feeds[0]!.answer = says(timing, 'stop', undefined, { sourceTime: timing.wallMs() });
    for (let i = 0; i < 10; i++) {
      await timing.pass(1500);
      const answer = await ask();
      expect(answer.ok && timing.nowMs() - answer.states[0]!.receivedAtMs).toBeLessThanOrEqual(1000);
    }
  });

  it('catches a countdown that does not fall, though each word moves its end by little', async () => {
    const { ask, feeds, timing, kinds } = made([{}]);
    // It keeps its word once, so that it is believed alone.
    feeds[0]!.answer = says(timing, 'stop', 2);
    await ask();
    await timing.pass(2000);
    feeds[0]!.answer = says(timing, 'walk', 30);
    const phases: string[] = [];
    for (let i = 0; i < 6; i++) {
      phases.push(phase(await ask()));
      await timing.pass(1000);
    }
    // Ends within 3 s are the same.
    expect(phases).toEqual(['walk', 'walk', 'walk', 'walk', 'unknown', 'unknown']);
    expect(kinds()).toContain('contradiction');
  });

  it('says why when nobody can answer', async () => {
    const { ask, feeds } = made([{}, {}]);
    for (const feed of feeds) feed.answer = fails('unreachable');
    expect(await ask()).toMatchObject({ ok: false, reason: 'unreachable' });
    const none = made([{ provider: 'busan' }]);
    expect(await none.ask()).toMatchObject({ ok: false, reason: 'not-carried' });
    expect(none.feeds[0]!.asked).toEqual([]);
  });

  it('asks by the ids that a vendor gives a signal', async () => {
    const alias = { externalId: '1100000000:9', head: 'wt', verifiedAt: '2026-01-01T00:00:00Z' };
    const { ask, feeds, timing } = made([{ provider: 'klid', aliases: { s1: alias } }]);
    feeds[0]!.answer = says(timing, 'stop');
    await ask();
    expect(feeds[0]!.asked[0]).toMatchObject([{ signalId: 's1', ...alias }]);
  });

  it('asks a vendor that parts an intersection for both parts', async () => {
    const part = (externalId: string) => ({ externalId, head: 'wt', verifiedAt: '2026-01-01T00:00:00Z' });
    const timing = new HandTiming(T0);
    const feed = new FakeFeed(timing, says(timing, 'stop'));
    const aliases = { s1: part('8'), s2: part('9') };
    const vendors = [{ config: slotConfig('a', { provider: 'klid', aliases }), make: () => feed }];
    const mediator = new Mediator(vendors, times(), { timing, chance: () => 0 });
    const answer = await mediator.ask([signal(), signal({ signalId: 's2' })], timing.nowMs() + 1000);
    expect(answer).toMatchObject({
      ok: true,
      states: [{ signalId: 's1' }, { signalId: 's2' }],
      traffic: { calls: 2 },
    });
    expect(feed.asked.map((asked) => asked.map(({ externalId }) => externalId))).toEqual([['8'], ['9']]);
    await mediator.close();
  });

  it('asks a second vendor besides when the deadline nears, and waits for neither beyond it', async () => {
    const { ask, feeds, timing } = made([{ weight: 9 }, {}], { hedgeMs: 400 });
    feeds[1]!.answer = says(timing, 'stop');
    const start = timing.nowMs();
    expect(phase(await ask())).toBe('stop');
    expect(timing.nowMs() - start).toBe(600);
    feeds[1]!.answer = undefined;
    const again = timing.nowMs();
    await timing.pass(10_000);
    expect(phase(await ask())).toBe('no-vendor');
    expect(timing.nowMs() - again).toBe(11_000);
  });

  it('leaves a vendor alone after failures, tries it again later, and twice as late after a failed trial', async () => {
    const { ask, feeds, timing, mediator, kinds } = made([{ weight: 9 }, {}], { breakerOpenMs: 5000 });
    feeds[0]!.answer = fails('timeout');
    feeds[1]!.answer = says(timing, 'stop');
    for (let i = 0; i < 10; i++) expect(phase(await ask())).toBe('stop');
    expect(feeds[0]!.asked).toHaveLength(3);
    expect(mediator.status()[0]).toMatchObject({ breaker: 'open' });
    expect(await mediator.metrics.registry.metrics()).toContain('its_breaker_open{vendor="a"} 1');
    await timing.pass(5000);
    for (let i = 0; i < 10; i++) await ask();
    expect(feeds[0]!.asked).toHaveLength(4);
    await timing.pass(9000);
    await ask();
    expect(feeds[0]!.asked).toHaveLength(4);
    await timing.pass(1000);
    feeds[0]!.answer = says(timing, 'stop');
    await ask();
    expect(mediator.status()[0]).toMatchObject({ breaker: 'closed' });
    expect(kinds().filter((kind) => kind.startsWith('breaker'))).toEqual([
      'breaker-open',
      'breaker-open',
      'breaker-closed',
    ]);
  });

  it('lets go of a vendor that never answers', async () => {
    const { ask, feeds, mediator, timing } = made([{ timeoutMs: 50 }, {}]);
    feeds[1]!.answer = says(timing, 'stop');
    for (let i = 0; i < 3; i++) {
      await ask();
      await new Promise((resolve) => setTimeout(resolve, 80));
      await timing.pass(0);
    }
    expect(await mediator.metrics.registry.metrics()).toContain(
      'its_errors_total{vendor="a",reason="timeout"}',
    );
  });

  it('pauses a vendor as long as its quota answer says, without opening its breaker', async () => {
    const { ask, feeds, timing, mediator } = made([{ weight: 9 }, {}]);
    feeds[0]!.answer = fails('quota', 20_000);
    feeds[1]!.answer = says(timing, 'stop');
    for (let i = 0; i < 10; i++) expect(phase(await ask())).toBe('stop');
    expect(feeds[0]!.asked).toHaveLength(1);
    expect(mediator.status()[0]).toMatchObject({ breaker: 'closed', pausedMs: 20_000 });
    await timing.pass(20_001);
    await ask();
    expect(feeds[0]!.asked).toHaveLength(2);
  });

  it('sends no more than the rate of the contract', async () => {
    const { ask, feeds, timing } = made([{ ratePerSecond: 2, burst: 3 }]);
    feeds[0]!.answer = says(timing, 'stop');
    const answers = [];
    for (let i = 0; i < 5; i++) {
      await timing.pass(10);
      answers.push(await ask());
    }
    expect(feeds[0]!.asked).toHaveLength(3);
    await timing.pass(5000);
    for (let i = 0; i < 5; i++) await ask();
    expect(feeds[0]!.asked).toHaveLength(6);
  });

  it('believes no lone walk of a vendor that was never borne out, and then asks a second one', async () => {
    const { ask, feeds, timing } = made([{ weight: 9 }, {}]);
    feeds[0]!.answer = says(timing, 'walk', 20);
    feeds[1]!.answer = fails('timeout');
    const alone = await ask();
    expect(alone).toMatchObject({
      ok: true,
      states: [{ phase: 'unknown' }],
      refused: [{ reason: 'uncorroborated' }],
    });
    feeds[1]!.answer = says(timing, 'walk', 21);
    const both = await ask();
    // The earlier of the two ends counts.
    expect(both).toMatchObject({ ok: true, states: [{ phase: 'walk', remaining: { min: 20 } }] });
    feeds[1]!.answer = fails('timeout');
    await timing.pass(10_000);
    feeds[0]!.answer = says(timing, 'walk', 10);
    expect(phase(await ask())).toBe('walk');
  });

  it('believes the only vendor that carries a signal once a phase ended when it had said', async () => {
    const { ask, feeds, timing } = made([{}, { provider: 'busan' }]);
    feeds[0]!.answer = says(timing, 'walk', 20);
    expect(await ask()).toMatchObject({
      states: [{ phase: 'unknown' }],
      refused: [{ reason: 'uncorroborated' }],
    });
    await timing.pass(20_000);
    feeds[0]!.answer = says(timing, 'stop', 3);
    await ask();
    await timing.pass(3000);
    feeds[0]!.answer = says(timing, 'walk', 20);
    expect(phase(await ask())).toBe('walk');
  });

  it('promises no time that the only vendor of a light has not, in whatever unit it counts', async () => {
    for (const factor of [0.1, 2, 10, 60]) {
      const { ask, feeds, timing } = made([{}]);
      for (let second = 0; second < 180; second++) {
        const at = second % 45;
        const [name, left] = at < 20 ? (['stop', 20 - at] as const) : (['walk', 45 - at] as const);
        feeds[0]!.answer = says(timing, name, factor * left);
        const answer = await ask();
        if (phase(answer) === 'walk') expect(answer).toMatchObject({ states: [{ phase: name }] });
        const [state] = answer.ok ? answer.states : [];
        if (state?.phase === 'walk') expect(state.remaining!.min).toBeLessThanOrEqual(left);
        await timing.pass(1000);
      }
    }
  });

  it('takes a disagreement for unknown, and says so once', async () => {
    const { ask, feeds, timing, kinds } = made([{ weight: 9 }, {}]);
    feeds[0]!.answer = says(timing, 'walk', 20);
    feeds[1]!.answer = says(timing, 'stop', 20);
    for (let i = 0; i < 3; i++)
      expect(await ask()).toMatchObject({
        states: [{ phase: 'unknown' }],
        refused: [{ reason: 'disagreement' }],
      });
    expect(kinds().filter((kind) => kind === 'disagreement')).toHaveLength(1);
    // The same phase with ends that are far apart is no better.
    feeds[1]!.answer = says(timing, 'walk', 12);
    await timing.pass(30_000);
    feeds[0]!.answer = says(timing, 'walk', 20);
    expect(phase(await ask())).toBe('unknown');
  });

  it('takes a fault for a fault, whoever says it', async () => {
    const { ask, feeds, timing } = made([{}, {}]);
    feeds[0]!.answer = says(timing, 'walk', 20);
    feeds[1]!.answer = says(timing, 'fault');
    await ask();
    expect(phase(await ask())).toBe('fault');
  });

  it('goes by two against one, and distrusts the one', async () => {
    const { ask, feeds, timing, kinds, mediator } = made([{ weight: 9 }, {}, {}]);
    feeds[0]!.answer = says(timing, 'stop', 20);
    feeds[1]!.answer = says(timing, 'walk', 20);
    feeds[2]!.answer = says(timing, 'walk', 20);
    // A stop harms nobody, so it is not waited until another vendor bears it out.
    expect(phase(await ask())).toBe('stop');
    expect(phase(await ask())).toBe('walk');
    expect(kinds()).toContain('outvoted');
    expect(mediator.status().map(({ trusted }) => trusted)).toEqual([false, true, true]);
  });

  it('distrusts a vendor that breaks its own word, for longer than a burst of lies', async () => {
    const { ask, feeds, timing, kinds } = made([{ weight: 9 }, {}]);
    for (const feed of feeds) feed.answer = says(timing, 'stop', 20);
    await ask();
    feeds[1]!.answer = fails('timeout');
    await timing.pass(6000);
    feeds[0]!.answer = says(timing, 'walk', 20);
    expect(phase(await ask())).toBe('unknown');
    expect(kinds()).toContain('contradiction');
    await timing.pass(329_000);
    expect(phase(await ask())).toBe('unknown');
  });

  it('hears no clock that is ahead of ours', async () => {
    const { ask, feeds, timing, kinds } = made([{}]);
    feeds[0]!.answer = says(timing, 'walk', 20, { sourceTime: T0 + 3_600_000 });
    expect(phase(await ask())).toBe('nothing-fresh');
    expect(kinds()).toContain('from-future');
  });

  it('forgets a vendor whose clock stands, however often it answers', async () => {
    const { ask, feeds, timing } = made([{}]);
    feeds[0]!.answer = says(timing, 'stop', 20, { sourceTime: T0, timingSourceTime: T0 });
    for (let second = 0; second <= 5; second++) {
      expect(phase(await ask())).toBe('stop');
      await timing.pass(1000);
    }
    for (let second = 0; second <= 20; second++) {
      expect(phase(await ask())).toBe('nothing-fresh');
      await timing.pass(1000);
    }
    feeds[0]!.answer = says(timing, 'stop', 20);
    expect(phase(await ask())).toBe('stop');
  });

  it('polls each intersection once a period while it is watched', async () => {
    const { mediator, feeds, timing } = made([{}], { pollMs: 1000 });
    feeds[0]!.answer = says(timing, 'stop');
    const watch = ['et', 'wt', 'nt'].map((head) => signal({ signalId: head, head }));
    mediator.watch([...watch, signal({ signalId: 'far', externalId: '7' })]);
    await timing.pass(9500);
    const asked = feeds[0]!.asked.map((signals) => signals.map(({ signalId }) => signalId).join());
    expect(asked.filter((ids) => ids === 'et,wt,nt')).toHaveLength(10);
    expect(asked.filter((ids) => ids === 'far')).toHaveLength(10);
    expect(mediator.current(watch[0]!)?.phase).toBe('stop');
    mediator.watch([]);
    await timing.pass(10_000);
    expect(feeds[0]!.asked).toHaveLength(20);
    expect(mediator.current(watch[0]!)).toBeUndefined();
    await mediator.close();
  });

  it('goes on polling when a listener throws', async () => {
    const timing = new HandTiming(T0);
    const feed = new FakeFeed(timing, says(timing, 'stop'));
    const onState = () => {
      throw new Error('no');
    };
    const mediator = new Mediator([{ config: slotConfig('a'), make: () => feed }], times(), {
      timing,
      chance: () => 0,
      onState,
    });
    mediator.watch([signal()]);
    await timing.pass(5000);
    expect(feed.asked.length).toBeGreaterThan(3);
    await mediator.close();
  });
});

describe('usage', () => {
  it('is kept by vendor and month across restarts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'its-'));
    const path = join(folder, 'usage.json');
    for (let run = 1; run <= 2; run++) {
      const { ask, feeds, timing, mediator } = made([{ weight: 9, costPerCall: 0.5 }, {}], {}, path);
      feeds[0]!.answer = fails('html-body');
      feeds[1]!.answer = says(timing, 'stop');
      await ask();
      await mediator.close();
      expect(JSON.parse(readFileSync(path, 'utf8')).months['2026-03']).toEqual({
        a: { calls: run, bytes: 0, errors: run, cost: run / 2 },
        b: { calls: run, bytes: 100 * run, errors: 0, cost: 0 },
      });
    }
    rmSync(folder, { recursive: true });
  });

  it('is written a few seconds after it changed, whole', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'its-'));
    const path = join(folder, 'usage.json');
    const timing = new HandTiming(T0);
    const usage = new Usage(path, timing, (detail) => expect.fail(detail));
    for (let i = 0; i < 100; i++) usage.add('a', { calls: 1, bytes: 5 }, false, 0.25);
    await timing.pass(4999);
    expect(existsSync(path)).toBe(false);
    await timing.pass(1);
    await usage.save();
    const again = new Usage(path, timing, (detail) => expect.fail(detail));
    expect(again.months).toEqual({ '2026-03': { a: { calls: 100, bytes: 500, errors: 0, cost: 25 } } });
    expect(readdirSync(folder)).toEqual(['usage.json']);
    rmSync(folder, { recursive: true });
  });

  it('begins anew, aloud, with a file that is damaged, and says when it cannot write', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'its-'));
    const path = join(folder, 'usage.json');
    const problems: string[] = [];
    const timing = new HandTiming(T0);
    for (const text of [
      '{"usageVersion":1,"mon',
      '{"usageVersion":1,"months":{"2026-03":{"a":{"calls":-1}}}}',
    ]) {
      writeFileSync(path, text);
      expect(new Usage(path, timing, (detail) => problems.push(detail)).months).toEqual({});
      expect(readFileSync(`${path}.bad`, 'utf8')).toBe(text);
    }
    await new Usage(join(folder, 'no', 'such'), timing, (detail) => problems.push(detail)).save();
    expect(problems).toHaveLength(3);
    rmSync(folder, { recursive: true });
  });
});

describe('a token bucket', () => {
  it('doubles the pause at each quota answer that names none, until a good one', () => {
    const bucket = new TokenBucket(10, 10, 0);
    const pauses = [];
    let now = 0;
    for (let i = 0; i < 4; i++) {
      bucket.quotaAnswer(now);
      pauses.push(bucket.pausedUntilMs - now);
      now = bucket.pausedUntilMs;
      expect(bucket.take(now - 1)).toBe(false);
      expect(bucket.take(now)).toBe(true);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000]);
    bucket.goodAnswer();
    bucket.quotaAnswer(now);
    expect(bucket.pausedUntilMs - now).toBe(1000);
  });
});

it('backs off from the least to the greatest pause, half of it by chance', () => {
  const pauses = [0, 1, 2, 3, 9, 99].map((attempt) => backoffMs(attempt, 500, 30_000, () => 1));
  expect(pauses).toEqual([500, 1000, 2000, 4000, 30_000, 30_000]);
  expect(backoffMs(2, 500, 30_000, () => 0)).toBe(1000);
});
