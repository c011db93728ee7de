import { writeFile } from 'node:fs/promises';
import type { RunRecord } from '../evaluation/run-record.ts';
import type { FrameResult } from '../types.ts';

/** One JSON line a frame: state, pose, covariance, and what the registration found. Times of work are left out, so that the same run gives the same bytes. */
export async function writeEvidence(path: string, record: RunRecord): Promise<void> {
  await writeFile(path, record.frames.map((frame) => `${line(frame)}\n`).join(''));
}

function line({ stamp, frame, state, stateReason, pose, covariance, registration }: FrameResult): string {
  return JSON.stringify({
    stamp: stamp.toString(),
    frame,
    state,
    stateReason,
    pose,
    covariance: covariance && [...covariance],
    registration,
  });
}
