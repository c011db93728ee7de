/** Of a link, where the source says nothing: narrow enough that only a small robot dares, metres. */
const ASSUMED_WIDTH = 1;
/** Walking pace that we allow on a footway, m/s. */
const SPEED_LIMIT = 1.5;
/**
 * Heights of OSM `kerb` values, metres (wiki.openstreetmap.org/wiki/Key:kerb: lowered is about 3 cm, flush about 0,
 * raised more than 3 cm); the unknown ones as the highest.
 */
const KERBS: Readonly<Record<string, number>> = { flush: 0, no: 0, lowered: 0.03, rolled: 0.1, raised: 0.15 };
/** A step of a stair, metres: what a wheeled profile refuses. */
const STEP = 0.18;

export type Tags = Readonly<Record<string, string | number | boolean | undefined>>;

/** Whether a way is for people on foot, OSM or OpenSidewalks. */
export function isFootway({ highway, foot, access }: Tags): boolean {
  if (access === 'no' || access === 'private' || foot === 'no') return false;
  const walked = ['footway', 'pedestrian', 'path', 'steps', 'living_street', 'corridor'];
  return walked.includes(String(highway)) || foot === 'designated';
}

/** What the tags of a way say of a link; `assumed` names what they do not say. */
export function linkTags(tags: Tags, kerbs: readonly Tags[], id: string) {
  const width = metres(tags.width ?? tags.est_width);
  const incline = slope(tags.incline);
  const heights = kerbs.flatMap((node) => {
    if (node.kerb === undefined && node.barrier !== 'kerb') return [];
    return [metres(node['kerb:height']) ?? KERBS[String(node.kerb)] ?? KERBS.raised!];
  });
  const crossing = tags.footway === 'crossing' || (tags.crossing !== undefined && tags.crossing !== 'no');
  return {
    properties: {
      width: width ?? ASSUMED_WIDTH,
      incline: incline ?? 0,
      surface: typeof tags.surface === 'string' ? tags.surface : 'unknown',
      kerbHeight: Math.max(0, ...heights, ...(tags.highway === 'steps' ? [STEP] : [])),
      ...(tags.highway === 'steps' && { stairs: true }),
      // No such signal is surveyed yet: the check lists it, and a robot waits there.
      ...(crossing && { crossing: `unsurveyed-${id}` }),
      speedLimit: SPEED_LIMIT,
    },
    assumed: [
      ...(width === undefined ? ['width'] : []),
      ...(incline === undefined ? ['incline'] : []),
      ...(tags.surface === undefined ? ['surface'] : []),
    ],
  };
}

/** Metres of an OSM length: `1.5`, `1.5 m`, `150 cm`, `5'`, `5'6"`; undefined where it cannot be told. */
export function metres(value: Tags[string]): number | undefined {
  const text = String(value ?? '').trim();
  const feet = /^(\d+(?:\.\d+)?)\s*(?:'|ft)\s*(?:(\d+(?:\.\d+)?)\s*")?$/.exec(text);
  if (feet) return Number(feet[1]) * 0.3048 + Number(feet[2] ?? 0) * 0.0254;
  const metric = /^(\d+(?:\.\d+)?)\s*(m|cm)?$/.exec(text);
  if (!metric) return undefined;
  const length = Number(metric[1]) / (metric[2] === 'cm' ? 100 : 1);
  return length > 0 ? length : undefined;
}

/** Rise over run of an OSM incline: `5%`, `-3 °`, `0.05` (OpenSidewalks); `up`, `down` and others are unknown. */
export function slope(value: Tags[string]): number | undefined {
  const found = /^([+-]?\d+(?:\.\d+)?)\s*(%|°)?$/.exec(String(value ?? '').trim());
  if (!found) return undefined;
  const number = Number(found[1]);
  if (found[2] === '%') return number / 100;
  return found[2] === '°' ? Math.tan((number * Math.PI) / 180) : number;
}
