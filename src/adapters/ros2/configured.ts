import { refusalReason } from '../../types.ts';
import { type DrivenRobot, RETRIED } from './driven-robot.ts';
import type { Closeable, RosPort } from './ros-port.ts';

/** All that lives between configure and cleanup. */
export interface Configured {
  readonly abort: AbortController;
  robot: DrivenRobot | undefined;
  /** why there is no robot yet */
  cause: string;
  failed: boolean;
  retry: Closeable | undefined;
}

/** Opens the robot; again every `retrySeconds` for what may pass, else `failed`, which leads to ErrorProcessing. */
export async function openConfigured(
  configured: Configured,
  port: RosPort,
  retrySeconds: number,
  open: () => Promise<DrivenRobot>,
): Promise<void> {
  configured.retry?.close();
  configured.retry = undefined;
  if (configured.abort.signal.aborted) return;
  try {
    const robot = await open();
    if (configured.abort.signal.aborted) {
      await robot.close();
      return;
    }
    configured.robot = robot;
    configured.cause = '';
    port.log('info', 'ready: the map is open');
  } catch (error) {
    if (configured.abort.signal.aborted) return;
    configured.cause = error instanceof Error ? error.message : String(error);
    port.log('error', configured.cause);
    if (RETRIED.has(refusalReason(error) ?? '')) {
      const again = () => void openConfigured(configured, port, retrySeconds, open);
      configured.retry = port.time.every(1000 * retrySeconds, again);
      return;
    }
    configured.failed = true;
    // While active there is a way to ErrorProcessing: a deactivation that reports the error.
    if (port.lifecycle.state === 'active') port.lifecycle.request('deactivate');
  }
}
