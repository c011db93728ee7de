import type { RobotStatus } from '../../ports/robot.ts';
import type { SignalPhase, Stamp } from '../../types.ts';
import { timeOf } from './header.ts';
import { OUTPUT_QOS, type RosPort } from './ros-port.ts';

/** autoware_perception_msgs/TrafficLightElement: colour, CIRCLE, SOLID_ON or FLASHING */
const COLOURS: Partial<Record<SignalPhase, number>> = { stop: 1, clearance: 2, walk: 3 };
const UNKNOWN = 0;
const CIRCLE = 1;
const SOLID_ON = 2;
/** rmf_door_msgs/DoorMode */
const DOOR_OPEN = 2;
const DOOR_UNKNOWN = 4;
const OPEN_PHASES: ReadonlySet<string> = new Set(['OPEN_CONFIRMED', 'PASSING']);

/** What is given to others in their own messages, where their packages are installed; else nothing. */
export function openTraffic(port: RosPort) {
  const open = (topic: string, type: string) => port.topics.advertise(topic, type, OUTPUT_QOS);
  const lights = open('traffic_light_groups', 'autoware_perception_msgs/msg/TrafficLightGroupArray');
  const doors = open('door_states', 'rmf_door_msgs/msg/DoorState');
  const lifts = open('lift_states', 'rmf_lift_msgs/msg/LiftState');
  return {
    status({ frame: { stamp }, crossings, buildings }: RobotStatus): void {
      lights?.publish(trafficLights(stamp, crossings));
      for (const { id, kind, phase } of buildings) {
        const isOpen = OPEN_PHASES.has(phase);
        const time = timeOf(stamp);
        if (kind === 'door')
          doors?.publish({
            door_time: time,
            door_name: id,
            current_mode: { value: isOpen ? DOOR_OPEN : DOOR_UNKNOWN },
          });
        // rmf_lift_msgs/LiftState: DOOR_CLOSED 0, DOOR_MOVING 1, DOOR_OPEN 2
        else lifts?.publish({ lift_time: time, lift_name: id, door_state: isOpen ? 2 : 1, session_id: '' });
      }
    },
    close(): void {
      for (const publisher of [lights, doors, lifts]) publisher?.close();
    },
  };
}

/** Autoware knows its lights by number (of the lanelet); signals whose id is none are left out. */
export function trafficLights(stamp: Stamp, crossings: RobotStatus['crossings']) {
  return {
    stamp: timeOf(stamp),
    traffic_light_groups: crossings
      .filter(({ signalId }) => /^\d{1,18}$/.test(signalId))
      .map(({ signalId, signal }) => ({
        traffic_light_group_id: BigInt(signalId),
        elements: [
          {
            color: COLOURS[signal?.phase ?? 'unknown'] ?? UNKNOWN,
            shape: CIRCLE,
            status: SOLID_ON,
            confidence: signal ? 1 : 0,
          },
        ],
        predictions: [],
      })),
  };
}
