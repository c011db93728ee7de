import type { ControlFrame, EventFrame, ServerFrame, StatusFrame } from '../wire.ts';
import { Actions } from './actions.ts';
import { Bar } from './bar.ts';
import { Connection, type LineState } from './connection.ts';
import { make } from './dom.ts';
import { headOf, legend } from './head.ts';
import { MapView } from './map-view.ts';
import { FIX_STALE, SCAN_STALE, sidePanel } from './panels.ts';
import { phrase } from './phrases.ts';
import { Scene } from './scene.ts';
import { language, setLanguage, word } from './words.ts';

/** Without a status for so long it is stale, ms. */
const STALE_MS = 1500;
const EVENTS_KEPT = 500;

const byId = (id: string) => document.getElementById(id)!;
const query = new URLSearchParams(location.hash.slice(1));
const canvas = byId('canvas') as HTMLCanvasElement;
const scene = new Scene(canvas);
const events: EventFrame[] = [];
const notices: { text: string; isBad: boolean; untilMs: number }[] = [];
let status: StatusFrame | undefined;
let statusMs = 0;
let scanMs = 0;
let holder: ControlFrame['holder'] = null;
let line: LineState = { kind: 'connecting' };
let isLight =
  (query.get('theme') ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark')) ===
  'light';
const token = query.get('token') ?? sessionStorage.getItem('token') ?? '';
// Kept for a reload, and out of the address, which people copy.
sessionStorage.setItem('token', token);
if (query.has('token')) history.replaceState(null, '', location.pathname);
setLanguage(query.get('lang') === 'ko' ? 'ko' : query.get('lang') === 'en' ? 'en' : language());

const link = new Connection(token, {
  frame: onFrame,
  cloud: (data) => {
    scanMs = Date.now();
    scene.scan(data);
  },
  line: (state) => {
    line = state;
  },
});
const mapView = new MapView(link, scene);
const actions = new Actions(link, scene, canvas, tell);

function tell(text: string, isBad = false): void {
  notices.push({ text, isBad, untilMs: Date.now() + (isBad ? 12_000 : 6000) });
}

function onFrame(frame: ServerFrame): void {
  if (frame.type === 'status') {
    status = frame;
    statusMs = Date.now();
    scene.status(frame);
    mapView.colourSignals(frame);
  } else if (frame.type === 'event') {
    events.push(frame);
    if (events.length > EVENTS_KEPT) events.shift();
  } else if (frame.type === 'route') scene.route(frame.line);
  else if (frame.type === 'tiles') void mapView.show(frame);
  else if (frame.type === 'control') holder = frame.holder;
  else if (frame.type === 'control-lost') tell(`${word('lost')}: ${phrase(frame.text)}`, true);
  else if (frame.type === 'reset' && frame.reason !== 'first-visit')
    tell(`${word('missed')} (${frame.reason})`, true);
  else if (frame.type === 'answer' && frame.id === 'control') tell(phrase(frame.text), true);
}

/** Over a line that is down nobody commands. */
const hasControl = () => line.kind === 'open' && holder !== null && holder.tag === link.welcome?.tag;

const bar = new Bar({
  actions,
  link,
  scene,
  hasControl,
  switchTheme: () => {
    isLight = !isLight;
    applyTheme();
  },
});
byId('bar').append(...bar.elements);

function applyTheme(): void {
  document.documentElement.dataset.theme = isLight ? 'light' : 'dark';
  scene.theme = !isLight;
}

function draw(): void {
  const now = Date.now();
  const statusAgeMs = status ? now - statusMs : 0;
  const isStale = status !== undefined && statusAgeMs > STALE_MS;
  scene.stale = isStale;
  scene.scanStale = isStale || now - scanMs > 1000 * SCAN_STALE;
  scene.fixStale = isStale || (status?.fix?.age ?? 0) > FIX_STALE;
  byId('top').replaceChildren(
    ...headOf({
      line,
      status,
      staleMs: isStale ? statusAgeMs : undefined,
      holder,
      hasControl: hasControl(),
      welcome: link.welcome,
    }),
  );
  const side = byId('side');
  side.className = isStale ? 'stale' : '';
  const { scrollTop } = side;
  if (status) {
    const sentMs = Math.max(0, link.robotNow() - status.at);
    const delayMs =
      status.delayMs === undefined
        ? undefined
        : status.delayMs + (isStale ? sentMs : Math.max(0, statusMs + link.robotNow() - now - status.at));
    const scanAge = scanMs > 0 ? (now - scanMs) / 1000 : undefined;
    side.replaceChildren(
      ...sidePanel(status, events, { status: statusAgeMs / 1000, scan: scanAge }, delayMs),
    );
  } else if (line.kind === 'open') side.replaceChildren(make('p', 'dim', word('waits')));
  side.scrollTop = scrollTop;
  bar.draw();
  if (byId('legend').lang !== language()) byId('legend').replaceChildren(...legend());
  byId('legend').lang = language();
  byId('hint').replaceChildren(
    ...notices
      .filter(({ untilMs }) => untilMs > now)
      .slice(-4)
      .map(({ text, isBad }) => make('div', isBad ? 'bad' : '', text)),
  );
}

applyTheme();
setInterval(draw, 200);
/** For the tests: what the page knows. */
Object.assign(window, { dilly: { events, scene, link } });
void link.open();
