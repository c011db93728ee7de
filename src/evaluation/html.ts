import type { Card, Table } from './figures.ts';
import type { Panel } from './panels.ts';
import { cssVariables, inCss } from './plots/theme.ts';

/** Below this width of the window the narrow drawings are shown, pixels. */
const NARROW = 640;

const STYLE = `
:root{color-scheme:light dark;${cssVariables('light')}}
@media (prefers-color-scheme:dark){:root{${cssVariables('dark')}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:1400px;margin:0 auto;padding:24px 20px 40px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:16px;margin:0 0 2px}
p{margin:0}.about,.facts{color:var(--muted);font-size:13px;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(3,1fr);gap:12px;margin:20px 0}
.card,.panel{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:14px 16px;min-width:0}
.card b{display:block;font-size:25px;font-weight:600;margin:2px 0}
.card span,.card small{display:block;color:var(--muted);font-size:13px}.card small{font-size:12px}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,540px),1fr));gap:16px;align-items:start}
.panel{margin:0}.panel svg{width:100%;height:auto;margin-top:10px}.panel svg text{font-family:inherit}
.panel .wide{display:block}.panel .narrow{display:none}
.missing{margin-top:12px;padding:32px 16px;text-align:center;color:var(--muted);background:var(--page);border-radius:8px}
.scroll{overflow-x:auto;margin:6px 0 16px}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}
th{color:var(--muted);font-weight:500}.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
@media (max-width:${NARROW}px){main{padding:16px 10px 32px}.panel{padding:12px 10px}.panel .wide{display:none}.panel .narrow{display:block}
.cards{grid-template-columns:repeat(2,1fr);gap:8px}.card b{font-size:21px}table{font-size:12px}th,td{padding-right:8px}}
`;

/** The page as one file without anything from outside; every text in it is escaped. */
export function htmlOf(
  title: string,
  facts: readonly string[],
  cards: readonly Card[],
  panels: readonly Panel[],
  tables: readonly Table[],
): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeText(title)}</title><style>${STYLE}</style></head>
<body><main>
<h1>${escapeText(title)}</h1>
${facts.map((fact) => `<p class="facts">${escapeText(fact)}</p>`).join('\n')}
<section class="cards">${cards.map(cardHtml).join('\n')}</section>
<section class="panels">
${panels.map(panelHtml).join('\n')}
<div class="panel">${tables.map(tableHtml).join('\n')}</div>
</section>
</main></body></html>
`;
}

/** Text made safe between tags and in quoted attributes of HTML, SVG and XML. */
export function escapeText(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  // XML forbids control characters and lone surrogates, even escaped: one of them would void the whole picture.
  return text
    .replace(/(?![\t\n\r])[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"']/g, (letter) => entities[letter]!);
}

function cardHtml({ label, value, note }: Card): string {
  return `<div class="card"><span>${escapeText(label)}</span><b>${escapeText(value)}</b><small>${escapeText(note)}</small></div>`;
}

function panelHtml(panel: Panel): string {
  const head = `<h2>${escapeText(panel.title)}</h2><p class="about">${escapeText(panel.about)}</p>`;
  const wide = panel.draw(`${panel.id}-wide`, { width: 640, height: panel.height });
  if ('missing' in wide) {
    return `<figure class="panel">${head}<p class="missing">${escapeText(wide.missing)}</p></figure>`;
  }
  // A phone shows its own drawing: the wide one shrunk to it would have letters too small to read.
  const narrow = panel.draw(`${panel.id}-narrow`, { width: 350, height: Math.min(panel.height, 440) });
  const drawings =
    'svg' in narrow ? [inlined(wide.svg, 'wide', panel), inlined(narrow.svg, 'narrow', panel)] : [];
  return `<figure class="panel">${head}${drawings.join('')}</figure>`;
}

function inlined(svg: string, name: string, { title }: Panel): string {
  return inCss(svg).replace(
    /<svg width="\d+" height="\d+"/,
    `<svg class="${name}" role="img" aria-label="${escapeText(title)}"`,
  );
}

function tableHtml({ title, head, rows, empty }: Table): string {
  if (rows.length === 0)
    return `<h2>${escapeText(title)}</h2><p class="about scroll">${escapeText(empty)}</p>`;
  const cells = (row: readonly string[], tag: 'th' | 'td') =>
    row
      .map(
        (cell, column) =>
          `<${tag}${isNumeric(rows, column) ? ' class="number"' : ''}>${escapeText(cell)}</${tag}>`,
      )
      .join('');
  const body = rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n');
  return `<h2>${escapeText(title)}</h2><div class="scroll"><table><tr>${cells(head, 'th')}</tr>\n${body}</table></div>`;
}

/** Whether a column is of numbers, which are set to the right. */
export function isNumeric(rows: readonly (readonly string[])[], column: number): boolean {
  return rows.every((row) => /^(–|[\d.]+( %)?)$/.test(row[column] ?? ''));
}
