import { addLink, addPoint, addWall, moveCorner, remove, setProperties } from './edits.ts';
import { type Feature, type MapAnswer, type Place, Plane, type Problem } from './features.ts';
import { ask, LINES, TOOLS, type Tool } from './tools.ts';
import { type Hit, View } from './view.ts';

const UNDO_STEPS = 100;

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = element<HTMLCanvasElement>('canvas');
const properties = element<HTMLTextAreaElement>('properties');

const map = await ask<MapAnswer>('GET', './map');
const plane = new Plane(map.origin);
const view = new View(canvas, map, plane);
let { features, problems, version } = map;
let tool: Tool = 'choose';
let chosen: Feature | undefined;
let sketch: Place[] = [];
let held: { hit: Hit | undefined; at: [number, number]; isMoved: boolean } | undefined;
const undo: string[] = [];
let isSaved = true;

function say(text: string, isBad = false): void {
  element('said').textContent = text;
  element('said').className = isBad ? 'bad' : '';
}

function draw(): void {
  view.draw(features, chosen, sketch, problems);
}

/** Everything beside the canvas. */
function show(): void {
  element('map').textContent = `${map.mapId} version ${version}${isSaved ? '' : ' *'}`;
  for (const button of element('tools').children)
    button.setAttribute('aria-pressed', String((button as HTMLElement).dataset.tool === tool));
  element('what').textContent = chosen
    ? `${chosen.properties.kind} ${chosen.properties.id}`
    : 'Nothing chosen';
  properties.value = chosen ? JSON.stringify(chosen.properties, null, 1) : '';
  properties.disabled = !chosen;
  element('count').textContent = `${features.length} features, ${problems.length} problems`;
  element('problems').replaceChildren(...problems.slice(0, 500).map(problemItem));
  draw();
}

function problemItem({ reason, id, detail, lon, lat }: Problem): HTMLElement {
  const button = document.createElement('button');
  button.textContent = `${reason} ${id}: ${detail}`;
  button.onclick = () => {
    view.centre = plane.toPlace([lon, lat]);
    view.scale = Math.max(view.scale, 20);
    chosen = features.find(({ properties: p }) => p.id === id);
    show();
  };
  const item = document.createElement('li');
  item.append(button);
  return item;
}

/** To be called before each change. */
function remember(): void {
  undo.push(JSON.stringify(features));
  if (undo.length > UNDO_STEPS) undo.shift();
  isSaved = false;
}

/** After each change; the problems come from the service. */
async function changed(): Promise<void> {
  show();
  try {
    ({ problems } = await ask<{ problems: Problem[] }>('POST', './check', { features }));
    say('');
  } catch (error) {
    say((error as Error).message, true);
  }
  show();
}

/** A place in degrees; a node there is met exactly. */
function snapped(u: number, v: number): number[] {
  const node = view.hit(
    features.filter(({ properties: p }) => p.kind === 'node'),
    u,
    v,
  );
  return node ? [...(node.feature.geometry.coordinates as number[])] : plane.toLonLat(view.toPlace(u, v));
}

function finishLine(): void {
  const corners = sketch.map((place) => snapped(...view.toPixel(place)));
  // A double click came as two clicks on one place before.
  const distinct = corners.filter((corner, k) => k === 0 || String(corner) !== String(corners[k - 1]));
  const what = tool;
  sketch = [];
  if (distinct.length < (what === 'area' ? 3 : 2)) {
    say(`expected ${what === 'area' ? 3 : 2} corners or more, found ${distinct.length}`, true);
    draw();
    return;
  }
  remember();
  chosen = what === 'link' ? addLink(features, distinct) : addWall(features, distinct, what === 'area');
  void changed();
}

canvas.onpointerdown = (event) => {
  canvas.setPointerCapture(event.pointerId);
  held = {
    hit: tool === 'choose' ? view.hit(features, event.offsetX, event.offsetY) : undefined,
    at: [event.offsetX, event.offsetY],
    isMoved: false,
  };
};
canvas.onpointermove = ({ offsetX: u, offsetY: v }) => {
  if (!held) return;
  if (!held.isMoved && Math.hypot(u - held.at[0], v - held.at[1]) < 4) return;
  const { hit } = held;
  if (hit?.corner !== undefined) {
    if (!held.isMoved) remember();
    moveCorner(features, hit.feature, hit.corner, plane.toLonLat(view.toPlace(u, v)));
  } else {
    const [x0, y0] = view.toPlace(...held.at);
    const [x1, y1] = view.toPlace(u, v);
    view.centre = [view.centre[0] + x0 - x1, view.centre[1] + y0 - y1];
    held.at = [u, v];
  }
  held.isMoved = true;
  draw();
};
canvas.onpointerup = ({ offsetX: u, offsetY: v }) => {
  const was = held;
  held = undefined;
  if (was?.isMoved) {
    if (was.hit?.corner !== undefined) {
      chosen = was.hit.feature;
      void changed();
    }
    return;
  }
  if (tool === 'choose') {
    chosen = was?.hit?.feature;
    show();
    return;
  }
  if (LINES.includes(tool)) {
    sketch.push(view.toPlace(u, v));
    draw();
    return;
  }
  remember();
  const link = view.hit(
    features.filter(({ properties: p }) => p.kind === 'link'),
    u,
    v,
  )?.feature;
  chosen = addPoint(features, tool, plane.toLonLat(view.toPlace(u, v)), tool === 'node' ? undefined : link);
  void changed();
};
canvas.ondblclick = () => finishLine();
canvas.addEventListener(
  'wheel',
  (event) => {
    event.preventDefault();
    view.zoom(event.offsetX, event.offsetY, 1.0015 ** -event.deltaY);
    draw();
  },
  { passive: false },
);

function deleteChosen(): void {
  if (!chosen) return;
  remember();
  features = remove(features, chosen);
  chosen = undefined;
  void changed();
}

function undoLast(): void {
  const last = undo.pop();
  if (!last) return;
  features = JSON.parse(last);
  chosen = undefined;
  isSaved = false;
  void changed();
}

async function save(): Promise<void> {
  try {
    ({ version, problems } = await ask<{ version: number; problems: Problem[] }>('PUT', './graph', {
      version,
      features,
    }));
    isSaved = true;
    say(`saved as version ${version}; sign it again: dilly-nav map sign`);
  } catch (error) {
    say((error as Error).message, true);
  }
  show();
}

element('apply').onclick = () => {
  if (!chosen) return;
  remember();
  try {
    setProperties(features, chosen, properties.value);
    void changed();
  } catch (error) {
    undo.pop();
    say((error as Error).message, true);
  }
};
element('delete').onclick = deleteChosen;
element('undo').onclick = undoLast;
element('save').onclick = () => void save();
window.onkeydown = (event) => {
  if (event.target === properties) return;
  if (event.key === 'Delete') deleteChosen();
  if (event.key === 'Escape') {
    sketch = [];
    draw();
  }
  if (!event.ctrlKey && !event.metaKey) return;
  if (event.key === 'z') undoLast();
  if (event.key !== 's') return;
  event.preventDefault();
  void save();
};
window.onbeforeunload = (event) => {
  if (!isSaved) event.preventDefault();
};
window.onresize = draw;
view.onLoad = draw;
for (const name of Object.keys(TOOLS) as Tool[]) {
  const button = document.createElement('button');
  button.textContent = TOOLS[name];
  button.dataset.tool = name;
  button.onclick = () => {
    tool = name;
    sketch = [];
    show();
  };
  element('tools').append(button);
}
view.fit();
show();
