import { isRecord, type Json, parseBody } from './body.ts';
import { type HeadRow, rowOf, type Spelling } from './heads.ts';

/**
 * Seoul T-Data: v2xSignalPhaseTimingInformation (timing), v2xSignalPhaseInformation (names of states),
 * v2xSignalPhaseTimingFusionInformation (both).
 */
export const CITY: Spelling = { id: 'itstId', state: 'StatNm', remaining: 'RmdrCs', time: cityTime };

/** The feed's row of one intersection. Throws the Refusals of `parseBody` and `rowOf`. */
export function cityRow(bytes: Uint8Array, intersection: string): HeadRow {
  const body = parseBody(bytes);
  const rows = Array.isArray(body) ? body : isRecord(body) && Array.isArray(body.data) ? body.data : [body];
  return rowOf(rows, intersection, CITY);
}

/** `trsmUtcTime`: ms since the Unix epoch, as a number (1.690902000151E12) or as text. */
function cityTime(row: Json): number | undefined {
  const value = row.trsmUtcTime;
  const time = typeof value === 'number' || (typeof value === 'string' && value) ? Number(value) : Number.NaN;
  // Seconds instead of milliseconds would be a time in 1970.
  return time > Date.UTC(2015) && time < Date.UTC(2100) ? time : undefined;
}
