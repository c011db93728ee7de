import { laneId, regional, skipped } from './j2735.ts';
import { choice, type Decoder, enumerated, integer, listOf, optional, sequence } from './uper.ts';

/** Where the lanes of a J2735 MAP run: NodeListXY and what hangs on it. */

export const speedLimits = listOf(
  1,
  9,
  sequence({ type: enumerated(13, true), speed: integer(0, 8191) }, false),
);

type Offset = readonly [east: number, north: number];

/** Node-XY-20b … Node-XY-32b: two signed numbers of cm. */
function offset(bits: number): Decoder<Offset | undefined> {
  const one = integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  return (input) => [one(input), one(input)];
}

const inDegrees: Decoder<undefined> = (input) => {
  integer(-1_799_999_999, 1_800_000_001)(input);
  integer(-900_000_000, 900_000_001)(input);
  return undefined;
};
const regionalDelta: Decoder<undefined> = (input) => {
  input.bits(8);
  return skipped(input);
};
const nodeOffsetPoint = choice<Offset | undefined>(
  [offset(10), offset(11), offset(12), offset(13), offset(14), offset(16), inDegrees, regionalDelta],
  false,
);

const laneDataAttribute = choice<unknown>(
  [
    integer(-150, 150),
    integer(-128, 127),
    integer(-128, 127),
    integer(-128, 127),
    integer(-180, 180),
    speedLimits,
    listOf(1, 4, regionalDelta),
  ],
  true,
);
const segments = optional(listOf(1, 8, enumerated(38, true)));
const nodeAttributeSet = sequence(
  {
    localNode: optional(listOf(1, 8, enumerated(12, true))),
    disabled: segments,
    enabled: segments,
    data: optional(listOf(1, 8, laneDataAttribute)),
    dWidth: optional(integer(-512, 511)),
    dElevation: optional(integer(-512, 511)),
    regional,
  },
  true,
);
const node = sequence({ delta: nodeOffsetPoint, attributes: optional(nodeAttributeSet) }, true);

const drivenLine = choice([integer(-2047, 2047), integer(-32_767, 32_767)], false);
const computedLane = sequence(
  {
    referenceLaneId: laneId,
    offsetXaxis: drivenLine,
    offsetYaxis: drivenLine,
    rotateXY: optional(integer(0, 28_800)),
    scaleXaxis: optional(integer(-2048, 2047)),
    scaleYaxis: optional(integer(-2048, 2047)),
    regional,
  },
  true,
);

const nodes = listOf(2, 63, node);
const choiceOfLists = choice<Offset[]>(
  [
    (input) => nodes(input).flatMap(({ delta }) => (delta.value ? [delta.value] : [])),
    (input) => {
      computedLane(input);
      return [];
    },
  ],
  true,
);
/** The offsets of a lane, cm; empty for a computed lane. */
export const nodeList: Decoder<Offset[]> = (input) => choiceOfLists(input).value ?? [];
