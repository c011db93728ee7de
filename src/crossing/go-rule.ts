import type { RouteSignal, SignalPhase } from '../types.ts';
import type { CrossingConfig } from './crossing-config.ts';
import { type AgedSignal, phaseAge, seenAge, timingAge } from './signal-ageing.ts';

/** What the camera makes of the light. `seenAtMs`: when the picture was taken, ms on the monotonic clock. */
export type CameraView =
  | { readonly kind: 'sees'; readonly phase: SignalPhase; readonly seenAtMs: number }
  | { readonly kind: 'occluded'; readonly by?: string; readonly seenAtMs: number }
  | { readonly kind: 'none' };

/** What the local obstacle check says of the way across, ms on the monotonic clock. */
export interface ObstacleCheck {
  readonly veto: boolean;
  readonly what?: string;
  readonly checkedAtMs: number;
}

/** All that the decision rests on. What is missing is missing: it never helps. */
export interface CrossingInput {
  readonly signal?: RouteSignal | undefined;
  /** version of the map that the signal was read from, and of the map in use */
  readonly signalMapVersion?: number | undefined;
  readonly mapVersion?: number | undefined;
  readonly answer?: AgedSignal | undefined;
  readonly camera?: CameraView | undefined;
  readonly obstacles?: ObstacleCheck | undefined;
}

export type WaitReason =
  | 'no-signal'
  | 'head-not-surveyed'
  | 'map-version-differs'
  | 'no-answer'
  | `phase-${Exclude<SignalPhase, 'walk'>}`
  | 'answer-stale'
  | 'source-time-unproven'
  | 'source-time-stuck'
  | 'source-time-jumped'
  | 'wrong-id'
  | 'no-remaining'
  | 'timing-apart'
  | 'time-too-short'
  | 'no-camera'
  | 'camera-unsure'
  | 'camera-disagrees'
  | 'camera-occluded'
  | 'no-obstacle-check'
  | 'obstacle';

/** The decision; `text` is a sentence for people. */
export type Verdict =
  | { readonly go: true; readonly text: string }
  | { readonly go: false; readonly reason: WaitReason; readonly text: string };

type Wait = readonly [reason: WaitReason, text: string] | undefined;

/**
 * May the robot cross? GO only if every condition of the contract ("May I cross?") holds, else WAIT with the first one
 * that fails, in the contract's order. `nowMs`: monotonic clock. A manual, flashing or pre-empted intersection comes
 * as phase `fault`, vendors that disagree as `unknown`: so the intersection's status is judged with its phase.
 * Comparisons are written so that NaN fails them.
 */
export function mayCross(input: CrossingInput, nowMs: number, config: CrossingConfig): Verdict {
  const wait =
    surveyed(input) ??
    phaseIsWalk(input, nowMs) ??
    sourceIsFresh(input.answer!, nowMs, config) ??
    timingBelongs(input.signal!, input.answer!, config) ??
    timeSuffices(input.signal!, input.answer!, nowMs, config) ??
    cameraAgrees(input, nowMs, config) ??
    wayIsClear(input, nowMs, config);
  if (wait) return { go: false, reason: wait[0], text: wait[1] };
  const [left, needed] = times(input.signal!, input.answer!, nowMs, config);
  const seen = input.camera!.kind === 'sees' ? 'the camera agrees' : 'the camera sees nothing of it';
  return {
    go: true,
    text: `the light shows walk for ${s(left)} more, ${s(needed)} needed, ${source(input.answer!, nowMs)}; ${seen}`,
  };
}

/** Seconds from GO until the rear of the robot has reached the far kerb, margin included; `length` of the way in m. */
export function crossingSeconds(crossingLength: number, { robot }: CrossingConfig): number {
  return robot.startDelay + (crossingLength + robot.length) / robot.crossingSpeed + robot.margin;
}

/** What feed and camera say where they contradict each other while both can be believed: for the operator. */
export function disagreement(
  { signal, answer, camera }: CrossingInput,
  nowMs: number,
  config: CrossingConfig,
): { readonly feed: SignalPhase; readonly camera: SignalPhase } | undefined {
  if (!signal || !answer || camera?.kind !== 'sees' || answer.state.signalId !== signal.signalId) return;
  if (!isRecent(camera.seenAtMs, nowMs, config.rule.maxCameraAge)) return;
  if (!(phaseAge(answer, nowMs, config.ageing) <= config.ageing.maxAge)) return;
  const [feed, seen] = [answer.state.phase, camera.phase];
  // Stop and clearance look alike to people who wait; only a wrong walk is worth an alarm.
  const contradicts = feed !== seen && (feed === 'walk' || seen === 'walk');
  return contradicts && feed !== 'unknown' && seen !== 'unknown' ? { feed, camera: seen } : undefined;
}

function surveyed({ signal, signalMapVersion, mapVersion }: CrossingInput): Wait {
  if (!signal) return ['no-signal', 'the map knows no signal for this crossing'];
  const head = `head ${signal.head} of ${signal.signalId}`;
  if (!Number.isFinite(Date.parse(signal.verifiedAt ?? '')))
    return [
      'head-not-surveyed',
      `${head}: nobody has checked on the street that it belongs to this crossing`,
    ];
  if (mapVersion !== undefined && signalMapVersion === mapVersion) return undefined;
  const versions = `version ${signalMapVersion ?? 'unknown'}, in use is ${mapVersion ?? 'none'}`;
  return ['map-version-differs', `${head} is of map ${versions}; ask for the route again`];
}

function phaseIsWalk({ signal, answer }: CrossingInput, nowMs: number): Wait {
  if (!answer) return ['no-answer', `no source has said anything about ${signal!.signalId} yet`];
  const { phase } = answer.state;
  if (phase === 'walk') return undefined;
  return [`phase-${phase}`, `the light shows ${phase}, ${source(answer, nowMs)}`];
}

function sourceIsFresh(answer: AgedSignal, nowMs: number, { ageing }: CrossingConfig): Wait {
  const from = source(answer, nowMs);
  const age = phaseAge(answer, nowMs, ageing);
  if (Number.isNaN(age)) return ['answer-stale', `the answer is stamped later than now; ${from}`];
  if (!(age <= ageing.maxAge))
    return [
      'answer-stale',
      `the answer may be ${s(age)} old with its lag, at most ${s(ageing.maxAge)}; ${from}`,
    ];
  switch (answer.clock) {
    case 'advanced':
      return undefined;
    case 'first':
      return ['source-time-unproven', `the first answer does not show yet that its clock runs; ${from}`];
    case 'stuck':
      return ['source-time-stuck', `the answer changed but its time did not advance; ${from}`];
    case 'jumped':
      return ['source-time-jumped', `the time of the answer is ahead of where it can be; ${from}`];
  }
}

function timingBelongs({ signalId }: RouteSignal, { state }: AgedSignal, { rule }: CrossingConfig): Wait {
  if (state.signalId !== signalId)
    return ['wrong-id', `asked about ${signalId}, ${state.provider} answered about ${state.signalId}`];
  if (!Number.isFinite(state.remaining?.min))
    return ['no-remaining', `the light shows walk, but ${state.provider} gives no usable time left`];
  if (state.timingSourceTime === undefined)
    return ['timing-apart', `${state.provider} does not say when its time left was valid`];
  const gap = Math.abs(state.sourceTime - state.timingSourceTime) / 1000;
  if (gap <= rule.maxTimingGap) return undefined;
  return ['timing-apart', `phase and time left are ${s(gap)} apart, at most ${s(rule.maxTimingGap)}`];
}

function timeSuffices(signal: RouteSignal, answer: AgedSignal, nowMs: number, config: CrossingConfig): Wait {
  const [left, needed] = times(signal, answer, nowMs, config);
  if (left >= needed) return undefined;
  return [
    'time-too-short',
    `walk for ${s(Math.max(0, left))} more, ${s(needed)} needed, ${source(answer, nowMs)}`,
  ];
}

/** Seconds that surely remain, and seconds needed. */
function times(
  signal: RouteSignal,
  answer: AgedSignal,
  nowMs: number,
  config: CrossingConfig,
): readonly [left: number, needed: number] {
  const age = timingAge(answer, nowMs, config.ageing);
  const left = answer.state.remaining!.min - age - config.rule.clockError;
  return [left, crossingSeconds(signal.crossingLength, config)];
}

function cameraAgrees({ camera }: CrossingInput, nowMs: number, { rule }: CrossingConfig): Wait {
  if (!camera || camera.kind === 'none') return ['no-camera', 'no camera looks at the light'];
  if (!isRecent(camera.seenAtMs, nowMs, rule.maxCameraAge))
    return ['no-camera', `the last picture of the light is ${s((nowMs - camera.seenAtMs) / 1000)} old`];
  if (camera.kind === 'occluded')
    return rule.feedAlone === 'when-occluded'
      ? undefined
      : ['camera-occluded', `${camera.by ?? 'something'} hides the light, and the feed alone may not decide`];
  if (camera.phase === 'walk') return undefined;
  if (camera.phase === 'unknown') return ['camera-unsure', 'the camera cannot tell what the light shows'];
  return ['camera-disagrees', `the feed says walk, the camera sees ${camera.phase}`];
}

function wayIsClear({ obstacles }: CrossingInput, nowMs: number, { rule }: CrossingConfig): Wait {
  if (!obstacles) return ['no-obstacle-check', 'nothing has looked whether the way across is clear'];
  if (!isRecent(obstacles.checkedAtMs, nowMs, rule.maxObstacleAge))
    return ['no-obstacle-check', `the way was checked ${s((nowMs - obstacles.checkedAtMs) / 1000)} ago`];
  return obstacles.veto ? ['obstacle', `${obstacles.what ?? 'something'} is in the way`] : undefined;
}

function isRecent(atMs: number, nowMs: number, maxSeconds: number): boolean {
  return atMs <= nowMs && nowMs - atMs <= maxSeconds * 1000;
}

function source(answer: AgedSignal, nowMs: number): string {
  return `source ${answer.state.provider}, ${s(seenAge(answer, nowMs))} old`;
}

function s(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}
