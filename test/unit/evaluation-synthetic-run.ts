import { type RunRecord, RunRecorder } from '../../src/evaluation/run-record.ts';
import { Random } from '../../src/math/random.ts';
import { quatFromRpy } from '../../src/math/so3.ts';
import type { FrameResult, LocalizationState, Pose, StampedPose, Vec3 } from '../../src/types.ts';

const START = 1_700_000_000_000_000_000n;

/**
 * A drive round a block of 60 m × 40 m at 10 Hz with all that can happen: a start without a pose, GNSS jumps that are
 * rejected, a stretch DEGRADED, a stretch LOST, refused messages. The same seed gives the same run.
 */
export function syntheticRun({ seconds = 120, seed = 7 } = {}): RunRecord {
  const random = new Random(seed);
  const recorder = new RunRecorder({
    title: 'Loop round the block',
    input: 'loop-120s.mcap',
    mapId: 'demo-block',
    config: { 'registration.maxDistance': 1, 'fusion.gnss.gate': 0.999, threads: 2 },
    start: START,
  });
  const reference: StampedPose[] = [];
  const frames = seconds * 10;
  for (let frame = 0; frame < frames; frame++) {
    const t = frame / 10;
    const stamp = START + BigInt(frame) * 100_000_000n;
    const truth = loop(t);
    reference.push({ stamp, pose: truth });
    const state = stateAt(t / seconds);
    recorder.frame(frameOf(stamp, frame, state, truth, random));
    if (state === 'UNINITIALISED' || state === 'INITIALISING') continue;
    update(recorder, stamp, 'odometry', 3, random, 0.001);
    if (state !== 'LOST') update(recorder, stamp, 'registration', 6, random, 0.01);
    if (frame % 10 === 0) {
      const jump = random.uniform() < 0.12;
      const off = jump ? 12 : 0.6;
      const position = [
        truth.position[0] + random.gaussian(0, off),
        truth.position[1] + random.gaussian(0, off),
        0,
      ] as const;

      update(recorder, stamp, 'gnss', 3, random, 0.04, jump ? 'innovation-gate' : undefined, position);
    }
  }
  for (let i = 0; i < 14; i++)
    recorder.refused('stamp-not-rising', 'channel /imu: expected a stamp after 1700000012.100000000');
  recorder.refused(
    'non-finite',
    'channel /points: expected finite x, found NaN in point 17 <script>alert(1)</script>',
  );
  return recorder.finish({
    realTimeFactor: 6.4,
    wallSeconds: seconds / 6.4,
    rssPeakBytes: 412 * 2 ** 20,
    eventLoopDelayP99Ms: 3.2,
    reference,
    mapPoints: blockPoints(random),
    trajectory: { path: 'out/trajectory.tum', sha256: 'a'.repeat(64) },
  });
}

/** A walk round the block, 400 m a lap in 120 s, corners rounded by the sine. */
function loop(t: number): Pose {
  const angle = (2 * Math.PI * t) / 120;
  const position = [60 * Math.cos(angle), 40 * Math.sin(angle), 0.2 * Math.sin(3 * angle)] as const;
  return {
    position,
    orientation: quatFromRpy(0, 0, Math.atan2(40 * Math.cos(angle), -60 * Math.sin(angle))),
  };
}

function stateAt(share: number): LocalizationState {
  if (share < 0.02) return 'UNINITIALISED';
  if (share < 0.04) return 'INITIALISING';
  if (share > 0.5 && share < 0.54) return 'DEGRADED';
  if (share >= 0.54 && share < 0.6) return 'LOST';
  if (share > 0.82 && share < 0.825) return 'DEGRADED';
  return 'TRACKING';
}

function frameOf(
  stamp: bigint,
  frame: number,
  state: LocalizationState,
  truth: Pose,
  random: Random,
): FrameResult {
  const ms = (typical: number) => typical * Math.exp(random.gaussian(0, 0.25));
  const stages = {
    decode: ms(1.1),
    thin: ms(2.3),
    register: ms(11),
    fuse: ms(0.15),
    judge: ms(0.02),
  };
  if (state === 'UNINITIALISED' || state === 'INITIALISING')
    return { stamp, frame, state, stages: { decode: ms(1.1) } };
  const bad = state !== 'TRACKING';
  const registration = {
    ok: state !== 'LOST',
    ...(state === 'LOST' ? { reason: 'too-few-inliers' } : {}),
    points: 4000,
    inliers: bad ? 1200 : 3500,
    inlierRatio: Math.min(1, (bad ? 0.3 : 0.88) + random.gaussian(0, 0.03)),
    probability: bad ? 0.6 : 0.99,
    overlap: 0.97,
    moved: bad ? 0.3 : 0.02,
    residual: (bad ? 0.12 : 0.035) + Math.abs(random.gaussian(0, 0.005)),
    iterations: Math.round((bad ? 14 : 5) + random.uniform(0, 3)),
    eigenvalues: [1, 2, 3, 4, 5, 6],
  };
  if (state === 'LOST') return { stamp, frame, state, stateReason: 'too-few-inliers', registration, stages };
  const sigma = bad ? 0.25 : 0.03;
  const [x, y, z] = truth.position;
  const position = [x + random.gaussian(0, sigma), y + random.gaussian(0, sigma), z] as const;
  const [, , qz, qw] = truth.orientation;
  const yaw = 2 * Math.atan2(qz, qw) + random.gaussian(0.002, sigma / 8);
  return {
    stamp,
    frame,
    state,
    pose: { position, orientation: quatFromRpy(0, 0, yaw) },
    // Three sigmas: now and then the error is above it.
    protectionLevel: 3 * sigma,
    registration,
    stages,
  };
}

function update(
  recorder: RunRecorder,
  stamp: bigint,
  sensor: 'registration' | 'gnss' | 'odometry',
  dof: number,
  random: Random,
  correction: number,
  reason?: string,
  fix?: Vec3,
): void {
  let nis = reason === undefined ? 0 : 40;
  for (let i = 0; i < dof; i++) nis += random.gaussian() ** 2;
  const rejected = reason === undefined ? {} : { reason };
  const moved = reason === undefined ? Math.abs(random.gaussian(0, correction)) : 0;
  recorder.update({
    stamp,
    sensor,
    accepted: reason === undefined,
    ...rejected,
    nis,
    dof,
    innovation: moved,
    correction: moved,
    ...(fix && { fix }),
  });
}

/** Walls on both sides of the way, and poles. */
function blockPoints(random: Random): Float32Array {
  const points: number[] = [];
  for (let i = 0; i < 60_000; i++) {
    const angle = random.uniform(0, 2 * Math.PI);
    const side = random.uniform() < 0.5 ? 0.8 : 1.2;
    const noise = () => random.gaussian(0, 0.15);
    points.push(
      60 * side * Math.cos(angle) + noise(),
      40 * side * Math.sin(angle) + noise(),
      random.uniform(0, 8),
    );
  }
  return Float32Array.from(points);
}
