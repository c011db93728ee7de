import type { RouteSignal } from '../../../types.ts';
import { HEADS } from '../heads.ts';
import type { SpatIntersection } from '../spat.ts';
import type { Seen } from './faults.ts';

/** What each vendor sends, out of what it sees. */

export interface Look {
  readonly signal: RouteSignal;
  readonly seen: Seen;
}

const NAMES = {
  walk: 'protected-Movement-Allowed',
  clearance: 'protected-clearance',
  stop: 'stop-And-Remain',
};

/** The direction of a signal in Korean feeds: its head, or the one of its group number. */
export function directionOf({ head }: RouteSignal): string {
  return HEADS.includes(head) ? head : HEADS[(Number(head) || 0) % HEADS.length]!;
}

/** The J2735 signal group: its head as a number, or the place of its direction, from 1. */
export function groupOf({ head }: RouteSignal): number {
  return HEADS.includes(head) ? HEADS.indexOf(head) + 1 : Number(head) || 0;
}

/** The J2735 intersection id: the last digits of the external id, or made from it. */
export function intersectionOf(externalId: string): number {
  const digits = /(\d{1,5})$/.exec(externalId)?.[1];
  return digits === undefined ? 1 : Number(digits) % 65_536;
}

export function nationalIdOf(externalId: string): string {
  return externalId.includes(':') ? externalId : `1100000000:${externalId}`;
}

/** v2xSignalPhaseTimingFusionInformation of one intersection; the two single feeds are parts of it. */
export function cityRecordOf(
  itstId: string,
  looks: readonly Look[],
  parts: { names: boolean; timing: boolean },
) {
  const fields: [string, unknown][] = [];
  for (const head of HEADS) {
    const look = looks.find(({ signal }) => directionOf(signal) === head);
    if (parts.timing) fields.push([`${head}PdsgRmdrCs`, look ? tenths(look) : null]);
    if (parts.names) fields.push([`${head}PdsgStatNm`, look ? NAMES[look.seen.phase] : null]);
  }
  return { itstId, trsmUtcTime: looks[0]?.seen.sourceTime ?? null, ...Object.fromEntries(fields) };
}

/** tl_drct_info of one crossroad. */
export function nationalAnswerOf(id: string, looks: readonly Look[]) {
  const [stdgCd, crsrdId] = id.split(':');
  const fields = looks.flatMap((look): [string, unknown][] => [
    [`${directionOf(look.signal)}PdsgRmndCs`, String(tenths(look))],
    [`${directionOf(look.signal)}PdsgSttsNm`, NAMES[look.seen.phase]],
  ]);
  const kst = new Date((looks[0]?.seen.sourceTime ?? 0) + 9 * 3_600_000).toISOString();
  const totDt = kst.replaceAll(/\D/g, '').slice(0, 14);
  const item = [{ stdgCd, crsrdId, totDt, ...Object.fromEntries(fields) }];
  const body = { pageNo: 1, numOfRows: 10, totalCount: 1, items: { item } };
  return { header: { resultCode: 'K0', resultMsg: 'NORMAL_SERVICE' }, body };
}

/** A J2735 intersection, to be sent as UPER or JSON. */
export function spatOf(id: number, looks: readonly Look[]): SpatIntersection {
  const at = looks[0]?.seen.sourceTime ?? 0;
  const year = Date.UTC(new Date(at).getUTCFullYear());
  return {
    id,
    status: 1 << 5, // fixedTimeOperation
    moy: Math.floor((at - year) / 60_000),
    timeStamp: Math.floor(at % 60_000),
    movements: looks.map(({ signal, seen }) => {
      const end = { tenths: Math.floor((at / 1000 + seen.remaining) * 10) % 36_000 };
      return { signalGroup: groupOf(signal), eventState: NAMES[seen.phase], minEnd: end, maxEnd: end };
    }),
  };
}

/** The same as the ODE writes it. */
export function spatJsonOf(spat: SpatIntersection) {
  const movementList = spat.movements.map(({ signalGroup, eventState, minEnd, maxEnd }) => {
    const mark = (end: typeof minEnd) => (end && 'tenths' in end ? end.tenths : null);
    const timing = { minEndTime: mark(minEnd), maxEndTime: mark(maxEnd) };
    const name = eventState.toUpperCase().replaceAll('-', '_');
    return { signalGroup, state_time_speed: { movementEventList: [{ eventState: name, timing }] } };
  });
  const { id, moy, timeStamp } = spat;
  const status = { fixedTimeOperation: true };
  const one = { id: { id }, revision: 0, status, moy, timeStamp, states: { movementList } };
  const data = { intersectionStateList: { intersectionStatelist: [one] } };
  return {
    metadata: { recordType: 'spatTx' },
    payload: { dataType: 'us.dot.its.jpo.ode.model.J2735SPAT', data },
  };
}

function tenths({ seen }: Look): number {
  return Math.floor(seen.remaining * 10);
}
