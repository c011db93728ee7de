import type { Command } from 'commander';
import { Ros2Node } from '../adapters/ros2/node.ts';
import { configFromParameters } from '../adapters/ros2/parameters.ts';
import { openRclnodejs } from '../adapters/ros2/rclnodejs-port.ts';
import { loadConfig } from '../config.ts';
import { openRos2Robot } from './ros2-robot.ts';
import { type CommonOptions, openCore, openSession, withCommonOptions } from './shared.ts';
import { steadyMemory } from './steady-memory.ts';
import { Systemd } from './systemd.ts';

interface Ros2Options extends CommonOptions {
  readonly name: string;
}

export function addRos2(program: Command): void {
  withCommonOptions(program.command('ros2'))
    .description('run as a ROS 2 lifecycle node until it is ended; ROS 2 must be sourced')
    .option('--name <name>', 'of the node', 'dilly_nav')
    .argument('[ros...]', 'after --: --ros-args …')
    .action(run);
}

/** Parameters of ROS win over --set, --set over the file. */
async function run(ros: string[], options: Ros2Options): Promise<void> {
  const { log } = await openSession(options);
  const port = await openRclnodejs(options.name, ros);
  try {
    const given = flat(configFromParameters(port.parameters));
    const overrides = [...options.set, ...given];
    const config = await loadConfig(options.config ?? text(port.parameters.config), overrides);
    const session = { config, log };
    const core = openCore(session);
    steadyMemory(core, config);
    const node = new Ros2Node({
      port,
      config: config.ros2,
      frames: config.frames,
      open: (watcher, signal) => openRos2Robot(core, session, watcher, signal),
    });
    const systemd = new Systemd(() => node.isAlive);
    if (config.ros2.autostart && port.lifecycle.request('configure')) port.lifecycle.request('activate');
    systemd.ready();
    // rclnodejs leaves SIGTERM alone: the pose would not be kept.
    await new Promise<void>((resolve) => {
      process.once('SIGTERM', () => resolve());
      process.once('SIGINT', () => resolve());
    });
    systemd.stopping();
    await node.close();
  } catch (error) {
    port.close();
    throw error;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** `key=value` lines as of --set; JSON is YAML. */
function flat(tree: Record<string, unknown>, path = ''): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flat(value as Record<string, unknown>, `${path}${key}.`)
      : [`${path}${key}=${JSON.stringify(value)}`],
  );
}
