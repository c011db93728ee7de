import type { OpenRobot } from './driven-robot.ts';
import type { RosPort } from './ros-port.ts';
import type { Ros2Config } from './ros2-config.ts';

/** What the node is made of. */
export interface NodeParts {
  readonly port: RosPort;
  readonly config: Ros2Config;
  /** of the configuration `frames` */
  readonly frames: { readonly base: string; readonly mounts: readonly { parent: string; child: string }[] };
  readonly open: OpenRobot;
}
