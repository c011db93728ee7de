import type { CommandAnswer, RobotCommand } from '../../ports/robot.ts';
import type { Vec3 } from '../../types.ts';
import type { Recording } from './driven-robot.ts';
import type { Closeable, RosPort } from './ros-port.ts';
import type { Ros2Config } from './ros2-config.ts';

const TRIGGER = 'std_srvs/srv/Trigger';

/** Offers what may be asked of the robot as std_srvs/Trigger; each answers with a text, and never fails otherwise. */
export function serveAll(
  port: RosPort,
  config: Ros2Config,
  command: (command: RobotCommand) => Promise<CommandAnswer>,
  recording: () => Recording | undefined,
  here: () => Vec3 | undefined,
): Closeable {
  const serve = (name: string, task: () => Promise<CommandAnswer>) =>
    port.topics.serve(`~/${name}`, TRIGGER, async () => {
      try {
        const { ok, text } = await task();
        return { success: ok, message: text };
      } catch (error) {
        return { success: false, message: error instanceof Error ? error.message : String(error) };
      }
    });
  const record = (task: (recording: Recording) => Promise<string>) => async (): Promise<CommandAnswer> => {
    const target = recording();
    if (!target) return { ok: false, reason: 'not-ready', text: 'expected a configured node, found none' };
    return { ok: true, text: await task(target) };
  };
  const services = [
    serve('save_state', () => command({ kind: 'save-state' })),
    serve('stop', () => command({ kind: 'stop' })),
    serve('resume', () => command({ kind: 'resume' })),
    serve('relocalise', async () => {
      const place = here();
      return place
        ? command({ kind: 'relocalise', x: place[0], y: place[1] })
        : {
            ok: false,
            reason: 'no-place',
            text: 'expected a last pose, found none: give one on /initialpose',
          };
    }),
    serve('load_route', async () =>
      config.goal === ''
        ? { ok: false, reason: 'no-goal', text: 'expected the parameter ros2.goal to name a POI, found none' }
        : command({ kind: 'go-to', poi: config.goal }),
    ),
    serve(
      'start_recording',
      record((target) => target.start()),
    ),
    serve(
      'stop_recording',
      record((target) => target.stop()),
    ),
  ];
  return {
    close: () => {
      for (const service of services) service.close();
    },
  };
}
