import { Refusal } from '../../types.ts';
import { excerpt, isRecord, parseBody } from './body.ts';
import { type HeadRow, rowOf, type Spelling } from './heads.ts';

/** KLID (apis.data.go.kr/B551982/rti/tl_drct_info). */
export const NATIONAL: Spelling = {
  id: 'crsrdId',
  state: 'SttsNm',
  remaining: 'RmndCs',
  time: (row) => kst(row.totDt),
};

/** The id of an intersection: `crsrdId` is unique within one municipality only, `stdgCd:crsrdId` everywhere. */
export interface NationalId {
  readonly municipality: string;
  readonly crossroad: string;
}

/** Reads `1100000000:1057`. Throws a Refusal `bad-id`. */
export function nationalId(externalId: string): NationalId {
  const [municipality, crossroad, more] = externalId.split(':');
  if (municipality && crossroad && more === undefined) return { municipality, crossroad };
  throw new Refusal('bad-id', `expected stdgCd:crsrdId like 1100000000:1057, found ${externalId}`);
}

/** The feed's row of one intersection. Throws the Refusals of `parseBody` and `rowOf`, and `no-rows`. */
export function nationalRow(bytes: Uint8Array, id: NationalId): HeadRow {
  const body = parseBody(bytes);
  const outer = isRecord(body) && isRecord(body.response) ? body.response : body;
  const inner = isRecord(outer) && isRecord(outer.body) ? outer.body : undefined;
  if (!inner) throw new Refusal('no-rows', `expected header and body, found ${excerpt(body)}`);
  const items = isRecord(inner.items) ? inner.items.item : inner.items;
  // One row comes as an object, several as an array, none as "".
  const rows = Array.isArray(items) ? items : isRecord(items) ? [items] : [];
  const local = rows.filter((row) => isRecord(row) && String(row.stdgCd) === id.municipality);
  if (rows.length > 0 && local.length === 0)
    throw new Refusal('wrong-id', `expected stdgCd ${id.municipality}, found ${excerpt(rows[0])}`);
  return rowOf(local, id.crossroad, NATIONAL);
}

/** `YYYYMMDDHHMMSS` without a zone: Korean time, UTC+9 without summer time. */
function kst(value: unknown): number | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(String(value).trim());
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const time = Date.UTC(year, month - 1, day, hour - 9, minute, second);
  const back = new Date(time + 9 * 3_600_000);
  const same = back.getUTCMonth() === month - 1 && back.getUTCDate() === day && back.getUTCHours() === hour;
  return same && minute < 60 && second < 60 ? time : undefined;
}
