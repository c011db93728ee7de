import { CITY, cityRow } from './city-rows.ts';
import type { HttpFeed } from './http-vendor.ts';
import { NATIONAL, nationalId, nationalRow } from './national-rows.ts';

/** Paths of Seoul T-Data below its gateway. */
const FUSION = 'v2xSignalPhaseTimingFusionInformation/1.0';
const NAMES = 'v2xSignalPhaseInformation/1.0';
const TIMING = 'v2xSignalPhaseTimingInformation/1.0';

/** Seoul T-Data: names and timing in one answer, or in two that are joined. */
export function cityFeed(base: string, key: string, feed: 'fusion' | 'timing+phase'): HttpFeed {
  const paths = feed === 'fusion' ? [FUSION] : [NAMES, TIMING];
  return {
    spelling: CITY,
    urls: (itstId) =>
      paths.map((path) => urlOf(base, path, { apikey: key, itstId, pageNo: '1', numOfRows: '1' })),
    rows(bodies, itstId) {
      const [names, timing] = bodies.map((body) => cityRow(body, itstId));
      return { names: names!, timing: timing ?? names! };
    },
  };
}

/** KLID: one municipality's crossroad by `stdgCd:crsrdId`. */
export function nationalFeed(base: string, key: string): HttpFeed {
  return {
    spelling: NATIONAL,
    urls(id) {
      const { municipality, crossroad } = nationalId(id);
      const query = {
        serviceKey: key,
        stdgCd: municipality,
        crsrdId: crossroad,
        pageNo: '1',
        numOfRows: '10',
      };
      return [urlOf(base, 'tl_drct_info', { ...query, type: 'json' })];
    },
    rows(bodies, id) {
      const row = nationalRow(bodies[0]!, nationalId(id));
      // Known by its whole id from here on.
      const whole = { ...row, intersection: id };
      return { names: whole, timing: whole };
    },
  };
}

function urlOf(base: string, path: string, query: Record<string, string>): URL {
  const url = new URL(`${base.replace(/\/$/, '')}/${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}
