import { Refusal } from '../../types.ts';
import {
  allowedManeuvers,
  descriptiveName,
  intersectionReferenceId,
  laneId,
  MAP_MESSAGE,
  messageFrame,
  minuteOfTheYear,
  msgCount,
  regional,
  signalGroupId,
  skipped,
} from './j2735.ts';
import { nodeList, speedLimits } from './map-nodes.ts';
import {
  BitReader,
  bitString,
  choice,
  type Decoder,
  enumerated,
  integer,
  listOf,
  optional,
  sequence,
} from './uper.ts';

/** One intersection of a J2735 MAP: which lanes it has, and which signal group stands over which. */
export interface MapIntersection {
  readonly id: number;
  readonly region?: number;
  readonly revision: number;
  /** degrees, WGS84 */
  readonly latitude: number;
  readonly longitude: number;
  readonly lanes: readonly MapLane[];
}

export interface MapLane {
  readonly laneId: number;
  readonly type: LaneType;
  /** centimetres east and north of the node before, the first of the reference point; empty where computed or in degrees */
  readonly nodes: readonly (readonly [east: number, north: number])[];
  readonly connections: readonly { readonly lane: number; readonly signalGroup?: number }[];
}

const LANE_TYPES = [
  'vehicle',
  'crosswalk',
  'bikeLane',
  'sidewalk',
  'median',
  'striping',
  'trackedVehicle',
  'parking',
] as const;
export type LaneType = (typeof LANE_TYPES)[number] | 'other';

// LaneAttributes-Vehicle is the only one whose bits may be more.
const laneType = choice([bitString(8, true), ...Array.from({ length: 7 }, () => bitString(16))], true);
const laneAttributes = sequence(
  {
    directionalUse: bitString(2),
    sharedWith: bitString(10),
    laneType,
    regional: optional(sequence({ regionId: integer(0, 255), regExtValue: skipped }, false)),
  },
  false,
);
const connection = sequence(
  {
    connectingLane: sequence({ lane: laneId, maneuver: optional(allowedManeuvers) }, false),
    remoteIntersection: optional(intersectionReferenceId),
    signalGroup: optional(signalGroupId),
    userClass: optional(integer(0, 255)),
    connectionID: optional(integer(0, 255)),
  },
  false,
);
const genericLane = sequence(
  {
    laneID: laneId,
    name: optional(descriptiveName),
    ingressApproach: optional(integer(0, 15)),
    egressApproach: optional(integer(0, 15)),
    laneAttributes,
    maneuvers: optional(allowedManeuvers),
    nodeList,
    connectsTo: optional(listOf(1, 16, connection)),
    overlays: optional(listOf(1, 5, laneId)),
    regional,
  },
  true,
);
const position3D = sequence(
  {
    lat: integer(-900_000_000, 900_000_001),
    long: integer(-1_799_999_999, 1_800_000_001),
    elevation: optional(integer(-4096, 61_439)),
    regional,
  },
  true,
);
const intersectionGeometry = sequence(
  {
    name: optional(descriptiveName),
    id: intersectionReferenceId,
    revision: msgCount,
    refPoint: position3D,
    laneWidth: optional(integer(0, 32_767)),
    speedLimits: optional(speedLimits),
    laneSet: listOf(1, 255, genericLane),
    preemptPriorityData: optional(
      listOf(
        1,
        32,
        sequence({ zone: sequence({ regionId: integer(0, 255), regExtValue: skipped }, false) }, true),
      ),
    ),
    regional,
  },
  true,
);
const intersectionList = listOf(1, 32, intersectionGeometry);
const layerType = enumerated(8, true);

/** MapData up to its intersections; what follows them (road segments, restrictions) is not read. */
const mapData: Decoder<ReturnType<typeof intersectionList>> = (input) => {
  input.flag(); // an extension would come at the end
  const [timeStamp, layer, layerId, intersections] = Array.from({ length: 8 }, () => input.flag());
  if (timeStamp) minuteOfTheYear(input);
  msgCount(input);
  if (layer) layerType(input);
  if (layerId) integer(0, 100)(input);
  return intersections ? intersectionList(input) : [];
};

/** The intersections of a MessageFrame with a MAP. Throws a Refusal `bad-uper` or `not-a-map`. */
export function mapFromUper(bytes: Uint8Array): MapIntersection[] {
  const frame = messageFrame(new BitReader(bytes));
  if (frame.messageId !== MAP_MESSAGE)
    throw new Refusal('not-a-map', `expected message ${MAP_MESSAGE} (MAP), found ${frame.messageId}`);
  return mapData(frame.value).map(({ id, revision, refPoint, laneSet }) => ({
    id: id.id,
    ...(id.region !== undefined && { region: id.region }),
    revision,
    latitude: refPoint.lat / 1e7,
    longitude: refPoint.long / 1e7,
    lanes: laneSet.map((lane) => ({
      laneId: lane.laneID,
      type: LANE_TYPES[lane.laneAttributes.laneType.index] ?? 'other',
      nodes: lane.nodeList,
      connections: (lane.connectsTo ?? []).map(({ connectingLane, signalGroup }) => ({
        lane: connectingLane.lane,
        ...(signalGroup !== undefined && { signalGroup }),
      })),
    })),
  }));
}

/** The signal groups that stand over crosswalks, so for people on foot. */
export function crosswalkGroups({ lanes }: MapIntersection): Set<number> {
  const walks = lanes.filter(({ type }) => type === 'crosswalk');
  return new Set(
    walks.flatMap(({ connections }) => connections.flatMap(({ signalGroup }) => signalGroup ?? [])),
  );
}
