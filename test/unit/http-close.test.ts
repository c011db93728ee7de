import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fastify from 'fastify';
import { expect, it } from 'vitest';
import { closeSoon } from '../../src/http-close.ts';

// Node and fastify without it: 72 s, and for ever.
it('ends with the answer that is under way, and waits for nobody who asks nothing', async () => {
  const app = fastify();
  closeSoon(app);
  app.get('/', async () => {
    app.server.emit('asked');
    await sleep(300);
    return 'whole';
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const silent = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  silent.on('error', () => {});
  await once(silent, 'connect');
  const asked = once(app.server, 'asked');
  const answer = fetch(url).then((response) => response.text());
  await asked;
  const ended = Promise.race([app.close().then(() => 'closed'), sleep(15_000, 'still open', { ref: false })]);
  expect(await answer).toBe('whole');
  expect(await ended).toBe('closed');
});
