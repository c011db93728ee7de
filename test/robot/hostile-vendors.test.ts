import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { damaged } from '../../src/adapters/its/simulate/damage.ts';
import { spatJsonOf } from '../../src/adapters/its/simulate/messages.ts';
import { spatToUper } from '../../src/adapters/its/simulate/spat-write.ts';
import { Random } from '../../src/math/random.ts';
import { ItsWorld } from '../scenarios/its-world.ts';

const STEPS = 500;
const A_STEP = 210;
/** of the heap between the fifth part of the way and its end */
const FLAT_BYTES = 8e6;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heap = () => {
  collect();
  return process.memoryUsage().heapUsed;
};

it('stands before the road with a reason under 105,000 damaged messages, and needs no more memory', async () => {
  const world = new ItsWorld();
  const random = new Random(11);
  try {
    await world.begin();
    world.city.setFaults({ mqtt: { silence: true }, city: { garbage: true }, national: { garbage: true } });
    const client = await mqtt.connectAsync(world.city.mqttUrl);
    const reasons = new Set<string>();
    let before = 0;
    for (let step = 0; step < STEPS; step++) {
      const at = world.timing.wallMs();
      const spat = {
        id: 2691,
        status: 1 << 5,
        moy: Math.floor((at - Date.UTC(2026)) / 60_000),
        timeStamp: at % 60_000,
        movements: [1, 2, 3].map((signalGroup) => {
          const end = { tenths: Math.floor(at / 100 + 200) % 36_000 };
          return { signalGroup, eventState: 'stop-and-remain', minEnd: end, maxEnd: end };
        }),
      };
      const whole = [spatToUper([spat]), Buffer.from(JSON.stringify(spatJsonOf(spat)))];
      for (let n = 0; n < A_STEP; n++)
        client.publish('its/2691/spat', Buffer.from(damaged(whole[n % 2]!, random, 1)));
      await client.publishAsync('its/2691/spat', '', { qos: 1 });
      await world.until((step + 1) / 10);
      // None of it is the truth: the light that it tells of shows stop.
      expect(world.crossing()?.phase).not.toBe('GO');
      expect(world.robot.advice.reason).not.toBe('');
      const { phase, reason } = world.crossing() ?? {};
      if (phase === 'WAITING') reasons.add(reason!);
      if (step === STEPS / 5) before = heap();
    }
    client.end(true);
    expect(world.phases).not.toContain('GO');
    expect(await world.counted('its_events_total')).toBeGreaterThan(STEPS * A_STEP * 0.5);
    // Somebody who looks is not buried in them.
    expect(world.events.length).toBeLessThan(2000);
    expect(reasons.size).toBeGreaterThan(0);
    expect(heap() - before).toBeLessThan(FLAT_BYTES);
  } finally {
    await world.close();
  }
}, 180_000);
