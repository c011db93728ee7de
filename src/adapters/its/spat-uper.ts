import { Refusal } from '../../types.ts';
import {
  descriptiveName,
  intersectionReferenceId,
  laneId,
  messageFrame,
  minuteOfTheYear,
  msgCount,
  regional,
  SPAT_MESSAGE,
  signalGroupId,
} from './j2735.ts';
import { nameOfState } from './phases.ts';
import type { SpatIntersection, SpatMovement } from './spat.ts';
import { BitReader, bitString, boolean, enumerated, integer, listOf, optional, sequence } from './uper.ts';

/** 2016: 0..36001; later editions to 36111, alike in bits. */
const timeMark = integer(0, 36_111);
const timeChangeDetails = sequence(
  {
    startTime: optional(timeMark),
    minEndTime: timeMark,
    maxEndTime: optional(timeMark),
    likelyTime: optional(timeMark),
    confidence: optional(integer(0, 15)),
    nextTime: optional(timeMark),
  },
  false,
);
const advisorySpeed = sequence(
  {
    type: enumerated(4, true),
    speed: optional(integer(0, 500)),
    confidence: optional(enumerated(8, false)),
    distance: optional(integer(0, 10_000)),
    class: optional(integer(0, 255)),
    regional,
  },
  true,
);
const movementEvent = sequence(
  {
    eventState: enumerated(10, false),
    timing: optional(timeChangeDetails),
    speeds: optional(listOf(1, 16, advisorySpeed)),
    regional,
  },
  true,
);
const maneuverAssist = optional(
  listOf(
    1,
    16,
    sequence(
      {
        connectionID: integer(0, 255),
        queueLength: optional(integer(0, 10_000)),
        availableStorageLength: optional(integer(0, 10_000)),
        waitOnStop: optional(boolean),
        pedBicycleDetect: optional(boolean),
        regional,
      },
      true,
    ),
  ),
);
const movementState = sequence(
  {
    movementName: optional(descriptiveName),
    signalGroup: signalGroupId,
    stateTimeSpeed: listOf(1, 16, movementEvent),
    maneuverAssistList: maneuverAssist,
    regional,
  },
  true,
);
const intersectionState = sequence(
  {
    name: optional(descriptiveName),
    id: intersectionReferenceId,
    revision: msgCount,
    status: bitString(16),
    moy: optional(minuteOfTheYear),
    timeStamp: optional(integer(0, 65_535)),
    enabledLanes: optional(listOf(1, 16, laneId)),
    states: listOf(1, 255, movementState),
    maneuverAssistList: maneuverAssist,
    regional,
  },
  true,
);
const spatMessage = sequence(
  {
    timeStamp: optional(minuteOfTheYear),
    name: optional(descriptiveName),
    intersections: listOf(1, 32, intersectionState),
    regional,
  },
  true,
);

/** The intersections of a MessageFrame with a SPaT. Throws a Refusal `bad-uper` or `not-a-spat`. */
export function spatFromUper(bytes: Uint8Array): SpatIntersection[] {
  const frame = messageFrame(new BitReader(bytes));
  if (frame.messageId !== SPAT_MESSAGE)
    throw new Refusal('not-a-spat', `expected message ${SPAT_MESSAGE} (SPaT), found ${frame.messageId}`);
  const spat = spatMessage(frame.value);
  return spat.intersections.map((one) => {
    const moy = one.moy ?? spat.timeStamp;
    return {
      id: one.id.id,
      status: one.status,
      movements: one.states.map(movementOf),
      ...(one.id.region !== undefined && { region: one.id.region }),
      ...(moy !== undefined && { moy }),
      ...(one.timeStamp !== undefined && { timeStamp: one.timeStamp }),
    };
  });
}

function movementOf(state: ReturnType<typeof movementState>): SpatMovement {
  const { eventState, timing } = state.stateTimeSpeed[0]!;
  return {
    signalGroup: state.signalGroup,
    eventState: nameOfState(eventState)!,
    ...(timing && { minEnd: { tenths: timing.minEndTime } }),
    ...(timing?.maxEndTime !== undefined && { maxEnd: { tenths: timing.maxEndTime } }),
    ...(timing?.likelyTime !== undefined && { likely: { tenths: timing.likelyTime } }),
  };
}
