import type { Node } from 'rclnodejs';
import { Refusal } from '../../types.ts';
import type { NodeState, Outcome, RosPort, RosQos, Transition } from './ros-port.ts';

/** rmw_qos: KEEP_LAST; RELIABLE, BEST_EFFORT; TRANSIENT_LOCAL, VOLATILE */
const KEEP_LAST = 1;
const RELIABILITY = { reliable: 1, 'best-effort': 2 } as const;
const DURABILITY = { 'transient-local': 1, volatile: 2 } as const;
const HELP = 'npm install --no-save rclnodejs@2.2.0';

/**
 * A lifecycle node on rclnodejs. It is imported only where ROS 2 is sourced: else it would build itself for minutes.
 * Rejects with a Refusal `no-ros2` that says what to do.
 * @param argv ROS arguments (`--ros-args …`)
 */
export async function openRclnodejs(name: string, argv: readonly string[]): Promise<RosPort> {
  for (const variable of ['ROS_DISTRO', 'AMENT_PREFIX_PATH'])
    if (!process.env[variable])
      throw new Refusal(
        'no-ros2',
        `expected ROS 2 in the environment, found no ${variable}: source /opt/ros/<distro>/setup.bash first`,
      );
  const { default: rcl } = await import('rclnodejs').catch((error: Error) => {
    throw new Refusal(
      'no-ros2',
      `expected rclnodejs, found: ${error.message}; with ROS 2 sourced and a compiler there: ${HELP}`,
    );
  });
  try {
    await rcl.init(rcl.Context.defaultContext(), argv);
  } catch (error) {
    throw new Refusal(
      'bad-config',
      `ROS 2 did not start: ${(error as Error).message}; in parameter files a list is all integers or all with a point`,
    );
  }
  const options = new rcl.NodeOptions();
  options.automaticallyDeclareParametersFromOverrides = true;
  const node = rcl.createLifecycleNode(name, '', rcl.Context.defaultContext(), options);
  const change = node._onChangeState.bind(node);
  // An impossible transition throws out of the service and would end the process.
  node._onChangeState = (request, response) => {
    try {
      change(request, response);
    } catch {
      response.send({ ...response.template, success: false });
    }
  };
  const profile = ({ depth, reliability, durability }: RosQos) =>
    new rcl.QoS(KEEP_LAST, depth, RELIABILITY[reliability], DURABILITY[durability]);
  const codes = rcl.lifecycle.CallbackReturnCode;
  const code: Record<Outcome, () => number> = {
    success: () => codes.SUCCESS,
    failure: () => codes.FAILURE,
    error: () => codes.ERROR,
  };
  const log = node.getLogger();
  node.spin(10);
  return {
    parameters: Object.fromEntries(node.getParameters().map((one) => [one.name, one.value])),
    topics: {
      subscribe(topic, type, qos, take) {
        const subscription = node.createSubscription(type, topic, { qos: profile(qos) }, take);
        return { close: () => node.destroySubscription(subscription) };
      },
      advertise(topic, type, qos) {
        try {
          rcl.require(type);
        } catch {
          return undefined;
        }
        const publisher = node.createPublisher(type, topic, { qos: profile(qos) });
        return {
          publish: (message) => publisher.publish(message),
          get isHeard() {
            return publisher.subscriptionCount > 0;
          },
          close: () => node.destroyPublisher(publisher),
        };
      },
      serve(service, type, answer) {
        const handle = node.createService(type, service.replace(/^~\//, `${name}/`), (_, response) => {
          void answer()
            .then((value) => response.send({ ...response.template, ...value }))
            .catch((error: Error) => log.error(`${service}: ${error.message}`));
        });
        return { close: () => node.destroyService(handle) };
      },
    },
    lifecycle: lifecycleOf(node, code),
    time: {
      now: () => node.now().nanoseconds,
      steadyMs: () => performance.now(),
      every(periodMs, task) {
        const timer = setInterval(task, periodMs);
        return { close: () => clearInterval(timer) };
      },
    },
    log: (severity, text) => log[severity](text),
    close: () => {
      if (!rcl.isShutdown()) rcl.shutdown();
    },
  };
}

function lifecycleOf(node: Node, code: Record<Outcome, () => number>): RosPort['lifecycle'] {
  const register = {
    configure: node.registerOnConfigure,
    activate: node.registerOnActivate,
    deactivate: node.registerOnDeactivate,
    cleanup: node.registerOnCleanup,
    shutdown: node.registerOnShutdown,
    error: node.registerOnError,
  };
  return {
    on: (transition, callback) => register[transition].call(node, () => code[callback()]()),
    request(transition: Transition) {
      try {
        node[transition]();
        return true;
      } catch {
        return false;
      }
    },
    get state() {
      return node.currentState.label as NodeState;
    },
  };
}
