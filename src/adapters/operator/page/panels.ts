import type { EventFrame, StatusFrame } from '../wire.ts';
import { make, row } from './dom.ts';
import { phrase } from './phrases.ts';
import { isWord, language, word } from './words.ts';

const STATES: Readonly<Record<string, string>> = { TRACKING: 'good', DEGRADED: 'warn', LOST: 'bad' };
const SEVERITY: Readonly<Record<string, string>> = { info: 'dim', warning: 'warn', alarm: 'bad' };
const SIGNALS: Readonly<Record<string, string>> = { walk: 'good', clearance: 'warn', stop: 'bad' };
/** A signal's word that may be older, with all that lies unseen before it, says nothing, s: crossing.ageing.maxAge. */
export const SIGNAL_STALE = 8;

export function stateClass(state: string): string {
  return STATES[state] ?? 'dim';
}

/** A fix that is older says nothing of where the robot is now, s; scans come twice a second. */
export const FIX_STALE = 3;
export const SCAN_STALE = 2.5;

/** `ages`: seconds since the last status and the last scan came. */
export function sidePanel(
  status: StatusFrame,
  events: readonly EventFrame[],
  ages: { readonly status: number; readonly scan: number | undefined },
  delayMs: number | undefined,
): Node[] {
  return [
    section('robot', robotRows(status, ages, delayMs)),
    section(
      'crossing',
      status.crossings.map((crossing) => crossingCard(crossing, ages.status)),
    ),
    section(
      'building',
      status.buildings.map(({ id, phase, reason, text }) =>
        make(
          'div',
          'card',
          row(id, phaseWord(phase)),
          make('div', '', phrase(text)),
          ...(reason ? [make('div', 'dim', phrase(reason))] : []),
        ),
      ),
    ),
    section(
      'health',
      status.health.map(({ name, state, text }) =>
        row(name, phrase(text) || state, { ok: 'good', degraded: 'warn', down: 'bad' }[state]),
      ),
    ),
    section(
      'events',
      events
        .slice(-40)
        .reverse()
        .map(({ at, severity, text }) =>
          make(
            'div',
            `event ${SEVERITY[severity] ?? ''}`,
            `${new Date(at).toLocaleTimeString(language())}  ${phrase(text)}`,
          ),
        ),
    ),
  ];
}

function robotRows(
  { pose, fix, spread, route, advice, protectionLevel: level, registration, ...status }: StatusFrame,
  ages: { readonly status: number; readonly scan: number | undefined },
  delayMs: number | undefined,
): HTMLElement[] {
  const { state, stateReason } = status;
  const said = isWord(state) ? word(state) : state;
  const off =
    pose && fix
      ? Math.hypot(pose.position[0] - fix.position[0], pose.position[1] - fix.position[1])
      : undefined;
  const sigma = spread && Math.sqrt(Math.max(spread.xx, spread.yy));
  const rows: (HTMLElement | undefined)[] = [
    row(word('state'), stateReason ? `${said}: ${phrase(stateReason)}` : said, stateClass(state)),
    row(word('protection'), level === undefined ? '–' : `${level.toFixed(2)} m`),
    spread &&
      row(word('sigma'), `${sigma!.toFixed(2)} m, ${((Math.sqrt(spread.yaw) * 180) / Math.PI).toFixed(1)}°`),
    row(
      word('advice'),
      `${word(advice.motion)}${advice.speedLimit > 0 ? ` ≤ ${advice.speedLimit.toFixed(1)} m/s` : ''}, ${phrase(advice.reason)}`,
      advice.motion === 'stop' ? 'bad' : advice.motion === 'slow' ? 'warn' : '',
    ),
    row(word('latency'), delayMs === undefined ? '–' : `${delayMs.toFixed(0)} ms`),
    off === undefined
      ? undefined
      : aged(
          row(word('fix'), `${off.toFixed(1)} m (σ ${fix!.sigma.toFixed(1)} m)`),
          fix!.age + ages.status,
          FIX_STALE,
        ),
    ages.scan === undefined
      ? undefined
      : aged(
          row(
            word('scan'),
            registration
              ? `${(100 * registration.inlierRatio).toFixed(0)} %, ${(100 * registration.residual).toFixed(1)} cm`
              : '–',
          ),
          ages.scan,
          SCAN_STALE,
        ),
    route &&
      row(word('route'), `${route.along.toFixed(0)} m, ${route.remaining.toFixed(0)} m ${word('left')}`),
  ];
  return rows.filter((one) => one !== undefined);
}

/** What is old turns grey and says how old it is, s. */
function aged(element: HTMLElement, age: number, most: number): HTMLElement {
  if (age <= most) return element;
  element.classList.add('stale');
  element.lastElementChild!.append(`, ${word('stale')} ${age.toFixed(0)} s`);
  return element;
}

function phaseWord(phase: string): string {
  return isWord(phase) ? word(phase) : phase;
}

function crossingCard(crossing: StatusFrame['crossings'][number], aged: number): HTMLElement {
  const { signal } = crossing;
  const age = crossing.age === undefined ? undefined : crossing.age + aged;
  const isStale = age === undefined || age > SIGNAL_STALE;
  const phase = signal?.phase ?? 'unknown';
  const remaining = signal?.remaining ? ` ${Math.max(0, signal.remaining.min - aged).toFixed(0)} s` : '';
  return make(
    'div',
    `card signal ${SIGNALS[phase] ?? ''} ${isStale ? 'stale' : ''}`,
    row(crossing.signalId, `${word(phase === 'stop' ? 'red' : phase)}${isStale ? '' : remaining}`),
    make('div', '', `${phaseWord(crossing.phase)}: ${phrase(crossing.text)}`),
    make(
      'div',
      'dim',
      [
        signal?.provider,
        age === undefined
          ? word('unknown')
          : `${isStale ? word('stale') : word('age')} ≤ ${age.toFixed(1)} s`,
        crossing.reason,
        crossing.toStopLine === undefined ? undefined : `${crossing.toStopLine.toFixed(1)} m`,
      ]
        .filter(Boolean)
        .join(' · '),
    ),
  );
}

function section(
  name: 'robot' | 'crossing' | 'building' | 'health' | 'events',
  children: HTMLElement[],
): HTMLElement {
  const none = make('div', 'dim', word('none'));
  const box = make('section', '', make('h2', '', word(name)), ...(children.length > 0 ? children : [none]));
  box.dataset.section = name;
  return box;
}
