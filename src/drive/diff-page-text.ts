/** What the page of a proposal looks like. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: #8884; --stays: #7d8794; --goes: #e5484d; --comes: #2f9e5f; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1240px; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0.2rem 0; } h2 { font-size: 1.1rem; margin: 0 0 0.4rem; }
section { border: 1px solid var(--line); border-radius: 8px; padding: 0.8rem; margin: 1rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 0.8rem; margin: 0 0 0.6rem; }
dt { opacity: 0.7; } dd { margin: 0; overflow-wrap: anywhere; }
.row { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.6rem; }
@media (max-width: 800px) { .row { grid-template-columns: 1fr; } }
figure { margin: 0; } figcaption { text-align: center; opacity: 0.8; }
canvas { width: 100%; aspect-ratio: 4 / 3; border: 1px solid var(--line); border-radius: 6px; background: #14171c; touch-action: none; cursor: grab; }
.key i { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 50%; margin: 0 0.3em 0 1em; }
.key .stays { background: var(--stays); } .key .goes { background: var(--goes); } .key .comes { background: var(--comes); }
.key .agree { background: #4c9aff; } .key .differ { background: #f5a524; }
h2 .gone { color: var(--goes); } h2 .appeared { color: var(--comes); }
code { background: #8882; padding: 0.2rem 0.4rem; border-radius: 4px; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin-top: 0.5rem; } th, td { border: 1px solid var(--line); padding: 0.1rem 0.5rem; text-align: right; }
`;

/** Draws the pictures of the page: points and cubes seen from afar, the three of an object turned together. */
export const PAGE_SCRIPT = `
'use strict';
const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const objects = new Map(JSON.parse(document.getElementById('data').textContent).map((one) => [one.id, {
  ...one, stays: floats(one.stays), goes: floats(one.goes), comes: floats(one.comes),
  turn: one.size[0] >= one.size[1] ? -0.5 : 1.1, tilt: 0.5, zoom: 1,
}]));
const canvases = [...document.querySelectorAll('canvas')];
function draw(canvas) {
  const one = objects.get(canvas.dataset.id);
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.width = canvas.clientWidth * ratio;
  const height = canvas.height = canvas.clientHeight * ratio;
  const pen = canvas.getContext('2d');
  const [cx, cy, cz] = one.size.map((s) => s / 2);
  const scale = one.zoom * 0.85 * width / (Math.hypot(...one.size) + 5);
  const [ct, st, cp, sp] = [Math.cos(one.turn), Math.sin(one.turn), Math.cos(one.tilt), Math.sin(one.tilt)];
  const place = (x, y, z) => {
    const [a, b, c] = [x - cx, y - cy, z - cz];
    const across = ct * a - st * b, deep = st * a + ct * b;
    return [width / 2 + scale * across, height / 2 - scale * (cp * c + sp * deep), deep * cp - c * sp];
  };
  const dots = (points, colour, size) => {
    pen.fillStyle = colour;
    for (let k = 0; k < points.length; k += 3) {
      const [px, py] = place(points[k], points[k + 1], points[k + 2]);
      pen.fillRect(px - size / 2, py - size / 2, size, size);
    }
  };
  const view = canvas.dataset.view;
  dots(one.stays, '#7d8794', 1.4 * ratio);
  if (view === 'before') dots(one.goes, '#e5484d', 2.4 * ratio);
  if (view === 'after') dots(one.comes, '#2f9e5f', 2.4 * ratio);
  if (view !== 'evidence') return;
  const half = one.voxel / 2;
  const edge = Math.max(2, 0.8 * scale * one.voxel);
  const cubes = one.cubes.map((cube, k) => [place(cube[0] + half, cube[1] + half, cube[2] + half), one.votes[k] || [1, 0]]);
  cubes.sort((a, b) => b[0][2] - a[0][2]);
  for (const [[px, py], [yes, no]] of cubes) {
    const share = yes + no > 0 ? yes / (yes + no) : 0;
    // From amber where days disagree to blue where all agree; the fainter the fewer days saw it.
    const mix = (a, b) => Math.round(a + (b - a) * Math.max(0, 2 * share - 1));
    pen.fillStyle = 'rgba(' + mix(245, 76) + ',' + mix(165, 154) + ',' + mix(36, 255) + ',' + Math.min(0.9, 0.25 + 0.08 * yes) + ')';
    pen.fillRect(px - edge / 2, py - edge / 2, edge, edge);
  }
}
const redraw = (id) => canvases.filter((canvas) => canvas.dataset.id === id).forEach(draw);
for (const canvas of canvases) {
  const one = objects.get(canvas.dataset.id);
  canvas.addEventListener('pointerdown', (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener('pointermove', (event) => {
    if (!event.buttons) return;
    one.turn += event.movementX * 0.01;
    one.tilt = Math.min(1.57, Math.max(0, one.tilt + event.movementY * 0.01));
    redraw(one.id);
  });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    one.zoom = Math.min(8, Math.max(0.4, one.zoom * Math.exp(-0.001 * event.deltaY)));
    redraw(one.id);
  }, { passive: false });
  draw(canvas);
}
window.addEventListener('resize', () => canvases.forEach(draw));
const command = document.getElementById('command');
const boxes = [...document.querySelectorAll('input[type=checkbox]')];
const tell = () => {
  const ids = boxes.filter((box) => box.checked).map((box) => box.value);
  const only = ids.length === boxes.length ? '' : ' --only ' + ids.join(',');
  command.textContent = ids.length === 0 ? 'nothing' :
    'dilly-nav map apply ' + command.dataset.map + ' ' + command.dataset.gold + only + ' --key KEY.key.pem --out DIR';
};
boxes.forEach((box) => box.addEventListener('change', tell));
tell();
`;
