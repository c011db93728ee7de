import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it } from 'vitest';
import { DoorsMqtt } from '../../src/adapters/its/doors-mqtt.ts';
import { itsConfig } from '../../src/adapters/its/its-config.ts';
import { openIts } from '../../src/adapters/its/open-its.ts';
import { FakeCity } from '../../src/adapters/its/simulate/city.ts';
import { cityGraph } from '../../src/adapters/its/simulate/graph.ts';
import { truthAt } from '../../src/adapters/its/simulate/plan.ts';
import type { Timing } from '../../src/adapters/its/timing.ts';
import type { MediatorEvent } from '../../src/adapters/its/voices.ts';
import { addIts } from '../../src/commands/its.ts';
import type { RefusedInput } from '../../src/ports.ts';
import type { DoorState, LiftState } from '../../src/types/building.ts';
import { refusalReason, type SignalState } from '../../src/types.ts';
import { until } from './its-mosquitto.ts';

const root = resolve(import.meta.dirname, '../..');
const graphFile = join(root, 'test/fixtures/city.geojson');
const graph = cityGraph(readFileSync(graphFile, 'utf8'));
const plan = { cycle: 60, walk: 20 };
const [east, north, west] = graph.signals;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Time that runs ten times as fast from `start`, so that the proof of a unit takes half a second. */
function fast(start: number): Timing {
  const [began, rate] = [performance.now(), 10];
  const nowMs = () => (performance.now() - began) * rate;
  return {
    nowMs,
    wallMs: () => start + nowMs(),
    after(ms, run) {
      const timer = setTimeout(run, ms / rate);
      return () => clearTimeout(timer);
    },
  };
}

/** A city at second 1 of a minute, in which north walks until 20 and east from 30 to 50. */
async function start(vendors: readonly string[], faults: unknown = {}) {
  const timing = fast(Date.UTC(2026, 2, 2, 3, 4, 1));
  const city = await FakeCity.start({
    graph,
    plan,
    host: '127.0.0.1',
    httpPort: 0,
    mqttPort: 0,
    timing,
    faults,
  });
  closing.push(() => city.close());
  const all = itsConfig.parse(city.config());
  const config = { ...all, vendors: all.vendors.filter(({ name }) => vendors.includes(name)) };
  const states: SignalState[] = [];
  const events: MediatorEvent[] = [];
  const mediator = openIts(
    config,
    {},
    {
      timing,
      onState: (state) => states.push(state),
      onEvent: (event) => events.push(event),
    },
  );
  closing.push(() => mediator.close());
  mediator.watch([east!, north!, west!]);
  const last = (id: string) => states.findLast(({ signalId }) => signalId === id);
  const kind = (word: string) => events.some((event) => event.kind === word);
  return { city, mediator, timing, states, events, last, kind };
}

describe('the fake city', () => {
  it.each(['mqtt', 'city', 'national'])('shows its truth by the vendor %s, timing too', async (name) => {
    const { last, timing, states } = await start([name]);
    await until(() => last('gangnam-north')?.remaining !== undefined, 'a remaining time');
    for (const signal of graph.signals) {
      const state = last(signal.signalId)!;
      const truth = truthAt(signal, plan, state.sourceTime);
      expect(state).toMatchObject({ phase: truth.phase, provider: name });
      // KLID stamps whole seconds, counts are whole tenths.
      const tolerance = name === 'national' ? 1.1 : 0.11;
      if (state.remaining) expect(Math.abs(state.remaining.min - truth.remaining)).toBeLessThan(tolerance);
      expect(state.sourceTime).toBeLessThanOrEqual(timing.wallMs());
    }
    // North walks first: a lone vendor is not believed before it kept its word once.
    const walks = (id: string) => id === 'gangnam-north';
    expect(states.every(({ signalId, phase }) => phase !== 'unknown' || walks(signalId))).toBe(true);
    expect(states.some(({ phase }) => phase === 'walk' || phase === 'fault')).toBe(false);
  });

  it('is believed when it walks, by three vendors that agree', async () => {
    const { last, events } = await start(['mqtt', 'city', 'national']);
    await until(() => last('gangnam-north')?.phase === 'walk', 'north walks');
    await until(() => last('gangnam-north')?.phase === 'stop', 'north stops');
    await until(() => last('gangnam-east')?.phase === 'walk', 'east walks');
    const bad = ['disagreement', 'contradiction', 'outvoted'];
    expect(events.filter(({ kind }) => bad.includes(kind))).toEqual([]);
  });

  it.each([
    ['quota', { quota: true }, 'quota'],
    ['a quota in a body', { quota: true, html: true }, 'quota'],
    ['html', { html: true }, 'breaker-open'],
    ['another id', { wrongId: true }, 'breaker-open'],
    ['silence', { silence: true }, 'breaker-open'],
    ['latency', { latencyMs: 3000 }, 'breaker-open'],
    ['a wrong unit', { wrongUnit: true }, 'unit-wrong'],
    ['flapping', { flapping: true }, 'unit-unproven'],
  ])('makes the city feed bad by %s', async (_, city, word) => {
    const { kind, states } = await start(['city'], { city });
    await until(() => kind(word), word);
    expect(states.every(({ remaining }) => remaining === undefined)).toBe(true);
  });

  it('disagrees with itself where it is told to: nothing is known then', async () => {
    const { last, kind } = await start(['city', 'mqtt'], { city: { disagreement: true } });
    await until(() => kind('disagreement') || kind('outvoted'), 'the event');
    await until(() => last('gangnam-north')?.phase === 'unknown', 'unknown');
  });

  it('goes on with one vendor when another falls silent, and with it again later', async () => {
    const { city, states, kind } = await start(['city', 'national']);
    await until(() => states.some(({ provider }) => provider === 'national'), 'both');
    city.setFaults({ national: { silence: true } });
    await until(() => kind('breaker-open'), 'the breaker');
    const count = states.length;
    await until(() => states.length > count + 5, 'answers of the other');
    expect(states.at(-1)?.phase).toBeDefined();
    city.setFaults({});
    await until(() => kind('breaker-closed'), 'the breaker again');
  });

  it('stops its clock: its word is soon none', async () => {
    const { city, mediator } = await start(['mqtt']);
    await until(() => mediator.current(north!) !== undefined, 'a state');
    city.setFaults({ mqtt: { frozenClock: true } });
    await until(() => mediator.current(north!) === undefined, 'silence');
    city.setFaults({});
    await until(() => mediator.current(north!) !== undefined, 'a state again');
  });

  it('names faults that it does not know', async () => {
    const { city } = await start([]);
    expect(() => city.setFaults({ city: { slow: true } })).toThrow(/slow/);
    const answer = await fetch(`${city.httpUrl}/faults`, { method: 'PUT', body: '{"cities":1}' });
    expect(answer.status).toBe(400);
    const good = await fetch(`${city.httpUrl}/faults`, { method: 'PUT', body: '{"city":{"latencyMs":5}}' });
    expect(((await good.json()) as { city: { latencyMs: number } }).city.latencyMs).toBe(5);
    expect((await fetch(`${city.httpUrl}/nowhere`)).status).toBe(404);
  });

  it('names a port that is taken, and leaves nothing running', async () => {
    const { city, timing } = await start([]);
    const ports = { http: Number(new URL(city.httpUrl).port), mqtt: Number(new URL(city.mqttUrl).port) };
    const again = (httpPort: number, mqttPort: number) =>
      FakeCity.start({ graph, plan, host: '127.0.0.1', httpPort, mqttPort, timing });
    await expect(again(0, ports.mqtt)).rejects.toThrow(
      `127.0.0.1:${ports.mqtt}: expected a port that is free`,
    );
    await expect(again(ports.http, 0)).rejects.toThrow(
      `127.0.0.1:${ports.http}: expected a port that is free`,
    );
  });

  it('refuses a graph that is none', () => {
    const bad = [
      '{',
      '[]',
      '{"type":"FeatureCollection","features":[{"properties":{"kind":"signal","id":"x"}}]}',
    ];
    for (const text of bad) {
      const reason = (() => {
        try {
          cityGraph(text);
        } catch (error) {
          return refusalReason(error);
        }
        return undefined;
      })();
      expect(reason).toBe('bad-graph');
    }
  });
});

function robot(city: FakeCity, timing: Timing, clientId: string) {
  const doors: DoorState[] = [];
  const lifts: LiftState[] = [];
  const notes: RefusedInput[] = [];
  const config = itsConfig.parse({ doors: { broker: { url: city.mqttUrl, clientId } } }).doors!;
  const link = new DoorsMqtt(
    config,
    {
      door: (state) => doors.push(state),
      lift: (state) => lifts.push(state),
      note: (note) => notes.push(note),
    },
    { timing, chance: () => 0.5 },
  );
  closing.push(() => link.close());
  let sequence = 0;
  const lift = (floor: string | undefined) =>
    link.request({ kind: 'lift', liftId: 'lift-a', sessionId: clientId, sequence: ++sequence, floor });
  const door = (open: boolean) =>
    link.request({ kind: 'door', doorId: 'lobby', sessionId: clientId, sequence: ++sequence, open });
  const inside = () => {
    const state = lifts.at(-1);
    return (
      state?.door === 'OPEN' && state.sessionId === clientId && state.currentFloor === state.destinationFloor
    );
  };
  return { link, doors, lifts, notes, lift, door, inside };
}

describe('doors and lifts over MQTT', () => {
  it('open for one, and close behind', async () => {
    const { city, timing } = await start([]);
    const one = robot(city, timing, 'one');
    expect(await one.door(true)).toBe(false); // not connected yet: nothing is sent later
    await until(() => one.doors.length > 0, 'states');
    expect(one.doors.at(-1)).toMatchObject({ doorId: 'lobby', mode: 'CLOSED', sessionId: '' });
    expect(await one.door(true)).toBe(true);
    await until(() => one.doors.at(-1)?.mode === 'OPEN', 'open');
    expect(one.doors.at(-1)?.sessionId).toBe('one');
    expect(one.doors.some(({ mode }) => mode === 'MOVING')).toBe(true);
    await one.door(false);
    await until(() => one.doors.at(-1)?.mode === 'CLOSED', 'closed');
  });

  it('let two robots that want one lift ride one after the other', async () => {
    const { city, timing } = await start([]);
    const [one, two] = [robot(city, timing, 'one'), robot(city, timing, 'two')];
    await until(() => one.lifts.length > 0 && two.lifts.length > 0, 'states');
    await one.lift('L2');
    await until(() => one.lifts.at(-1)?.sessionId === 'one', 'the session');
    await two.lift('B1');
    await until(() => one.inside(), 'the lift for one');
    expect(two.inside()).toBe(false);
    // Old and repeated requests change nothing.
    await one.link.request({ kind: 'lift', liftId: 'lift-a', sessionId: 'one', sequence: 0, floor: 'B1' });
    const seen = one.lifts.length;
    await until(() => one.lifts.length > seen + 3, 'more states');
    expect(one.inside()).toBe(true);
    await one.lift(undefined);
    await until(() => two.inside(), 'the lift for two');
    for (const { door, sessionId } of two.lifts) if (door === 'OPEN') expect(sessionId).not.toBe('');
    city.setFaults({ lift: { mode: 'FIRE' } });
    await until(() => two.lifts.at(-1)?.mode === 'FIRE', 'fire');
    expect(two.inside()).toBe(false);
  });

  it('name states that cannot be used', async () => {
    const { city, timing } = await start([]);
    const [one, other] = [robot(city, timing, 'one'), robot(city, timing, 'other')];
    await until(() => one.doors.length > 0 && other.doors.length > 0, 'states');
    const { default: mqtt } = await import('mqtt');
    const client = await mqtt.connectAsync(city.mqttUrl);
    closing.push(async () => void client.end(true));
    for (const text of ['{"door_name":7}', '[]', '{'])
      await client.publishAsync('rmf/door_states', text, { qos: 1 });
    await client.publishAsync('rmf/lift_states', '{"lift_name":"a"}', { qos: 1 });
    await client.publishAsync('rmf/door_requests', '{"door_name":"lobby"}', { qos: 1 });
    const noted = (reason: string) => one.notes.some((note) => note.reason === reason);
    await until(() => ['bad-door-state', 'bad-json', 'bad-lift-state'].every(noted), 'the notes');
    await client.publishAsync('rmf/door_states', '{"door_name":"old"}', { qos: 1, retain: true });
    const late = robot(city, timing, 'late');
    await until(
      () => late.notes.some(({ reason }) => reason === 'retained-state'),
      'the note on an old state',
    );
    expect(late.doors.some(({ doorId }) => doorId === 'old')).toBe(false);
  });
});

describe('dilly-nav its simulate', () => {
  const run = (...args: string[]) =>
    spawn(process.execPath, ['--import', 'tsx', join(root, 'src/main.ts'), 'its', 'simulate', ...args], {
      cwd: root,
    });

  it('says where it is and how to ask it, and ends when it is told to', async () => {
    const child = run('--graph', graphFile, '--port', '0', '--mqtt-port', '0', '--json');
    closing.push(async () => void child.kill('SIGKILL'));
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    const said = JSON.parse(line.toString());
    expect(said).toMatchObject({ signals: 3, doors: 1, lifts: 1 });
    expect(() => itsConfig.parse(said.config)).not.toThrow();
    const truth = (await (await fetch(`${said.http}/truth`)).json()) as { signals: object };
    expect(Object.keys(truth.signals)).toEqual(['gangnam-east', 'gangnam-north', 'yeoksam-west']);
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  it.each([
    [['--graph', 'nowhere.geojson', '--port', '0'], 'no-file'],
    [['--graph', graphFile, '--port', 'x'], 'commander.invalidArgument'],
    [['--port', '0'], 'commander.missingMandatoryOptionValue'],
    [['--graph', graphFile, '--port', '0', '--cycle', '0'], 'commander.invalidArgument'],
    [['--graph', graphFile, '--port', '0', '--walk', '60', '--cycle', '60'], 'bad-argument'],
  ])('refuses %j', async (args, reason) => {
    const program = new Command();
    addIts(program);
    const its = program.commands[0]!;
    for (const command of [program, its, ...its.commands])
      command.exitOverride().configureOutput({ writeErr: () => {} });
    const error = await program
      .parseAsync(['its', 'simulate', ...args], { from: 'user' })
      .catch((found) => found);
    expect(error.reason ?? error.code).toBe(reason);
  });
});
