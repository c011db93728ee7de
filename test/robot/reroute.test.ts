import { expect, it } from 'vitest';
import type { Destination } from '../../src/robot/parts.ts';
import type { RobotRoute } from '../../src/robot/robot-route.ts';
import { Refusal } from '../../src/types.ts';
import { Scene, straight } from './fake.ts';

/** A robot whose router answers by `find`, on its way to a POI. */
async function onItsWay(find: (to: Destination, asked: number) => Promise<RobotRoute>) {
  const asked: { from: readonly number[]; to: Destination }[] = [];
  const scene = new Scene({
    routes: {
      find(from, to) {
        asked.push({ from, to });
        return find(to, asked.length);
      },
    },
  });
  scene.at(1);
  await scene.robot.command({ kind: 'go-to', poi: 'shop' });
  return { scene, asked };
}

it('looks for the way to where it goes from where it is now, and follows it', async () => {
  const { scene, asked } = await onItsWay(async (_, n) => straight({ routeId: `r${n}` }));
  for (let x = 1; x < 20; x += 0.15) scene.at(x);
  await scene.robot.reroute();
  scene.at(20);
  expect(asked).toHaveLength(2);
  expect(asked[1]!.to).toEqual({ poi: 'shop' });
  expect(asked[1]!.from[0]).toBeCloseTo(19.9, 0);
  expect(scene.status!.route!.routeId).toBe('r2');
  expect(scene.kinds()).not.toContain('reroute-failed');
});

it('asks nobody where it goes nowhere', async () => {
  const scene = new Scene({ routes: { find: () => Promise.reject(new Error('asked')) } });
  scene.at(1);
  await scene.robot.reroute();
  expect(scene.kinds()).not.toContain('reroute-failed');
});

it('keeps its way, and tells an operator, where there is none on the new version', async () => {
  const { scene } = await onItsWay(async (_, n) => {
    if (n === 1) return straight({ routeId: 'r1' });
    throw new Refusal('no-way', 'the map knows no way to shop');
  });
  await scene.robot.reroute();
  scene.at(2);
  expect(scene.status!.route!.routeId).toBe('r1');
  expect(scene.events.find(({ kind }) => kind === 'reroute-failed')).toMatchObject({
    severity: 'warning',
    text: 'on the new version of the map: the map knows no way to shop',
  });
});

it('gives up a router that never answers, and does not follow what it says later', async () => {
  let late: ((route: RobotRoute) => void) | undefined;
  const { scene } = await onItsWay((_, n) =>
    n === 1 ? Promise.resolve(straight({ routeId: 'r1' })) : new Promise((resolve) => (late = resolve)),
  );
  const done = scene.robot.reroute();
  scene.pass(60);
  scene.robot.tick();
  await done;
  expect(scene.kinds()).toContain('reroute-failed');
  late!(straight({ routeId: 'late' }));
  await Promise.resolve();
  scene.at(2);
  expect(scene.status!.route!.routeId).toBe('r1');
});

it('does not undo the word of an operator who sends it elsewhere meanwhile', async () => {
  const answers: ((route: RobotRoute) => void)[] = [];
  const { scene } = await onItsWay((_, n) =>
    n === 1 ? Promise.resolve(straight()) : new Promise((resolve) => answers.push(resolve)),
  );
  const again = scene.robot.reroute();
  const elsewhere = scene.robot.command({ kind: 'go-to', poi: 'home' });
  answers[1]!(straight({ routeId: 'home' }));
  await elsewhere;
  answers[0]!(straight({ routeId: 'shop' }));
  await again;
  scene.at(2);
  expect(scene.status!.route!.routeId).toBe('home');
});

it('guards the road that it is on to its end by the old way', async () => {
  const { scene } = await onItsWay(async (_, n) => straight({ routeId: `r${n}` }));
  for (let x = 32; x < 39.5; x += 0.15) scene.at(x);
  scene.says('walk', 40);
  scene.at(39.4);
  scene.says('walk', 39.9);
  for (let x = 39.4; x < 42; x += 0.15) scene.at(x);
  expect(scene.crossing).toMatchObject({ phase: 'CLEARING' });
  await scene.robot.reroute();
  scene.at(42);
  expect(scene.crossing).toMatchObject({ phase: 'CLEARING' });
  expect(scene.robot.advice.motion).not.toBe('stop');
});
