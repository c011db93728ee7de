import { PAGE_SCRIPT, PAGE_STYLE } from './diff-page-text.ts';
import type { TileEvidence } from './gold.ts';
import type { Proposal, Proposed } from './proposal.ts';

/** One object of a proposal with what is around it in the map: x y z per point, m from the object's low corner. */
export interface ObjectView {
  readonly object: Proposed;
  /** degrees */
  readonly lat: number;
  readonly lon: number;
  /** points of the map that stay, that go, and that come */
  readonly stays: Float32Array;
  readonly goes: Float32Array;
  readonly comes: Float32Array;
}

export interface PageData {
  readonly proposal: Proposal;
  readonly views: readonly ObjectView[];
  readonly evidence: readonly TileEvidence[];
  /** paths as they were given, for the command that applies it */
  readonly map: string;
  readonly gold: string;
}

/** A page in one file that needs no network: each object before, after, and what the drives say of it. */
export function diffPage({ proposal, views, evidence, map, gold }: PageData): string {
  const { mapId, version, drives, days, voxel } = proposal;
  const title = `${mapId}: version ${version} → ${version + 1}`;
  const data = views.map(({ object, stays, goes, comes }) => ({
    id: object.id,
    voxel,
    size: object.high.map((value, a) => value - object.low[a]!),
    stays: base64(stays),
    goes: base64(goes),
    comes: base64(comes),
    cubes: object.cubes.map((cube) => cube.map((n, a) => n * voxel - object.low[a]!)),
    votes: object.votes,
  }));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${PAGE_STYLE}</style></head><body>
<header><h1>${escaped(title)}</h1>
<p>${views.length} object${views.length === 1 ? '' : 's'} proposed from ${drives} drives on ${days} days. Drag a picture to turn it, wheel to come nearer.</p>
<p class="key"><i class="stays"></i>stays <i class="goes"></i>goes <i class="comes"></i>comes <i class="agree"></i>days that agree … <i class="differ"></i>disagree</p></header>
<main>${views.map((view) => section(view, days)).join('\n') || '<p>Nothing has changed: there is nothing to apply.</p>'}</main>
<footer><p>Apply what is ticked: <code id="command" data-map="${escaped(map)}" data-gold="${escaped(gold)}" data-all="${views.length}"></code></p>
<details><summary>Evidence by tile</summary>${table(evidence)}</details></footer>
<script type="application/json" id="data">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>
<script>${PAGE_SCRIPT}</script></body></html>
`;
}

function section({ object, lat, lon, goes, comes }: ObjectView, days: number): string {
  const { id, kind, low, high, tiles, cubes, agree, disagree } = object;
  const size = high.map((value, a) => (value - low[a]!).toFixed(2)).join(' × ');
  const points = kind === 'gone' ? `${goes.length / 3} points go` : `${comes.length / 3} points come`;
  const facts = [
    ['what', kind === 'gone' ? 'is in the map, and is gone' : 'is not in the map, and stands there'],
    ['size', `${size} m (east, north, up), ${cubes.length} cubes; ${points}`],
    [
      'place',
      `${lat.toFixed(7)}, ${lon.toFixed(7)}; map ${low.map((value) => value.toFixed(2)).join(', ')} m`,
    ],
    ['tiles', tiles.join(', ')],
    ['evidence', `of ${days} days ${agree} agree and ${disagree} disagree, on average over its cubes`],
  ];
  const figures = ['before', 'after', 'evidence'].map(
    (name) =>
      `<figure><canvas data-id="${escaped(id)}" data-view="${name}"></canvas><figcaption>${name}</figcaption></figure>`,
  );
  return `<section><h2><label><input type="checkbox" value="${escaped(id)}" checked> ${escaped(id)}</label> <span class="${kind}">${kind}</span></h2>
<dl>${facts.map(([name, text]) => `<dt>${name}</dt><dd>${escaped(text!)}</dd>`).join('')}</dl>
<div class="row">${figures.join('')}</div></section>`;
}

function table(rows: readonly TileEvidence[]): string {
  const columns = ['tile', 'scans', 'cubes', 'full', 'free', 'appeared', 'gone'] as const;
  const line = (cells: readonly (string | number)[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(`${cell}`)}</${tag}>`).join('')}</tr>`;
  const body = rows.map((row) =>
    line(
      columns.map((column) => row[column]),
      'td',
    ),
  );
  return `<table>${line(columns, 'th')}${body.join('')}</table>`;
}

function base64(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
}

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (one) => names[one]!);
}
