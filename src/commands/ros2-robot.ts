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
import { openRobot } from './open-robot.ts';
import type { Session } from './shared.ts';

const RADIANS = Math.PI / 180;

/** The robot as the ROS 2 node drives it. Rejects with a Refusal that says what is missing. */
export async function openRos2Robot(
  core: Core,
  session: Session,
  watcher: RobotWatcher,
  signal: AbortSignal,
): Promise<DrivenRobot> {
  const { config } = session;
  const { ros2 } = config;
  const home = join(homedir(), '.local', 'state', 'dilly-nav');
  const map = ros2.map ? await openMap(ros2.map, config.map, Date.now(), 'stored') : undefined;
  try {
    if (signal.aborted) throw new Refusal('aborted', 'nobody waits for the map any more');
    const store = new KeptState(ros2.stateFile || join(home, 'state.json'));
    // A kept pose is a place to look around, not a pose: registration must find it again.
    const around = (T_map_base: Pose): Prior => ({
      T_map_base,
      sigmaPosition: Math.max(ros2.startRadius / 2, 0.1),
      sigmaYaw: Math.max((ros2.startYaw * RADIANS) / 2, 0.01),
    });
    const kept = map && (await store.read(map.index.mapId));
    const prior = kept && around(kept);
    const profile = map && ros2.profile ? ros2.profile : undefined;
    const { robot, supply, start, close } = await openRobot({ core, map, prior, store, profile }, session);
    const pictures = map && supply ? await mapPictures(core, map, supply) : NO_PICTURES;
    const folder = ros2.records || config.recorder.folder || join(home, 'drives');
    const tell: Robot['tell'] = (kind, severity, text, data) => robot.tell(kind, severity, text, data);
    const recording = new RobotRecording({ ...config.recorder, folder }, tell);
    const parked = new ParkedWatch(config.recorder.upload.parkedSeconds);
    const { metrics } = recording;
    const uploader = config.recorder.upload.service
      ? await openUploader(config, { gate: () => parked.fault, tell, metrics })
      : undefined;
    let last: FrameResult | undefined;
    robot.watch({
      ...watcher,
      status: (status) => {
        last = status.frame;
        recording.status(status);
        parked.status(status);
        watcher.status({ ...status, health: [...status.health, recording.health()] });
      },
      event: (event) => {
        recording.event(event);
        watcher.event(event);
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
        await uploader?.close();
        await save();
        if (recording.folder !== undefined) await recording.stop();
        await close();
        await map?.close();
      },
    };
  } catch (error) {
    await map?.close();
    throw error;
  }
}
