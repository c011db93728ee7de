/** One thing that was said with a probability, and whether it was so. */
export interface Said {
  readonly probability: number;
  readonly right: boolean;
}

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** what was said in the mean, and the share that was right */
  readonly said: number;
  readonly was: number;
}

const EDGES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.000001];

/** What was said and what was so, by what was said; bins without trials are left out. */
export function reliabilityOf(all: readonly Said[]): Bin[] {
  return EDGES.slice(0, -1).flatMap((from, k) => {
    const to = EDGES[k + 1]!;
    const of = all.filter(({ probability }) => probability >= from && probability < to);
    if (of.length === 0) return [];
    const said = of.reduce((sum, { probability }) => sum + probability, 0) / of.length;
    return [{ from, to, count: of.length, said, was: of.filter(({ right }) => right).length / of.length }];
  });
}

/** Between nearly never and nearly always both ends are of interest: a logit scale, cut at one in 100,000. */
const CUT = 1e-5;
const logit = (p: number) => {
  const inside = Math.min(Math.max(p, CUT), 1 - CUT);
  return Math.log(inside / (1 - inside));
};
const SIDE = 480;
const MARGIN = 70;
const place = (p: number) => (SIDE * (logit(p) / logit(1 - CUT) + 1)) / 2;

/** The reliability diagram as SVG: each bin at what was said and what was so, with its 95 % interval. */
export function diagramOf(bins: readonly Bin[], trials: number): string {
  const x = (p: number) => (MARGIN + place(p)).toFixed(1);
  const y = (p: number) => (MARGIN + SIDE - place(p)).toFixed(1);
  const ticks = [1e-4, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999];
  const text = (at: string, anchor: string, words: string) =>
    `<text ${at} text-anchor="${anchor}" fill="#333">${words}</text>`;
  const grid = ticks.flatMap((p) => [
    `<path d="M${x(p)} ${y(CUT)}V${y(1)}M${x(CUT)} ${y(p)}H${x(1)}" stroke="#ddd"/>`,
    text(`x="${x(p)}" y="${MARGIN + SIDE + 18}"`, 'middle', String(p)),
    text(`x="${MARGIN - 8}" y="${Number(y(p)) + 4}"`, 'end', String(p)),
  ]);
  const marks = bins.flatMap(({ said, was, count }) => {
    const [low, high] = wilson(was, count);
    return [
      `<path d="M${x(said)} ${y(low)}V${y(high)}" stroke="#36c" stroke-width="2"/>`,
      `<circle cx="${x(said)}" cy="${y(was)}" r="4" fill="#36c"/>`,
      text(`x="${Number(x(said)) + 8}" y="${Number(y(was)) + 14}" font-size="10"`, 'start', String(count)),
    ];
  });
  const size = SIDE + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" font-family="sans-serif" font-size="12">`,
    `<rect width="${size}" height="${size}" fill="#fff"/>`,
    ...grid,
    `<path d="M${x(CUT)} ${y(CUT)}L${x(1)} ${y(1)}" stroke="#999" stroke-dasharray="4 4"/>`,
    ...marks,
    text(
      `x="${size / 2}" y="30"`,
      'middle',
      `${trials} registrations: how likely they were said to be right, and how often they were`,
    ),
    text(`x="${size / 2}" y="${size - 18}"`, 'middle', 'said'),
    text(
      `x="18" y="${size / 2}" transform="rotate(-90 18 ${size / 2})"`,
      'middle',
      'was right (95 % interval; numbers: trials)',
    ),
    '</svg>',
  ].join('\n');
}

/** 95 % interval of a share (Wilson 1927). */
function wilson(share: number, count: number): [low: number, high: number] {
  const z2 = 1.96 ** 2;
  const middle = share + z2 / (2 * count);
  const half = 1.96 * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count ** 2));
  const scale = 1 + z2 / count;
  return [Math.max(0, (middle - half) / scale), Math.min(1, (middle + half) / scale)];
}
