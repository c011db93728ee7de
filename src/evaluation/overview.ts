import type { Card, Table } from './figures.ts';
import { escapeText, isNumeric } from './html.ts';
import type { Panel } from './panels.ts';
import { FONT } from './plots/draw.ts';
import { type ColourName, colour } from './plots/theme.ts';

const COLUMN = 640;
const GAP = 20;
const PAD = 16;
const OUTER = COLUMN + 2 * PAD;
const WIDTH = 2 * OUTER + 3 * GAP;
const HEAD = 62;
const CARD_HEIGHT = 92;
const CARDS_A_ROW = 3;
const ROW = 20;
/** of a table shown in the picture; the page has all */
const MOST_ROWS = 8;
const MISSING_HEIGHT = 120;

interface Block {
  readonly height: number;
  /** SVG of the block with its corner at the origin, OUTER wide */
  readonly svg: string;
}

/** The report as one tall picture in SVG, in the light colours: cards, then charts and tables in two columns. */
export function overviewSvg(
  title: string,
  facts: readonly string[],
  cards: readonly Card[],
  panels: readonly Panel[],
  tables: readonly Table[],
): string {
  const head = [
    text(GAP, 44, clip(title, 90), 26, 'ink', { bold: true }),
    ...facts.map((fact, line) => text(GAP, 70 + 19 * line, clip(fact, 190), 14, 'muted')),
  ];
  let y = 70 + 19 * facts.length;
  const cardBlocks = cards.map((card, index) => {
    const width = (WIDTH - GAP * (CARDS_A_ROW + 1)) / CARDS_A_ROW;
    const x = GAP + (index % CARDS_A_ROW) * (width + GAP);
    return cardSvg(card, x, y + Math.floor(index / CARDS_A_ROW) * (CARD_HEIGHT + 12), width);
  });
  y += Math.ceil(cards.length / CARDS_A_ROW) * (CARD_HEIGHT + 12) + 8;
  const blocks = [...panels.map(panelBlock), tablesBlock(tables)];
  const placed: string[] = [];
  for (let index = 0; index < blocks.length; index += 2) {
    const pair = blocks.slice(index, index + 2);
    const height = Math.max(...pair.map((block) => block.height));
    pair.forEach(({ svg }, side) => {
      placed.push(
        `<g transform="translate(${GAP + side * (OUTER + GAP)} ${y})">${box(OUTER, height)}${svg}</g>`,
      );
    });
    y += height + GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}">
<rect width="${WIDTH}" height="${y}" fill="${colour('page')}"/>
${[...head, ...cardBlocks, ...placed].join('\n')}
</svg>`;
}

function panelBlock(panel: Panel): Block {
  const drawing = panel.draw(`${panel.id}-overview`, { width: COLUMN, height: panel.height });
  const head =
    text(PAD, 28, panel.title, 17, 'ink', { bold: true }) +
    text(PAD, 49, clip(panel.about, 112), 13, 'muted');
  if ('missing' in drawing) {
    const words = text(OUTER / 2, HEAD + MISSING_HEIGHT / 2, drawing.missing, 15, 'muted', {
      anchor: 'middle',
    });
    return { height: HEAD + MISSING_HEIGHT, svg: head + words };
  }
  const placed = drawing.svg.replace('<svg ', `<svg x="${PAD}" y="${HEAD}" `);
  return { height: HEAD + panel.height + PAD, svg: head + placed };
}

function tablesBlock(tables: readonly Table[]): Block {
  let y = 8;
  const parts = tables.map((table) => {
    const { svg, height } = tableSvg(table);
    const placed = `<g transform="translate(0 ${y})">${svg}</g>`;
    y += height + 10;
    return placed;
  });
  return { height: y + PAD, svg: parts.join('') };
}

function tableSvg({ title, head, rows, empty }: Table): Block {
  const heading = text(PAD, 20, title, 17, 'ink', { bold: true });
  if (rows.length === 0) return { height: 44, svg: heading + text(PAD, 42, empty, 13, 'muted') };
  const shown = rows.slice(0, MOST_ROWS);
  const lines = [head, ...shown];
  const columns = columnsOf(lines);
  const cells = lines.flatMap((row, line) =>
    row.map((cell, column) => {
      const { x, width, letters } = columns[column]!;
      const right = isNumeric(rows, column);
      const place = right ? x + width : x;
      const hue = line === 0 ? 'muted' : 'ink';
      return text(place, 44 + line * ROW, clip(cell, letters), 13, hue, right ? { anchor: 'end' } : {});
    }),
  );
  const more = rows.length - shown.length;
  const rest =
    more > 0 ? [text(PAD, 44 + lines.length * ROW, `and ${more} more: see the page`, 13, 'muted')] : [];
  return { height: 34 + (lines.length + rest.length) * ROW, svg: [heading, ...cells, ...rest].join('') };
}

/** Where the columns stand: each as wide as its longest text, the last cut to what is left. */
function columnsOf(lines: readonly (readonly string[])[]): { x: number; width: number; letters: number }[] {
  const perLetter = 6.9;
  let x = PAD;
  return lines[0]!.map((_, column) => {
    const longest = Math.max(...lines.map((row) => row[column]?.length ?? 0));
    const letters = Math.min(longest, Math.floor((OUTER - PAD - x) / perLetter));
    const placed = { x, width: letters * perLetter, letters };
    x += placed.width + 18;
    return placed;
  });
}

function cardSvg({ label, value, note }: Card, x: number, y: number, width: number): string {
  return `<g transform="translate(${x} ${y})">${box(width, CARD_HEIGHT)}${text(14, 24, label, 14, 'muted')}${text(14, 56, value, 27, 'ink', { bold: true })}${text(14, 79, clip(note, 70), 13, 'muted')}</g>`;
}

function box(width: number, height: number): string {
  return `<rect width="${width}" height="${height}" rx="10" fill="${colour('paper')}" stroke="${colour('line')}"/>`;
}

function text(
  x: number,
  y: number,
  words: string,
  size: number,
  hue: ColourName,
  { bold = false, anchor = 'start' }: { bold?: boolean; anchor?: string } = {},
): string {
  const weight = bold ? ' font-weight="bold"' : '';
  return `<text x="${x}" y="${y}" font-family="${FONT}" font-size="${size}" fill="${colour(hue)}" text-anchor="${anchor}"${weight}>${escapeText(words)}</text>`;
}

function clip(words: string, letters: number): string {
  return words.length <= letters ? words : `${words.slice(0, Math.max(0, letters - 1))}…`;
}
