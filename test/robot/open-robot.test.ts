import { afterEach, expect, it } from 'vitest';
import { Street } from './street.ts';

let street: Street | undefined;
afterEach(() => street?.close());

it('opens on a map service, finds itself, takes a way, waits at the light and goes with it', async () => {
  // 2 m before the stop line, looking over the road.
  street = await Street.open({ start: [44, -9.8, Math.PI / 2], walkIn: 9 });
  const { robot, supply } = street.opened;
  expect(robot.advice).toMatchObject({ motion: 'stop', reason: 'starting' });
  expect(await robot.command({ kind: 'go-to', poi: 'lobby' })).toMatchObject({
    ok: false,
    reason: 'place-unknown',
  });
  await street.begin();
  await street.until(() => street!.status?.frame.state === 'TRACKING');
  expect(robot.advice).toMatchObject({ motion: 'stop', reason: 'no route to follow' });

  expect(await robot.command({ kind: 'go-to', poi: 'nowhere' })).toMatchObject({ reason: 'unknown-poi' });
  expect(await robot.command({ kind: 'go-to', poi: 'lobby' })).toMatchObject({ ok: true });
  // The version that the map service serves, not one that somebody made up.
  expect(robot.route?.mapVersion).toBe(supply!.index.version);
  expect(robot.route).toMatchObject({
    crossings: [{ id: 'gangnam-crossing' }],
    buildings: [{ kind: 'door' }],
  });

  const crossing = () => street!.status?.crossings[0];
  await street.until(() => crossing()?.reason === 'phase-stop' && crossing()?.signal !== undefined);
  expect(robot.advice.speedLimit).toBeLessThan(1.5);
  await street.until(() => crossing()?.phase === 'GO');
  expect(street.city.truth().signals['gangnam-crossing']!.phase).toBe('walk');
  await street.until(() => crossing()?.phase === 'CLEARING');
  await street.until(() => (street!.status?.route?.along ?? 0) > 8);

  const { frame, health, tiles } = street.status!;
  const [x, y] = street.drive.body.pose.position;
  expect(Math.hypot(frame.pose!.position[0] - x, frame.pose!.position[1] - y)).toBeLessThan(0.3);
  expect(tiles.length).toBeGreaterThan(4);
  expect(health.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'map',
      'vendor:city',
      'broker:mqtt',
      'broker:doors',
      'sensor:/points',
      'sensor:/fix',
    ]),
  );
  for (const name of ['map', 'broker:mqtt', 'broker:doors', 'sensor:/points', 'sensor:/imu'])
    expect([name, street.health(name)]).toEqual([name, 'ok']);
  expect(await street.opened.metrics()).toContain('vendor="mqtt"');
  const kinds = street.events.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['localisation', 'route', 'crossing', 'advice']));
  expect(street.events.filter(({ severity }) => severity === 'alarm')).toEqual([]);
}, 300_000);
