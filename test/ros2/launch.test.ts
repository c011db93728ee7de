import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { configFromParameters } from '../../src/adapters/ros2/parameters.ts';
import { parameterFile } from '../../src/commands/ros2-parameters.ts';
import { configSchema } from '../../src/config.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (name: string) => readFile(join(ROOT, 'launch', name), 'utf8');

it('has the parameter file that the schema gives: npx tsx src/main.ts ros2-parameters > launch/dilly_nav.params.yaml', async () => {
  expect(await read('dilly_nav.params.yaml')).toBe(parameterFile());
});

it('changes nothing by its parameter file: it holds the defaults, in what ROS parameters can hold', () => {
  const { ros__parameters: tree } = parse(parameterFile())['/**'] as { ros__parameters: object };
  const flat = flatten(tree);
  for (const value of Object.values(flat)) {
    expect(value).not.toBeNull();
    expect(value).not.toEqual([]);
    if (typeof value === 'object')
      expect((value as unknown[]).every((one) => typeof one === 'string')).toBe(true);
  }
  expect(configSchema.parse(configFromParameters(flat))).toEqual(configSchema.parse({}));
});

function flatten(tree: object, path = ''): Record<string, unknown> {
  return Object.assign(
    {},
    ...Object.entries(tree).map(([key, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? flatten(value, `${path}${key}.`)
        : { [`${path}${key}`]: value },
    ),
  );
}

it('shows in RViz and Foxglove what the node publishes, and asks where it listens', async () => {
  const outputs = await readFile(join(ROOT, 'src/adapters/ros2/outputs.ts'), 'utf8');
  const inputs = await readFile(join(ROOT, 'src/adapters/ros2/inputs.ts'), 'utf8');
  const rviz = parse(await read('dilly_nav.rviz'))['Visualization Manager'] as {
    Displays: { Topic?: { Value: string; 'Durability Policy': string } }[];
    Tools: { Topic?: { Value: string } }[];
  };
  const shown = rviz.Displays.flatMap(({ Topic }) => Topic ?? []);
  expect(shown.length).toBeGreaterThan(5);
  for (const { Value, 'Durability Policy': durability } of shown) {
    const qos = new RegExp(`\\['${Value}', '[^']+', (\\w+)\\]`).exec(outputs)?.[1];
    expect(qos, Value).toBeDefined();
    expect(durability, Value).toBe(qos === 'LATCHED_QOS' ? 'Transient Local' : 'Volatile');
  }
  for (const { Topic } of rviz.Tools) if (Topic) expect(inputs).toContain(`'${Topic.Value}'`);
  const { configById } = JSON.parse(await read('dilly_nav.foxglove.json'));
  for (const topic of Object.keys(configById['3D!map'].topics))
    expect(outputs).toContain(`'${topic.slice(1)}'`);
  expect(outputs).toContain(`'${configById['DiagnosticSummary!all'].topicToRender}'`);
});

it('installs every file of launch/', async () => {
  const cmake = await read('CMakeLists.txt');
  const own = new Set(['CMakeLists.txt', 'package.xml']);
  for (const name of await readdir(join(ROOT, 'launch'))) if (!own.has(name)) expect(cmake).toContain(name);
});

it('tells systemd that it is ready, alive until it is stuck, and stopping', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dilly-'));
  try {
    await writeFile(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$1" >> "${folder}/heard"\n`);
    await chmod(join(folder, 'systemd-notify'), 0o755);
    const script = `
      const { Systemd } = await import(${JSON.stringify(join(ROOT, 'src/commands/systemd.ts'))});
      let asked = 0;
      const systemd = new Systemd(() => ++asked <= 2);
      systemd.ready();
      const end = setInterval(() => {
        if (asked < 6) return;
        clearInterval(end);
        systemd.stopping();
      }, 10);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: ROOT,
      env: {
        ...process.env,
        PATH: `${folder}:${process.env.PATH}`,
        NOTIFY_SOCKET: '/x',
        WATCHDOG_USEC: '60000',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    // The shell says the last lines after its parent has ended.
    const heard = async () =>
      (await readFile(join(folder, 'heard'), 'utf8').catch(() => '')).trim().split('\n');
    await expect.poll(heard, { timeout: 10_000 }).toContain('STOPPING=1');
    expect(await heard()).toEqual([
      `MAINPID=${child.pid}`,
      'READY=1',
      'WATCHDOG=1',
      'WATCHDOG=1',
      'STOPPING=1',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
