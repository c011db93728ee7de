import type { RouteSignal } from '../../src/types.ts';

/** Hand-made messages in the form of the real feeds, so that all is tested without recordings. */

export const utf8 = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

export function signal(more: Partial<RouteSignal> = {}): RouteSignal {
  return {
    signalId: 's1',
    provider: 'seoul',
    externalId: '2691',
    head: 'et',
    verifiedAt: '2026-01-01T00:00:00Z',
    crossingLength: 12,
    ...more,
  };
}

/** 2026-03-02T03:04:05.600Z */
export const T0 = Date.UTC(2026, 2, 2, 3, 4, 5, 600);

/** A fused city record: et shows walk for 12.3 s more, wt stops. */
export function cityRecord(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    dataId: 'SPAT-X',
    trsmUtcTime: T0,
    itstId: '2691',
    etPdsgRmdrCs: 123.0,
    etStsgRmdrCs: 853.0,
    wtPdsgRmdrCs: 473.0,
    ntPdsgRmdrCs: null,
    etPdsgStatNm: 'protected-Movement-Allowed',
    etStsgStatNm: 'stop-And-Remain',
    wtPdsgStatNm: 'stop-And-Remain',
    ntPdsgStatNm: null,
    ...more,
  };
}

/** A national answer with one row; 2026-03-02 12:04:05 KST is T0 without its tenths. */
export function nationalAnswer(
  row: Record<string, unknown> = {},
  outer: Record<string, unknown> = {},
): unknown {
  return {
    header: { resultCode: 'K0', resultMsg: 'NORMAL_SERVICE' },
    body: {
      pageNo: 1,
      numOfRows: 10,
      totalCount: 1,
      items: {
        item: [
          {
            stdgCd: '1100000000',
            crsrdId: '1057',
            totDt: '20260302120405',
            etPdsgRmndCs: '123',
            etPdsgSttsNm: 'protected-Movement-Allowed',
            wtPdsgRmndCs: '36001',
            wtPdsgSttsNm: 'stop-And-Remain',
            ntPdsgRmndCs: '',
            ntPdsgSttsNm: '',
            ...row,
          },
        ],
      },
    },
    ...outer,
  };
}

const NOTHING_SPECIAL = Object.fromEntries(
  ['manualControlIsEnabled', 'failureFlash', 'off', 'preemptIsActive'].map((name) => [name, false]),
);

/** A SPaT as the ODE writes it: group 2 walks until 22120 tenths of the hour. */
export function odeSpat(
  one: Record<string, unknown> = {},
  event: Record<string, unknown> = {},
  message: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    metadata: { recordType: 'spatTx' },
    payload: {
      dataType: 'us.dot.its.jpo.ode.model.J2735SPAT',
      data: {
        ...message,
        intersectionStateList: {
          intersectionStatelist: [
            {
              id: { id: 12111 },
              revision: 0,
              status: NOTHING_SPECIAL,
              timeStamp: 35_176,
              states: {
                movementList: [
                  {
                    signalGroup: 2,
                    state_time_speed: {
                      movementEventList: [
                        {
                          eventState: 'PROTECTED_MOVEMENT_ALLOWED',
                          timing: { minEndTime: 22_120, maxEndTime: 22_121 },
                          ...event,
                        },
                      ],
                    },
                  },
                ],
              },
              ...one,
            },
          ],
        },
      },
    },
  };
}

/** A MAP of intersection 12111 with one lane, to lane 9 by `group`, bit by bit. `type` 0000: for cars, 0001: crosswalk. */
export function mapBytes(type: '0000' | '0001', group: number): Uint8Array {
  const n = (value: number, count: number) => value.toString(2).padStart(count, '0');
  const attributes = type === '0001' ? n(0, 16) : n(0, 9);
  const bits = [
    '0 00010000 0000000 00000', // MapData: intersections only, revision 0, one of them
    `000000 0${n(12_111, 16)}${n(3, 7)}`, // no optional part, id, revision
    `000 ${n(374_979_400 + 900_000_000, 31)}${n(1_270_276_200 + 1_799_999_999, 32)}`,
    `00000000 00000100 ${n(7, 8)}`, // one lane, with connections
    `0 00 ${n(0, 10)} ${type} ${attributes}`,
    `00 000000 00 000 ${n(512 - 300, 10)}${n(512 + 200, 10)} 00 000 ${n(512 + 500, 10)}${n(512, 10)}`,
    `0000 0100 0${n(9, 8)}${n(group, 8)}`,
  ]
    .join('')
    .replaceAll(' ', '');
  const value = bits.match(/.{1,8}/g)!.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2));
  return Uint8Array.of(0, 18, value.length, ...value);
}
