import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseBody } from '../../src/adapters/its/body.ts';
import { CITY, cityRow } from '../../src/adapters/its/city-rows.ts';
import { readHeads, withTiming } from '../../src/adapters/its/heads.ts';
import { NATIONAL, nationalId, nationalRow } from '../../src/adapters/its/national-rows.ts';
import { refusalReason } from '../../src/types.ts';
import { realData } from '../data.ts';
import { cityRecord, nationalAnswer, signal, T0, utf8 } from './its-samples.ts';

/** The state of one head of a city answer, its unit being proven. */
function city(record: unknown, head = 'et', id = '2691') {
  const row = cityRow(utf8(record), id);
  const { readings, refused } = readHeads([signal({ head })], row, row, CITY, 'city', 7);
  return { state: readings[0] && withTiming(readings[0], 10), refused };
}

const reasonOf = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    return refusalReason(error);
  }
  return 'nothing thrown';
};

describe('the city feed', () => {
  it('says phase, seconds and the time of the source', () => {
    expect(city(cityRecord()).state).toEqual({
      signalId: 's1',
      phase: 'walk',
      remaining: { min: 12.3, likely: 12.3, max: 12.3 },
      sourceTime: T0,
      timingSourceTime: T0,
      receivedAtMs: 7,
      provider: 'city',
      raw: { etPdsgStatNm: 'protected-Movement-Allowed', etPdsgRmdrCs: 123 },
    });
    expect(city([cityRecord()], 'wt').state?.phase).toBe('stop');
  });

  it('gives the remaining time to whatever state shows, and none without a proven unit', () => {
    expect(city(cityRecord(), 'wt').state?.remaining).toEqual({ min: 47.3, likely: 47.3, max: 47.3 });
    const row = cityRow(utf8(cityRecord()), '2691');
    const { readings } = readHeads([signal()], row, row, CITY, 'city', 7);
    expect(withTiming(readings[0]!, undefined)).not.toHaveProperty('remaining');
  });

  it.each([36_000, 36_001, 65_535, -1, null, '', ' ', 'x', undefined, true, [123]])(
    'takes %j for no remaining time',
    (etPdsgRmdrCs) => {
      const { state } = city(cityRecord({ etPdsgRmdrCs }));
      expect(state?.phase).toBe('walk');
      expect(state).not.toHaveProperty('remaining');
    },
  );

  it('reads numbers that come as text, and exponents', () => {
    expect(city(cityRecord({ etPdsgRmdrCs: '123.0' })).state?.remaining?.min).toBe(12.3);
    expect(
      city('[{"itstId":2691,"trsmUtcTime":1.690902000151E12,"etPdsgStatNm":"dark"}]').state,
    ).toMatchObject({
      phase: 'dark',
      sourceTime: 1_690_902_000_151,
    });
  });

  it.each([
    ['protected-Movement-Allowed', 'walk'],
    ['PERMISSIVE-MOVEMENT-ALLOWED', 'walk'],
    ['protected-clearance', 'clearance'],
    ['permissive-clearance', 'clearance'],
    ['stop-And-Remain', 'stop'],
    ['dark', 'dark'],
    ['stop-Then-Proceed', 'fault'],
    ['caution-Conflicting-Traffic', 'fault'],
    ['unavailable', 'unknown'],
  ])('takes %s for %s', (etPdsgStatNm, phase) => {
    const { state, refused } = city(cityRecord({ etPdsgStatNm }));
    expect(state?.phase).toBe(phase);
    expect(refused).toEqual([]);
  });

  it.each(['Movement-Allowed', 'protected-Movement-Allowed2', 'not protected-Movement-Allowed', 'green', 3])(
    'takes the name %j for unknown, aloud',
    (etPdsgStatNm) => {
      const { state, refused } = city(cityRecord({ etPdsgStatNm }));
      expect(state?.phase).toBe('unknown');
      expect(refused[0]?.reason).toBe('unknown-state-name');
    },
  );

  it('says nothing of a head that the intersection has not', () => {
    for (const head of ['nt', 'ne', '4', 'etPdsg', '__proto__']) {
      const { state, refused } = city(cityRecord(), head);
      expect(state).toBeUndefined();
      expect(refused[0]?.reason).toBe('no-such-head');
    }
  });

  it('joins names and timing of two answers, each with its own time', () => {
    const names = cityRow(utf8(cityRecord({ etPdsgRmdrCs: undefined })), '2691');
    const timing = cityRow(utf8(cityRecord({ trsmUtcTime: T0 + 2000, etPdsgStatNm: undefined })), '2691');
    const { readings } = readHeads([signal()], names, timing, CITY, 'city', 7);
    expect(withTiming(readings[0]!, 10)).toMatchObject({
      phase: 'walk',
      remaining: { min: 12.3 },
      sourceTime: T0,
      timingSourceTime: T0 + 2000,
    });
  });

  it('takes the newest of several rows', () => {
    const old = cityRecord({ trsmUtcTime: T0 - 9000, etPdsgStatNm: 'stop-And-Remain' });
    for (const rows of [
      [old, cityRecord()],
      [cityRecord(), old],
    ])
      expect(city(rows).state?.phase).toBe('walk');
  });

  it('refuses two newest rows that differ, and takes one that is only there twice', () => {
    const other = cityRecord({ etPdsgStatNm: 'stop-And-Remain' });
    expect(reasonOf(() => city([cityRecord(), other]))).toBe('row-twice');
    expect(city([cityRecord(), cityRecord()]).state?.phase).toBe('walk');
    expect(city([cityRecord(), other, cityRecord({ trsmUtcTime: T0 + 1 })]).state?.phase).toBe('walk');
  });

  it.each([
    ['another id', cityRecord({ itstId: '2692' }), 'wrong-id'],
    ['an id that only begins so', cityRecord({ itstId: '26911' }), 'wrong-id'],
    ['no rows', [], 'no-rows'],
    ['no time', cityRecord({ trsmUtcTime: null }), 'no-source-time'],
    ['a time in seconds', cityRecord({ trsmUtcTime: T0 / 1000 }), 'no-source-time'],
    ['text', '"2691"', 'no-rows'],
  ])('refuses %s', (_, body, reason) => {
    expect(reasonOf(() => city(body))).toBe(reason);
  });

  it('reads the real answers', () => {
    const timing = realData('v2x-korea/tdata-timing-itst2691-20230802.json');
    const fusion = realData('v2x-korea/tdata-fusion-itst123-wiremock.json');
    if (!timing || !fusion) return;
    // Timing alone has no state: its heads are refused, its time is read (2023-08-02 00:00:00.151 KST).
    const row = cityRow(readFileSync(timing), '2691');
    expect(row.sourceTime).toBe(Date.UTC(2023, 7, 1, 15, 0, 0, 151));
    const { refused } = readHeads([signal()], row, row, CITY, 'city', 7);
    expect(refused[0]?.reason).toBe('no-such-head');
    const both = readHeads([signal()], cityRow(utf8(cityRecord()), '2691'), row, CITY, 'city', 7);
    expect(withTiming(both.readings[0]!, 10).remaining?.min).toBe(12.3);
    const body = JSON.parse(readFileSync(fusion, 'utf8')).response.jsonBody;
    expect(city(body, 'wt', '123').state).toMatchObject({ phase: 'walk', remaining: { min: 30 } });
    expect(city(body, 'et', '123').refused[0]?.reason).toBe('no-such-head');
  });
});

describe('the national feed', () => {
  const national = (answer: unknown, head = 'et') => {
    const row = nationalRow(utf8(answer), nationalId('1100000000:1057'));
    const { readings, refused } = readHeads([signal({ head })], row, row, NATIONAL, 'national', 7);
    return { state: readings[0] && withTiming(readings[0], 10), refused };
  };

  it('says the same by its own names, in Korean time', () => {
    expect(national(nationalAnswer()).state).toMatchObject({
      phase: 'walk',
      remaining: { min: 12.3 },
      sourceTime: Date.UTC(2026, 2, 2, 3, 4, 5),
    });
    expect(national(nationalAnswer(), 'wt').state).not.toHaveProperty('remaining');
    expect(national(nationalAnswer(), 'nt').refused[0]?.reason).toBe('no-such-head');
  });

  it('takes one row as an object, and an outer response', () => {
    const { header, body } = nationalAnswer() as { header: object; body: { items: { item: object[] } } };
    const single = { header, body: { ...body, items: { item: body.items.item[0] } } };
    expect(national(single).state?.phase).toBe('walk');
    expect(national({ response: single }).state?.phase).toBe('walk');
  });

  it.each([
    ['another municipality', nationalAnswer({ stdgCd: '2600000000' }), 'wrong-id'],
    ['another crossroad', nationalAnswer({ crsrdId: '1058' }), 'wrong-id'],
    ['a time that is none', nationalAnswer({ totDt: '20261302120405' }), 'no-source-time'],
    ['a time of 24 hours', nationalAnswer({ totDt: '20260302240405' }), 'no-source-time'],
    ['no items', nationalAnswer({}, { body: { items: '' } }), 'no-rows'],
    ['no body', nationalAnswer({}, { body: undefined }), 'no-rows'],
    ['its quota', nationalAnswer({}, { header: { resultCode: '22', resultMsg: 'x' } }), 'quota'],
  ])('refuses %s', (_, answer, reason) => {
    expect(reasonOf(() => national(answer))).toBe(reason);
  });

  it('refuses an id without its municipality', () => {
    for (const id of ['1057', ':1057', '11:22:33', '']) expect(reasonOf(() => nationalId(id))).toBe('bad-id');
  });
});

describe('a body', () => {
  it.each([
    ['an HTML page', '<!DOCTYPE html><html><body>Service unavailable</body></html>', 'html-body'],
    ['an HTML page after blanks', '\n \uFEFF<HTML>', 'html-body'],
    [
      'the gateway’s XML',
      '<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg><returnAuthMsg>LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR</returnAuthMsg><returnReasonCode>22</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>',
      'quota',
    ],
    [
      'a key not registered',
      '<OpenAPI_ServiceResponse><returnAuthMsg>SERVICE_KEY_IS_NOT_REGISTERED_ERROR</returnAuthMsg><returnReasonCode>30</returnReasonCode></OpenAPI_ServiceResponse>',
      'key-refused',
    ],
    ['other XML', '<a/>', 'xml-body'],
    [
      'a quota in words',
      '{"type":"Other","failureCode":10005,"responseCode":429,"message":"Rate limit exceeded."}',
      'quota',
    ],
    ['a quota without a code', '{"message":"API rate limit exceeded"}', 'quota'],
    [
      'a quota in a header',
      '{"response":{"header":{"resultCode":"22","resultMsg":"LIMITED NUMBER OF SERVICE REQUESTS EXCEEDS ERROR."}}}',
      'quota',
    ],
    ['another error', '{"header":{"resultCode":"99","resultMsg":"UNKNOWN ERROR"}}', 'vendor-error'],
    ['half an answer', '{"header":', 'bad-json'],
    ['nothing', '', 'bad-json'],
  ])('that is %s is refused', (_, body, reason) => {
    expect(reasonOf(() => parseBody(utf8(body)))).toBe(reason);
  });

  it('that is not UTF-8 is refused', () => {
    expect(reasonOf(() => parseBody(Uint8Array.of(0x7b, 0xff, 0x7d)))).toBe('bad-json');
  });
});
