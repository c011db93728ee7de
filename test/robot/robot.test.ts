import { describe, expect, it } from 'vitest';
import { Scene, straight } from './fake.ts';

/** Before the stop line with a walk that is believed. */
function atGo(): Scene {
  const scene = new Scene();
  scene.robot.follow(straight());
  scene.at(38);
  scene.says('walk', 60);
  scene.at(38.1);
  scene.says('walk', 59.8);
  scene.at(38.2);
  return scene;
}

describe('a robot', () => {
  it('stands without a pose, without a route and at its end', () => {
    const scene = new Scene();
    scene.robot.tick();
    expect(scene.robot.advice).toMatchObject({ motion: 'stop', reason: 'no pose yet' });
    scene.at(1);
    expect(scene.robot.advice).toMatchObject({ motion: 'stop', reason: 'no route to follow' });
    scene.robot.follow(straight({ crossings: [] }));
    scene.at(1.1);
    expect(scene.robot.advice.motion).toBe('drive');
    for (let x = 1; x <= 100; x += 1) scene.at(x);
    expect(scene.robot.advice).toMatchObject({ motion: 'stop', reason: 'arrived' });
    expect(scene.kinds().filter((kind) => kind === 'arrived')).toHaveLength(1);
  });

  it('asks only within query distance, and again where no answer ever comes', () => {
    const scene = new Scene();
    scene.robot.follow(
      straight({
        line: [
          [-100, 0],
          [100, 0],
        ],
        crossings: [{ ...straight().crossings[0]!, stopAt: 140 }],
      }),
    );
    scene.at(-100);
    expect([scene.asked, scene.watched]).toEqual([0, []]);
    for (let x = -100; x <= 37; x += 0.5) scene.at(x);
    expect(scene.watched).toEqual([['s1']]);
    expect(scene.asked).toBeGreaterThan(2);
    expect(scene.crossing).toMatchObject({ phase: 'WAITING', reason: 'no-answer' });
    for (let n = 0; n < 20; n++) scene.at(39.2);
    expect(scene.robot.advice).toMatchObject({ motion: 'stop' });
  });

  it('brakes for a light and goes with it; the verdict changes as the state arrives', () => {
    const scene = new Scene();
    scene.robot.follow(straight());
    scene.at(32);
    scene.says('stop', 5);
    scene.at(32.1);
    expect(scene.crossing).toMatchObject({ phase: 'WAITING', reason: 'phase-stop' });
    // 7.4 m from the front to the line, 0.3 m kept: √(2 · 0.5 · 7.1)
    expect(scene.robot.advice.speedLimit).toBeCloseTo(1.5, 6);
    scene.at(38);
    expect(scene.robot.advice).toMatchObject({ motion: 'slow' });
    expect(scene.robot.advice.speedLimit).toBeCloseTo(Math.sqrt(1.2), 6);
    scene.pass(0.1);
    scene.says('walk', 60);
    expect(scene.events.at(-2)).toMatchObject({ kind: 'crossing', data: { phase: 'GO' } });
    expect(scene.robot.advice.motion).toBe('drive');
  });

  it('waits where its pose is lost before the road, and is told to an operator on it', () => {
    const before = atGo();
    expect(before.crossing).toMatchObject({ phase: 'GO' });
    before.at(38.3, 0, 'LOST');
    expect(before.crossing).toMatchObject({ phase: 'WAITING', reason: 'place-unknown' });
    expect(before.robot.advice.motion).toBe('stop');
    const unsure = atGo();
    unsure.at(38.3, 0, 'DEGRADED');
    expect(unsure.crossing).toMatchObject({ phase: 'WAITING', reason: 'place-unknown' });

    const on = atGo();
    on.at(39);
    on.at(40);
    expect(on.crossing).toMatchObject({ phase: 'CLEARING' });
    on.at(41, 0, 'DEGRADED');
    expect([on.crossing?.phase, on.robot.advice.motion]).toEqual(['CLEARING', 'slow']);
    on.at(42, 0, 'LOST');
    on.at(42, 0, 'LOST');
    expect([on.crossing?.phase, on.robot.advice.motion]).toEqual(['CLEARING', 'stop']);
    expect(on.events.filter(({ kind }) => kind === 'stopped-on-road')).toMatchObject([{ severity: 'alarm' }]);
  });

  it('never stops on the road for a feed that dies there', () => {
    const scene = atGo();
    for (let x = 38.5; x <= 52; x += 0.1) {
      scene.at(x);
      expect(scene.robot.advice.motion).toBe('drive');
    }
    expect(scene.kinds()).not.toContain('stopped-on-road');
    const phases = scene.events.filter(({ kind }) => kind === 'crossing').map(({ data }) => data!.phase);
    expect(phases.slice(phases.indexOf('CLEARING'))).not.toContain('WAITING');
    expect(phases.at(-1)).toBe('CLEARED');
  });

  it('goes nowhere by a clock that stands', () => {
    const scene = atGo();
    scene.clockRuns = false;
    for (let n = 0; n < 15; n++) scene.at(38.3);
    expect(scene.crossing).toMatchObject({ phase: 'WAITING', reason: 'place-unknown' });
    expect(scene.robot.advice.reason).toContain('clock');
    scene.clockRuns = true;
    scene.at(38.3);
    scene.says('walk', 50);
    scene.at(38.3);
    // It goes on by the clock, and by what the source says in the next answers.
    expect(scene.robot.advice.reason).not.toContain('clock of this computer');
    expect(scene.crossing).toMatchObject({ phase: 'WAITING', reason: 'source-time-jumped' });
  });

  it('keeps its place on a route that comes back over itself', () => {
    const scene = new Scene();
    const line = [
      [0, 0],
      [30, 0],
      [30, 20],
      [10, 20],
      [10, -20],
    ] as const;
    scene.robot.follow(straight({ line, crossings: [] }));
    for (let x = 0; x <= 30; x += 0.5) scene.at(x);
    expect(scene.status!.route!.along).toBeCloseTo(30, 6);
    for (let y = 0; y <= 20; y += 0.5) scene.at(30, y);
    for (let x = 30; x >= 10; x -= 0.5) scene.at(x, 20);
    for (let y = 20; y >= 0; y -= 0.5) scene.at(10, y);
    // It stands where it was 80 m before, too.
    expect(scene.status!.route!.along).toBeCloseTo(90, 6);
    scene.at(10, 0);
    expect(scene.status!.route!.along).toBeCloseTo(90, 6);
    scene.at(20, -6);
    expect(scene.robot.advice.reason).toContain('beside the route');
    expect(scene.kinds()).toContain('off-route');
  });

  it('obeys stop and resume, and heeds walls and limits', () => {
    const wall = { id: 'w', from: 20, to: 20, validFrom: 0, validTo: Infinity };
    const scene = new Scene();
    scene.robot.follow(
      straight({
        crossings: [],
        walls: [
          { ...wall, closed: true },
          { ...wall, id: 'v', closed: false, from: 5, to: 8 },
        ],
        stretches: [{ from: 0, to: 5, width: 3, speedLimit: 1 }],
      }),
    );
    scene.at(1);
    expect(scene.robot.advice).toMatchObject({ motion: 'slow', speedLimit: 1 });
    scene.at(6);
    expect(scene.robot.advice).toMatchObject({ motion: 'slow', speedLimit: 0.5 });
    scene.at(19.3);
    expect(scene.robot.advice).toMatchObject({ motion: 'stop', reason: 'virtual wall w closes the way' });
    scene.robot.follow(straight({ crossings: [] }));
    scene.at(19.4);
    void scene.robot.command({ kind: 'stop' });
    expect(scene.robot.advice).toMatchObject({ motion: 'stop', reason: 'stopped by an operator' });
    void scene.robot.command({ kind: 'resume' });
    expect(scene.robot.advice.motion).not.toBe('stop');
  });

  it('stands when no pose comes any more', () => {
    const scene = new Scene();
    scene.robot.follow(straight({ crossings: [] }));
    scene.at(1);
    scene.pass(1.5);
    scene.robot.tick();
    expect(scene.robot.advice).toMatchObject({ motion: 'stop', reason: 'the last pose is 1.5 s old' });
    expect(scene.status!.advice.motion).toBe('stop');
  });

  it('is not spoilt by a watcher that throws', () => {
    const scene = new Scene();
    const fail = () => {
      throw new Error('no');
    };
    scene.robot.watch({ status: fail, scan: fail, event: fail });
    scene.robot.follow(straight());
    scene.at(1);
    expect(scene.status).toBeDefined();
  });
});

describe('a command', () => {
  it('is answered with its reason where it cannot be carried out', async () => {
    const scene = new Scene();
    const { robot } = scene;
    expect(await robot.command({ kind: 'go-to', poi: 'x' })).toMatchObject({
      ok: false,
      reason: 'no-routes',
    });
    expect(await robot.command({ kind: 'save-state' })).toMatchObject({ ok: false, reason: 'no-store' });
    expect(await robot.command({ kind: 'relocalise', x: Number.NaN, y: 0 })).toMatchObject({
      ok: false,
      reason: 'bad-place',
    });
    expect(await robot.command({ kind: 'relocalise', x: 1, y: 0 })).toMatchObject({ ok: true });
    expect(await robot.command({ kind: 'mark-intervention', note: 'a dog' })).toMatchObject({ ok: true });
    expect(scene.events.at(-1)).toMatchObject({ kind: 'intervention', text: 'a dog' });
  });

  it('goes by the newest destination, and gives up a source that never answers', async () => {
    const finds: ((route: ReturnType<typeof straight>) => void)[] = [];
    const scene = new Scene({ routes: { find: () => new Promise((resolve) => finds.push(resolve)) } });
    scene.at(1);
    const first = scene.robot.command({ kind: 'go-to', poi: 'a' });
    const second = scene.robot.command({ kind: 'go-to', poi: 'b' });
    finds[1]!(straight({ routeId: 'b' }));
    finds[0]!(straight({ routeId: 'a' }));
    expect(await first).toMatchObject({ ok: false, reason: 'superseded' });
    expect(await second).toMatchObject({ ok: true });
    scene.at(1.1);
    expect(scene.status!.route!.routeId).toBe('b');
    const never = scene.robot.command({ kind: 'go-to', poi: 'c' });
    scene.pass(60);
    scene.robot.tick();
    expect(await never).toMatchObject({ ok: false, reason: 'too-late' });
  });
});

describe('a door on the way', () => {
  it('is asked for, waited for, passed and released', async () => {
    const scene = new Scene();
    scene.robot.follow(
      straight({
        crossings: [],
        buildings: [{ kind: 'door', id: 'd', enterAt: 30, centre: 30.5, exitAt: 31 }],
      }),
    );
    scene.at(5);
    expect(scene.requests).toEqual([]);
    for (let x = 5; x < 28.5; x += 0.5) scene.at(x);
    scene.at(28.5);
    const { sessionId } = scene.requests[0]!;
    expect(scene.requests[0]).toMatchObject({ kind: 'door', doorId: 'd', open: true, sequence: 1 });
    expect(scene.robot.advice.motion).toBe('stop');
    await Promise.resolve();
    const door = (mode: 'OPEN' | 'CLOSED', of = sessionId) =>
      scene.doors.door({ doorId: 'd', mode, sessionId: of, receivedAtMs: scene.nowMs });
    door('CLOSED');
    door('OPEN');
    scene.at(28.5);
    expect(scene.status!.buildings).toMatchObject([{ id: 'd', phase: 'PASSING' }]);
    for (let x = 28.5; x <= 32; x += 0.1) scene.at(x);
    expect(scene.requests.at(-1)).toMatchObject({ open: false, sessionId });
    await Promise.resolve();
    door('OPEN', '');
    scene.at(32.1);
    expect(scene.status!.buildings).toMatchObject([{ phase: 'RELEASED' }]);
    expect(scene.robot.advice.motion).toBe('drive');
  });

  it('that never opens is never entered', async () => {
    const scene = new Scene();
    scene.robot.follow(
      straight({
        crossings: [],
        buildings: [{ kind: 'door', id: 'd', enterAt: 30, centre: 30.5, exitAt: 31 }],
      }),
    );
    scene.at(20);
    for (let n = 0; n < 300; n++) {
      scene.at(28.5);
      expect(scene.robot.advice.motion).toBe('stop');
    }
    expect(scene.kinds()).toContain('no-answer');
  });
});
