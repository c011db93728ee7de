import { bitString, type Decoder, ia5String, integer, listOf, openType, optional, sequence } from './uper.ts';

/** Types of SAE J2735 (2016) that SPaT and MAP share; names as in the standard. */

/** What a RegionalExtension or a part that we do not need holds is skipped. */
export const skipped: Decoder<undefined> = (input) => {
  openType(input);
  return undefined;
};

export const regional = optional(
  listOf(1, 4, sequence({ regionId: integer(0, 255), regExtValue: skipped }, false)),
);
export const descriptiveName = ia5String(1, 63);
export const minuteOfTheYear = integer(0, 527_040);
export const msgCount = integer(0, 127);
export const laneId = integer(0, 255);
export const signalGroupId = integer(0, 255);
export const intersectionReferenceId = sequence(
  { region: optional(integer(0, 65_535)), id: integer(0, 65_535) },
  false,
);
export const allowedManeuvers = bitString(12);

/** DSRCmsgID of the two messages */
export const MAP_MESSAGE = 18;
export const SPAT_MESSAGE = 19;

/** MessageFrame: its id, and its value as an open type. */
export const messageFrame = sequence({ messageId: integer(0, 32_767), value: openType }, true);
