import type { ControlFrame, StatusFrame, Welcome } from '../wire.ts';
import type { LineState } from './connection.ts';
import { make } from './dom.ts';
import { stateClass } from './panels.ts';
import { phrase } from './phrases.ts';
import { isWord, word } from './words.ts';

const MOTIONS = { drive: 'good', slow: 'warn', stop: 'bad' };

export interface HeadParts {
  readonly line: LineState;
  readonly status: StatusFrame | undefined;
  /** how long there was no status, where that is too long */
  readonly staleMs: number | undefined;
  readonly holder: ControlFrame['holder'];
  readonly hasControl: boolean;
  readonly welcome: Welcome | undefined;
}

/** What must be seen at once: the line, the localisation, what the robot does and why, and who commands it. */
export function headOf({ line, status, staleMs, holder, hasControl, welcome }: HeadParts): HTMLElement[] {
  const control = hasControl ? word('you') : holder ? `${holder.name} ${word('has')}` : word('nobody');
  const viewer = welcome?.role === 'viewer' ? ` (${word('viewer')})` : '';
  const isDown = line.kind !== 'open';
  return [
    make('b', '', welcome?.robot ?? 'dilly-nav'),
    make('span', `pill line ${lineClass(line)}`, lineText(line)),
    ...(status ? statusPills(status, staleMs) : []),
    make(
      'span',
      `control space ${hasControl ? 'good' : 'dim'} ${isDown ? 'stale' : ''}`,
      isDown ? '' : control,
    ),
    make('span', 'dim', welcome ? `${welcome.name}${viewer}` : ''),
  ];
}

function statusPills({ state, advice }: StatusFrame, staleMs: number | undefined): HTMLElement[] {
  const isStale = staleMs !== undefined;
  const stateText = isStale
    ? `${word('stale')} ${(staleMs / 1000).toFixed(1)} s`
    : isWord(state)
      ? word(state)
      : state;
  const motion = make(
    'span',
    `pill advice ${isStale ? 'stale dim' : MOTIONS[advice.motion]}`,
    `${word(advice.motion)}: ${phrase(advice.reason)}`,
  );
  // The whole of a reason that is cut off.
  motion.title = advice.reason;
  return [make('span', `pill state ${isStale ? 'stale dim' : stateClass(state)}`, stateText), motion];
}

function lineText(line: LineState): string {
  if (line.kind === 'down')
    return `${word('down')} ${Math.max(0, (line.retryAtMs - Date.now()) / 1000).toFixed(0)} s`;
  return line.kind === 'refused' ? `${word('refused')}: ${phrase(line.reason)}` : word(line.kind);
}

function lineClass({ kind }: LineState): string {
  return kind === 'open' ? 'good' : kind === 'connecting' ? 'warn' : 'bad';
}

/** What the colours of the scene mean; they are those of `Scene`. */
export function legend(): HTMLElement[] {
  const marks = [
    ['protection', '#ffb000'],
    ['spread', '#2f8fff'],
    ['gnss', '#e05ad6'],
    ['scanMark', '#ff8c1a'],
    ['trail', '#37c871'],
  ] as const;
  return marks.map(([name, color]) => {
    const mark = make('span', '', word(name));
    mark.style.setProperty('--mark', color);
    return mark;
  });
}
