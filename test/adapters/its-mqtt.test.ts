import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { type VendorConfig, vendorConfig } from '../../src/adapters/its/its-config.ts';
import { MqttSpat } from '../../src/adapters/its/mqtt-spat.ts';
import { spatToUper } from '../../src/adapters/its/simulate/spat-write.ts';
import { machineTiming } from '../../src/adapters/its/timing.ts';
import type { RefusedInput } from '../../src/ports.ts';
import type { SignalState } from '../../src/types.ts';
import { freePort, Mosquitto, makeCertificates, mosquittoPath, until } from './its-mosquitto.ts';
import { mapBytes, odeSpat, signal } from './its-samples.ts';

if (!mosquittoPath) console.warn('skipped: no mosquitto on PATH; apt-get install mosquitto');

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const walker = signal({ externalId: '12111', head: '2' });

async function broker(settings?: (folder: string) => string): Promise<Mosquitto> {
  const made = new Mosquitto(await freePort(), settings);
  closing.push(() => made.end());
  await made.start();
  return made;
}

async function publisher(url: string, options: object = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 100, ...options });
  closing.push(async () => void client.end(true));
  return client;
}

function vendor(url: string, more: object = {}, brokerMore: object = {}) {
  const config = vendorConfig.parse({
    kind: 'mqtt-spat',
    name: 'spat',
    provider: 'seoul',
    mapTopic: 'its/{id}/map',
    broker: { url, clientId: 'robot-1', backoffMinMs: 20, backoffMaxMs: 200, keepalive: 2, ...brokerMore },
    ...more,
  }) as Extract<VendorConfig, { kind: 'mqtt-spat' }>;
  const notes: RefusedInput[] = [];
  const states: SignalState[] = [];
  const feed = new MqttSpat(config, {
    timing: machineTiming,
    chance: () => 0.5,
    onStates: (found) => void states.push(...found),
    onNote: (_, note) => void notes.push(note),
  });
  closing.push(() => feed.close());
  const noted = (reason: string) => notes.some((note) => note.reason === reason);
  return { feed, notes, states, noted };
}

describe.skipIf(!mosquittoPath)('SPaT over a real broker', () => {
  it.each([4, 5])(
    'reads JSON and UPER of what it watches, and says it is online (MQTT level %d)',
    async (protocolVersion) => {
      const { port } = await broker();
      const url = `mqtt://127.0.0.1:${port}`;
      const client = await publisher(url);
      const status: string[] = [];
      client.on('message', (_, payload) => status.push(payload.toString()));
      await client.subscribeAsync('robots/robot-1/its', { qos: 1 });
      const { feed, states, noted } = vendor(url, {}, { protocolVersion });
      expect(await feed.ask([walker], 0)).toMatchObject({ ok: false, reason: 'not-connected' });
      feed.watch([walker]);
      await until(() => noted('connected') && status.includes('online'), 'online');
      expect(await feed.ask([walker], machineTiming.nowMs() + 50)).toMatchObject({
        ok: false,
        reason: 'silent',
      });

      const asked = feed.ask([walker], machineTiming.nowMs() + 5000);
      await client.publishAsync('its/12111/spat', JSON.stringify(odeSpat()), { qos: 1 });
      expect(await asked).toMatchObject({ ok: true, states: [{ phase: 'walk', provider: 'spat' }] });
      const movements = [{ signalGroup: 2, eventState: 'stop-and-remain', minEnd: { tenths: 5 } }];
      const bytes = spatToUper([{ id: 12111, status: 0, timeStamp: 0, movements }]);
      await client.publishAsync('its/12111/spat', Buffer.from(bytes), { qos: 1 });
      await until(() => states.at(-1)?.phase === 'stop', 'the UPER message');

      // What is no longer watched is no longer read.
      feed.watch([]);
      feed.watch([signal({ externalId: '7', head: '2' })]);
      await client.publishAsync('its/12111/spat', JSON.stringify(odeSpat()), { qos: 1 });
      await client.publishAsync('its/7/spat', JSON.stringify(odeSpat()), { qos: 1 });
      await until(() => noted('wrong-id'), 'the note on another id');
      expect(states).toHaveLength(2);
      await feed.close();
      await until(() => status.at(-1) === 'offline', 'offline');
    },
  );

  it('names what it cannot use: damage, too much of it, and lights that are not of a crosswalk', async () => {
    const { port } = await broker();
    const url = `mqtt://127.0.0.1:${port}`;
    const client = await publisher(url);
    const { feed, states, noted } = vendor(url);
    feed.watch([walker]);
    await until(() => noted('connected'), 'the connection');
    const send = (payload: string | Buffer, topic = 'its/12111/spat') =>
      client.publishAsync(topic, payload, { qos: 1 });
    await send('{"a":');
    await send('<html>');
    await send(Buffer.from([0, 19, 3, 255, 255, 255]));
    await send(Buffer.alloc(10_000_000, 0x20));
    await until(() => ['bad-json', 'html-body', 'bad-uper', 'too-large'].every(noted), 'the refusals');
    expect(states).toEqual([]);
    await send(Buffer.from(mapBytes('0000', 2)), 'its/12111/map');
    await send(JSON.stringify(odeSpat()));
    await until(() => noted('not-a-crosswalk'), 'the note on the light for cars');
    expect(states).toEqual([]);
  });

  it('hears no message that the broker remembers, of whatever age it is', async () => {
    const { port } = await broker();
    const url = `mqtt://127.0.0.1:${port}`;
    const client = await publisher(url);
    await client.publishAsync('its/12111/spat', JSON.stringify(odeSpat()), { qos: 1, retain: true });
    const { feed, states, noted } = vendor(url);
    feed.watch([walker]);
    await until(() => noted('retained-state'), 'the note on the old message');
    expect(states).toEqual([]);
    await client.publishAsync('its/12111/spat', JSON.stringify(odeSpat()), { qos: 1, retain: true });
    await until(() => states.length === 1, 'the new message');
  });

  it('does not storm a broker that throws it out each time', async () => {
    const { port } = await broker();
    const url = `mqtt://127.0.0.1:${port}`;
    const first = vendor(url, {}, { backoffMinMs: 20, backoffMaxMs: 1000 });
    await until(() => first.noted('connected'), 'the connection');
    // Two robots with one client id throw each other out.
    const second = vendor(url, {}, { backoffMinMs: 20, backoffMaxMs: 1000 });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const connections = [...first.notes, ...second.notes].filter(({ reason }) => reason === 'connected');
    // Each pause is twice the last one: 15, 30, 60 … 750 ms; without that there would be a hundred.
    expect(connections.length).toBeGreaterThan(3);
    expect(connections.length).toBeLessThan(24);
  });

  it('comes back by itself when the broker is killed and started again, as often as that happens', async () => {
    const real = await broker();
    const url = `mqtt://127.0.0.1:${real.port}`;
    const { feed, notes, states } = vendor(url);
    feed.watch([walker]);
    const count = (reason: string) => notes.filter((note) => note.reason === reason).length;
    for (let round = 1; round <= 3; round++) {
      await until(() => count('connected') === round, `connection ${round}`);
      const client = await publisher(url);
      // The subscription may come a moment after the connection.
      await until(() => {
        void client.publishAsync('its/12111/spat', JSON.stringify(odeSpat()), { qos: 1 }).catch(() => {});
        return states.length >= round;
      }, `a message after connection ${round}`);
      client.end(true);
      const before = count('disconnected');
      await real.kill();
      await until(() => count('disconnected') > before, `the end of connection ${round}`);
      expect(await feed.ask([signal({ signalId: 'other' })], 0)).toMatchObject({ reason: 'not-connected' });
      states.length = round;
      await real.start();
    }
  });

  it('is told apart by certificates, and kept to its topics by the ACL', async () => {
    const real = await broker((folder) => {
      makeCertificates(folder, ['robot-1', 'city']);
      const read = 'user robot-1\ntopic read its/12111/spat\ntopic write robots/robot-1/its\n';
      writeFileSync(join(folder, 'acl'), `${read}user city\ntopic readwrite #\n`);
      const at = (file: string) => join(folder, file);
      return [
        `cafile ${at('ca.pem')}`,
        `certfile ${at('localhost.pem')}`,
        `keyfile ${at('localhost.key')}`,
        'require_certificate true',
        'use_identity_as_username true',
        `acl_file ${at('acl')}`,
      ].join('\n');
    });
    const url = `mqtts://localhost:${real.port}`;
    const pem = (name: string) => join(real.folder, name);
    const certificate = { caFile: pem('ca.pem'), certFile: pem('robot-1.pem'), keyFile: pem('robot-1.key') };
    const { feed, states, notes, noted } = vendor(url, {}, certificate);
    const nobody = vendor(url, {}, { clientId: 'nobody', caFile: pem('ca.pem') });
    const missing = vendor(url, {}, { clientId: 'missing', caFile: pem('nowhere.pem') });
    feed.watch([walker, signal({ signalId: 's2', externalId: '4' })]);
    await until(() => noted('connected'), 'the connection with a certificate');
    const { readFileSync } = await import('node:fs');
    const city = await publisher(url, {
      ca: readFileSync(pem('ca.pem')),
      cert: readFileSync(pem('city.pem')),
      key: readFileSync(pem('city.key')),
    });
    await until(() => {
      for (const id of ['4', '12111']) {
        const spat = odeSpat({ id: { id: Number(id) } });
        void city.publishAsync(`its/${id}/spat`, JSON.stringify(spat), { qos: 1 }).catch(() => {});
      }
      return states.length > 1;
    }, 'a message over TLS');
    expect(new Set(states.map(({ signalId }) => signalId))).toEqual(new Set(['s1']));
    await until(() => nobody.noted('disconnected') && missing.noted('disconnected'), 'the refusals');
    expect(nobody.noted('connected')).toBe(false);
    expect(missing.notes[0]!.detail).toContain('nowhere.pem');
    expect(notes.filter(({ reason }) => reason === 'disconnected')).toEqual([]);
  });
});
