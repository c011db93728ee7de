import { homedir } from 'node:os';
import { join } from 'node:path';
import { RobotRecording } from '../adapters/recorder/robot-recording.ts';
import { ParkedWatch } from '../adapters/recorder/upload/parked-watch.ts';
import type { DrivenRobot } from '../adapters/ros2/driven-robot.ts';
import type { Core } from '../core.ts';
import type { Prior } from '../localization/initialization.ts';
import type { RobotWatcher } from '../ports/robot.ts';
import type { Robot } from '../robot.ts';
import { type FrameResult, type Pose, Refusal } from '../types.ts';
import { openUploader } from './bag-upload.ts';
import { KeptState } from './kept-state.ts';
import { mapPictures, NO_PICTURES } from './map-pictures.ts';
import { openMap } from './open-map.ts';
import { machineClock, type OpenedRobot, openRobot } from './open-robot.ts';
import { OperatorPort } from './operator-port.ts';
import type { Session } from './shared.ts';

const HOME = join(homedir(), '.local', 'state', 'dilly-nav');
const RADIANS = Math.PI / 180;
/** A result that seems older than this, ns, was stamped by another clock. */
const MOST_DELAY = 60_000_000_000n;

/** The robot as the ROS 2 node drives it. Rejects with a Refusal that says what is missing. */
export async function openRos2Robot(
  core: Core,
  session: Session,
  watcher: RobotWatcher,
  signal: AbortSignal,
): Promise<DrivenRobot> {
  const { config } = session;
  const { ros2 } = config;
  const map = ros2.map ? await openMap(ros2.map, config.map, Date.now(), 'stored') : undefined;
  // The last that was opened is the first to be closed.
  const closers: (() => Promise<unknown>)[] = [async () => map?.close()];
  const closeAll = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    if (signal.aborted) throw new Refusal('aborted', 'nobody waits for the map any more');
    const store = new KeptState(ros2.stateFile || join(HOME, 'state.json'));
    // A kept pose is a place to look around, not a pose: registration must find it again.
    const around = (T_map_base: Pose): Prior => ({
      T_map_base,
      sigmaPosition: Math.max(ros2.startRadius / 2, 0.1),
      sigmaYaw: Math.max((ros2.startYaw * RADIANS) / 2, 0.01),
    });
    const kept = map && (await store.read(map.index.mapId));
    const prior = kept && around(kept);
    const profile = map && ros2.profile ? ros2.profile : undefined;
    const opened = await openRobot({ core, map, prior, store, profile }, session);
    closers.push(() => opened.close());
    const { robot, supply, start } = opened;
    const pictures = map && supply ? await mapPictures(core, map, supply) : NO_PICTURES;
    const folder = ros2.records || config.recorder.folder || join(HOME, 'drives');
    const tell: Robot['tell'] = (kind, severity, text, data) => robot.tell(kind, severity, text, data);
    const recording = new RobotRecording({ ...config.recorder, folder }, tell);
    const parked = new ParkedWatch(config.recorder.upload.parkedSeconds);
    const { metrics } = recording;
    const uploader = config.recorder.upload.service
      ? await openUploader(config, { gate: () => parked.fault, tell, metrics })
      : undefined;
    closers.push(async () => uploader?.close());
    let last: FrameResult | undefined;
    const operators = await operatorsOf(core, session, opened, recording, () => last);
    closers.push(async () => operators?.close());
    robot.watch({
      ...watcher,
      status: (status) => {
        last = status.frame;
        recording.status(status);
        parked.status(status);
        const whole = { ...status, health: [...status.health, recording.health()] };
        watcher.status(whole);
        operators?.status(whole);
      },
      scan: (scan) => {
        watcher.scan(scan);
        operators?.scan(scan);
      },
      event: (event) => {
        recording.event(event);
        watcher.event(event);
        operators?.event(event);
      },
    });
    const save = async () => {
      if (last?.state === 'TRACKING') await robot.command({ kind: 'save-state' });
    };
    const saving = setInterval(() => void save(), 1000 * ros2.statePeriod);
    start();
    uploader?.start(folder, () => recording.folder);
    return {
      command: (command) => robot.command(command),
      async handle(message) {
        recording.message(message);
        parked.message(message);
        recording.pass(message.arrival);
        await robot.handle(message);
      },
      motionAt: (stamp) => robot.motionAt(stamp),
      clockJumped() {
        const place = last?.pose ?? kept;
        robot.begin(place && around(place));
      },
      pictures,
      recording: {
        start: () => recording.start(new Date().toISOString().replaceAll(':', '-')),
        stop: () => recording.stop(),
      },
      async close() {
        clearInterval(saving);
        await save();
        if (recording.folder !== undefined) await recording.stop();
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The operators' port, where the configuration has a key that tokens are checked with. */
async function operatorsOf(
  core: Core,
  { config, log }: Session,
  { robot, map, supply, metrics }: OpenedRobot,
  recording: RobotRecording,
  last: () => FrameResult | undefined,
): Promise<OperatorPort | undefined> {
  const { operator } = config;
  if (operator.keysFile === '') return undefined;
  const port = await OperatorPort.open({
    core,
    config: { ...operator, interventions: operator.interventions || join(HOME, 'interventions') },
    map: map && supply && { index: () => supply.index, source: map.source },
    control: robot,
    recording: () => recording.folder,
    registries: [recording.metrics.registry],
    moreMetrics: metrics,
    // Sensors may be stamped by a clock of their own: then nobody knows how old a pose is.
    sensorNow: () => {
      const now = machineClock.stamp();
      const stamp = last()?.stamp;
      return stamp !== undefined && abs(now - stamp) < MOST_DELAY ? now : undefined;
    },
    say: (text) => log.warn(text),
  });
  process.stderr.write(`operators' page: ${port.address}\n`);
  return port;
}

function abs(time: bigint): bigint {
  return time < 0n ? -time : time;
}
