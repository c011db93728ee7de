import type { ControlFrame, EventFrame, ServerFrame, StatusFrame } from '../wire.ts';
import { Actions } from './actions.ts';
import { Connection, type LineState } from './connection.ts';
import { make } from './dom.ts';
import { MapView } from './map-view.ts';
import { sidePanel, stateClass } from './panels.ts';
import { Scene } from './scene.ts';
import { isWord, language, setLanguage, word } from './words.ts';

/** Without a status for so long it is stale, ms. */
const STALE_MS = 1500;
const MOTIONS = { drive: 'good', slow: 'warn', stop: 'bad' };
const EVENTS_KEPT = 500;

const byId = (id: string) => document.getElementById(id)!;
const query = new URLSearchParams(location.hash.slice(1));
const canvas = byId('canvas') as HTMLCanvasElement;
const scene = new Scene(canvas);
const events: EventFrame[] = [];
const notices: { text: string; isBad: boolean; untilMs: number }[] = [];
let status: StatusFrame | undefined;
let statusMs = 0;
let holder: ControlFrame['holder'] = null;
let line: LineState = { kind: 'connecting' };
let isLight =
  (query.get('theme') ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark')) ===
  'light';
let byIntensity = false;
const token = query.get('token') ?? sessionStorage.getItem('token') ?? '';
// Kept for a reload, and out of the address, which people copy.
sessionStorage.setItem('token', token);
if (query.has('token')) history.replaceState(null, '', location.pathname);
setLanguage(query.get('lang') === 'ko' ? 'ko' : query.get('lang') === 'en' ? 'en' : language());

const link = new Connection(token, {
  frame: onFrame,
  cloud: (data) => scene.scan(data),
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
    scene.stale = false;
    scene.status(frame);
    mapView.colourSignals(frame);
  } else if (frame.type === 'event') {
    events.push(frame);
    if (events.length > EVENTS_KEPT) events.shift();
  } else if (frame.type === 'route') scene.route(frame.line);
  else if (frame.type === 'tiles') void mapView.show(frame);
  else if (frame.type === 'control') holder = frame.holder;
  else if (frame.type === 'control-lost') tell(`${word('lost')}: ${frame.text}`, true);
  else if (frame.type === 'reset' && frame.reason !== 'first-visit')
    tell(`${word('missed')} (${frame.reason})`, true);
  else if (frame.type === 'answer' && frame.id === 'control') tell(frame.text, true);
}

const hasControl = () => holder !== null && holder.tag === link.welcome?.tag;

const note = make('input', '') as HTMLInputElement;
note.maxLength = 500;
const buttons: { key: string; id: string; label: () => string; run: () => void; enabled: () => boolean }[] = [
  {
    key: 'c',
    id: 'take',
    label: () => word(hasControl() ? 'release' : 'take'),
    run: () => link.say({ type: 'control', action: hasControl() ? 'release' : 'take' }),
    enabled: () => link.welcome?.role === 'operator',
  },
  {
    key: ' ',
    id: 'stop',
    label: () => word('stop'),
    run: () => actions.send({ kind: 'stop' }),
    enabled: hasControl,
  },
  {
    key: 'r',
    id: 'resume',
    label: () => word('resume'),
    run: () => actions.send({ kind: 'resume' }),
    enabled: hasControl,
  },
  {
    key: 'l',
    id: 'relocalise',
    label: () => word('relocalise'),
    run: () => actions.place(true),
    enabled: hasControl,
  },
  {
    key: 'm',
    id: 'mark',
    label: () => word('mark'),
    run: () => {
      actions.send({ kind: 'mark-intervention', note: note.value });
      note.value = '';
    },
    enabled: hasControl,
  },
  {
    key: 'f',
    id: 'follow',
    label: () => word('follow'),
    run: () => {
      scene.follow = !scene.follow;
      if (scene.follow) scene.view('follow');
    },
    enabled: () => true,
  },
  { key: 't', id: 'top', label: () => word('top'), run: () => scene.view('top'), enabled: () => true },
  {
    key: 'i',
    id: 'colour',
    label: () => word('colour'),
    run: () => {
      byIntensity = !byIntensity;
      scene.byIntensity = byIntensity;
    },
    enabled: () => true,
  },
  {
    key: 'd',
    id: 'theme',
    label: () => word('theme'),
    run: () => {
      isLight = !isLight;
      applyTheme();
    },
    enabled: () => true,
  },
  {
    key: 'k',
    id: 'language',
    label: () => (language() === 'ko' ? 'English' : '한국어'),
    run: () => setLanguage(language() === 'ko' ? 'en' : 'ko'),
    enabled: () => true,
  },
];
const elements = buttons.map((button) => {
  const element = make('button', button.id === 'stop' ? 'danger' : '') as HTMLButtonElement;
  element.id = button.id;
  element.append(make('span', ''), make('kbd', '', button.key === ' ' ? '␣' : button.key.toUpperCase()));
  element.onclick = button.run;
  return element;
});
byId('bar').append(...elements.slice(0, 5), note, ...elements.slice(5));
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') actions.place(false);
  const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLButtonElement;
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const button = buttons.find(({ key }) => key === event.key.toLowerCase());
  if (!button?.enabled()) return;
  event.preventDefault();
  button.run();
});

function applyTheme(): void {
  document.documentElement.dataset.theme = isLight ? 'light' : 'dark';
  scene.theme = !isLight;
}

function draw(): void {
  const ageMs = status ? Date.now() - statusMs : 0;
  const isStale = status !== undefined && ageMs > STALE_MS;
  const { advice } = status ?? {};
  if (isStale) scene.stale = true;
  const lineText =
    line.kind === 'down'
      ? `${word('down')} ${Math.max(0, (line.retryAtMs - Date.now()) / 1000).toFixed(0)} s`
      : line.kind === 'refused'
        ? `${word('refused')}: ${line.reason}`
        : word(line.kind);
  const control = hasControl() ? word('you') : holder ? `${holder.name} ${word('has')}` : word('nobody');
  const { welcome } = link;
  byId('top').replaceChildren(
    make('b', '', welcome?.robot ?? 'dilly-nav'),
    make(
      'span',
      `pill line ${line.kind === 'open' ? 'good' : line.kind === 'connecting' ? 'warn' : 'bad'}`,
      lineText,
    ),
    ...(status
      ? [
          make(
            'span',
            `pill state ${isStale ? 'stale dim' : stateClass(status.state)}`,
            isStale
              ? `${word('stale')} ${(ageMs / 1000).toFixed(1)} s`
              : isWord(status.state)
                ? word(status.state)
                : status.state,
          ),
          make(
            'span',
            `pill advice ${isStale ? 'stale dim' : MOTIONS[advice!.motion]}`,
            `${word(advice!.motion)}: ${advice!.reason}`,
          ),
        ]
      : []),
    make('span', `control space ${hasControl() ? 'good' : 'dim'}`, control),
    make(
      'span',
      'dim',
      welcome ? `${welcome.name}${welcome.role === 'viewer' ? ` (${word('viewer')})` : ''}` : '',
    ),
  );
  const side = byId('side');
  side.className = isStale ? 'stale' : '';
  if (status) {
    const sentMs = Math.max(0, link.robotNow() - status.at);
    const delay =
      status.delayMs === undefined
        ? undefined
        : status.delayMs +
          (isStale ? sentMs : Math.max(0, statusMs + link.robotNow() - Date.now() - status.at));
    const { scrollTop } = side;
    side.replaceChildren(...sidePanel(status, events, ageMs / 1000, delay));
    side.scrollTop = scrollTop;
  }
  buttons.forEach((button, k) => {
    const label = elements[k]!.firstElementChild!;
    if (label.textContent !== button.label()) label.textContent = button.label();
    elements[k]!.disabled = !button.enabled();
  });
  note.placeholder = word('note');
  const now = Date.now();
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
