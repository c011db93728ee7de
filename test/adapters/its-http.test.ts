import type { RequestListener, Server, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../src/adapters/its/http-get.ts';
import { HttpVendor } from '../../src/adapters/its/http-vendor.ts';
import { cityFeed, nationalFeed } from '../../src/adapters/its/korean-feeds.ts';
import { machineTiming } from '../../src/adapters/its/timing.ts';
import { signalsAhead } from '../../src/adapters/its/vendor.ts';
import type { SignalAnswer } from '../../src/ports.ts';
import type { RouteSignal } from '../../src/types.ts';
import { httpConfig, listen } from './its-fakes.ts';
import { cityRecord, nationalAnswer, signal } from './its-samples.ts';

const open: { server: Server; vendor: HttpVendor }[] = [];
afterEach(async () => {
  for (const { server, vendor } of open.splice(0)) {
    await vendor.close();
    server.closeAllConnections();
    server.close();
  }
});

interface Made {
  vendor: HttpVendor;
  requests: URL[];
  notes: string[];
  ask: (signals?: readonly RouteSignal[]) => Promise<SignalAnswer>;
}

/** A vendor in front of a server of this machine, watching its signals. */
async function made(
  answer: (response: ServerResponse, url: URL) => void,
  {
    kind = 'city-http',
    feed = 'fusion',
    more = {},
    watch = [signal()],
  }: {
    kind?: 'city-http' | 'national-http';
    feed?: 'fusion' | 'timing+phase';
    more?: object;
    watch?: readonly RouteSignal[];
  } = {},
): Promise<Made> {
  const requests: URL[] = [];
  const notes: string[] = [];
  const listener: RequestListener = (request, response) => {
    const url = new URL(request.url!, 'http://x');
    requests.push(url);
    answer(response, url);
  };
  const { url, server } = await listen(listener);
  const config = httpConfig(kind, `${url}/api`, more);
  const context = {
    timing: machineTiming,
    chance: Math.random,
    onStates: () => {},
    onNote: (_: string, note: { reason: string }) => void notes.push(note.reason),
  };
  const httpFeed = kind === 'city-http' ? cityFeed(config.url, 'KEY', feed) : nationalFeed(config.url, 'KEY');
  const vendor = new HttpVendor(config, context, httpFeed);
  vendor.watch(watch);
  open.push({ server, vendor });
  const ask = (signals: readonly RouteSignal[] = watch) => vendor.ask(signals, machineTiming.nowMs() + 2000);
  return { vendor, requests, notes, ask };
}

const json = (value: unknown) => (response: ServerResponse) => void response.end(JSON.stringify(value));
const reason = (answer: SignalAnswer) => (answer.ok ? 'ok' : answer.reason);

describe('a vendor over HTTP', () => {
  it('asks Seoul by intersection and key, and holds the timing back until its unit is proven', async () => {
    let second = 0;
    const { ask, requests, notes } = await made((response) =>
      json(
        cityRecord({
          trsmUtcTime: Date.UTC(2026, 1, 1) + second * 1000,
          etPdsgRmdrCs: 300 - 10 * second,
          wtPdsgRmdrCs: null,
        }),
      )(response),
    );
    for (; second < 6; second++) {
      const answer = await ask();
      const [state] = answer.ok ? answer.states : [];
      expect(state).toMatchObject({ phase: 'walk', provider: 'city-http' });
      expect(state?.remaining?.min).toBe(second < 5 ? undefined : 25);
    }
    expect(requests[0]!.pathname).toBe('/api/v2xSignalPhaseTimingFusionInformation/1.0');
    expect(Object.fromEntries(requests[0]!.searchParams)).toMatchObject({ apikey: 'KEY', itstId: '2691' });
    expect(notes.filter((note) => note === 'unit-unproven')).toHaveLength(5);
  });

  it('joins timing and phase of two requests', async () => {
    const { ask, requests } = await made(json([cityRecord()]), { feed: 'timing+phase' });
    const answer = await ask();
    expect(answer).toMatchObject({ ok: true, traffic: { calls: 2 } });
    expect(requests.map(({ pathname }) => pathname).sort()).toEqual([
      '/api/v2xSignalPhaseInformation/1.0',
      '/api/v2xSignalPhaseTimingInformation/1.0',
    ]);
  });

  it('asks KLID by municipality and crossroad', async () => {
    const watch = [signal({ externalId: '1100000000:1057' })];
    const { ask, requests } = await made(json(nationalAnswer()), { kind: 'national-http', watch });
    expect(await ask()).toMatchObject({ ok: true, states: [{ phase: 'walk', signalId: 's1' }] });
    expect(Object.fromEntries(requests[0]!.searchParams)).toMatchObject({
      serviceKey: 'KEY',
      stdgCd: '1100000000',
      crsrdId: '1057',
      type: 'json',
    });
  });

  it('sends one request for all signals of an intersection, and none for one that is not watched', async () => {
    const watch = ['et', 'wt'].map((head) => signal({ signalId: head, head }));
    const { ask, vendor, requests } = await made(json(cityRecord()), { watch });
    const answers = await Promise.all([ask(), ask([watch[0]!]), ask([watch[1]!])]);
    expect(answers.map((answer) => answer.ok && answer.states.length)).toEqual([2, 1, 1]);
    expect(answers.reduce((sum, { traffic }) => sum + traffic.calls, 0)).toBe(1);
    expect(requests).toHaveLength(1);
    vendor.watch([]);
    expect(reason(await ask())).toBe('not-watched');
    expect(requests).toHaveLength(1);
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ['an HTML page with status 200', (r) => r.end('<!doctype html><p>sorry'), 'html-body'],
    ['another id', json(cityRecord({ itstId: '9' })), 'wrong-id'],
    ['a quota in a body', json({ responseCode: 429, message: 'Rate limit exceeded.' }), 'quota'],
    ['404, its word for a key not approved', (r) => r.writeHead(404).end('{}'), 'not-approved'],
    ['401', (r) => r.writeHead(401).end(), 'key-refused'],
    ['500', (r) => r.writeHead(500).end('x'), 'http-status'],
    ['a redirect', (r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), 'http-status'],
    [
      'half a body',
      (r) => {
        r.writeHead(200, { 'content-length': 100 });
        r.write('{');
        r.destroy();
      },
      'unreachable',
    ],
    ['nothing but a closed connection', (r) => r.destroy(), 'unreachable'],
    ['nothing', () => {}, 'timeout'],
    ['no head of ours', json(cityRecord({ etPdsgStatNm: null })), 'no-such-head'],
  ])('refuses %s', async (_, answer, expected) => {
    const { ask } = await made(answer);
    const refused = await ask();
    expect(reason(refused)).toBe(expected);
    expect(JSON.stringify(refused)).not.toContain('KEY');
  });

  it('hands on how long a vendor wants to be left alone', async () => {
    const { ask } = await made((response) => response.writeHead(429, { 'retry-after': '7' }).end());
    expect(await ask()).toMatchObject({ ok: false, reason: 'quota', retryAfterMs: 7000 });
    expect(retryAfterMs('Sun, 01 Mar 2026 00:00:30 GMT', Date.UTC(2026, 2, 1))).toBe(30_000);
    expect(retryAfterMs('Sun, 01 Mar 2026 00:00:30 GMT', Date.UTC(2026, 2, 2))).toBe(0);
    expect(retryAfterMs('99999999', 0)).toBe(86_400_000);
    expect(retryAfterMs('soon', 0)).toBeUndefined();
  });

  it('cuts off a vendor that sends a byte at a time', async () => {
    const { ask } = await made((response) => {
      const drip = setInterval(() => response.write('{'), 40);
      response.on('close', () => clearInterval(drip));
    });
    const answer = await ask();
    expect(reason(answer)).toBe('timeout');
    expect(answer.traffic.bytes).toBeGreaterThan(0);
    expect(answer.traffic.bytes).toBeLessThan(30);
  });

  it.each([true, false])(
    'reads no more of ten megabytes than it may (length declared: %s)',
    async (declared) => {
      let sent = 0;
      const { ask } = await made((response) => {
        if (declared) response.writeHead(200, { 'content-length': 10_485_760 });
        const chunk = Buffer.alloc(65_536, 0x20);
        const more = () => {
          while (sent < 10_485_760 && !response.destroyed) {
            sent += chunk.length;
            if (!response.write(chunk)) return;
          }
        };
        response.on('drain', more);
        more();
      });
      const answer = await ask();
      expect(reason(answer)).toBe('too-large');
      expect(answer.traffic.bytes).toBeLessThan(262_144 + 65_536 + 1);
    },
  );

  it('answers when it is closed meanwhile', async () => {
    const { ask, vendor } = await made(() => {});
    const answer = ask();
    await vendor.close();
    expect(reason(await answer)).toBe('timeout');
  });
});

it('asks only for signals within the query distance, and until they are crossed', () => {
  const at = (distance: number) => ({ signal: signal({ signalId: String(distance) }), distance });
  const ahead = signalsAhead([at(-13), at(-11), at(0), at(60), at(61)], 60);
  expect(ahead.map(({ signalId }) => signalId)).toEqual(['-11', '0', '60']);
});
