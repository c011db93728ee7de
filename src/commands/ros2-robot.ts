import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { RobotRecording } from '../adapters/recorder/robot-recording.ts';
import type { DrivenRobot } from '../adapters/ros2/driven-robot.ts';
import type { Config } from '../config.ts';
import type { Core } from '../core.ts';
import type { Prior } from '../localization/initialization.ts';
import { TileSupply } from '../map/tile-supply.ts';
import { enuFrame } from '../math/geodesy.ts';
import { quatFromRpy } from '../math/so3.ts';
import { Localizer } from '../pipeline.ts';
import type { CommandAnswer, RobotCommand, RobotStatus, RobotWatcher } from '../ports/robot.ts';
import { type FrameResult, Refusal, type SensorMessage } from '../types.ts';
import { sampleOf } from './map-sample.ts';
import { openMap, planLimits } from './open-map.ts';

const RADIANS = Math.PI / 180;
const number = z.number();
const savedSchema = z.object({
  mapId: z.string(),
  position: z.tuple([number, number, number]),
  orientation: z.tuple([number, number, number, number]),
});

/** A localizer on its map, driven by the node: no route and no crossings. Rejects with a Refusal where there is no map. */
export async function openRos2Robot(
  core: Core,
  config: Config,
  watcher: RobotWatcher,
  signal: AbortSignal,
): Promise<DrivenRobot> {
  const { ros2 } = config;
  const map = ros2.map ? await openMap(ros2.map, config.map, Date.now(), 'stored') : undefined;
  if (signal.aborted) {
    await map?.close();
    throw new Refusal('aborted', 'nobody waits for the map any more');
  }
  const supply =
    map &&
    new TileSupply({
      core,
      index: map.index,
      files: map.source,
      limits: planLimits(config.map),
      wait: false,
      loadAtOnce: 2,
      onRefused: (reason, text) => watcher.event({ stamp: 0n, kind: reason, severity: 'warning', text }),
    });
  const home = join(homedir(), '.local', 'state', 'dilly-nav');
  const stateFile = ros2.stateFile || join(home, 'state.json');
  const mapId = map?.index.mapId ?? '';
  const around = (
    position: Prior['T_map_base']['position'],
    orientation: Prior['T_map_base']['orientation'],
    radius: number,
    yaw: number,
  ): Prior => ({
    T_map_base: { position, orientation },
    sigmaPosition: Math.max(radius / 2, 0.1),
    sigmaYaw: Math.max((yaw * RADIANS) / 2, 0.01),
  });
  // A kept pose is a place to look around, not a pose: registration must find it again.
  const saved = await readSaved(stateFile, mapId);
  let last: FrameResult | undefined;
  let savedMs = 0;
  let stopped = false;
  const save = async () => {
    if (!last?.pose || last.state !== 'TRACKING') return false;
    await mkdir(dirname(stateFile), { recursive: true });
    await writeFile(`${stateFile}.new`, JSON.stringify({ mapId, ...last.pose }), { flush: true });
    await rename(`${stateFile}.new`, stateFile);
    return true;
  };
  let saving: Promise<unknown> = Promise.resolve();
  const saveLater = () => {
    saving = saving.then(save).catch(() => undefined);
    return saving;
  };
  const sink = {
    frame: (frame: FrameResult) => {
      last = frame;
      const nowMs = performance.now();
      if (nowMs - savedMs > 1000 * ros2.statePeriod) {
        savedMs = nowMs;
        void saveLater();
      }
      const good = frame.state === 'TRACKING' && !stopped;
      const status: RobotStatus = {
        frame,
        advice: {
          motion: good ? 'drive' : 'stop',
          speedLimit: 0,
          reason: stopped ? 'operator' : frame.state,
        },
        crossings: [],
        buildings: [],
        tiles: supply?.tiles.tileIds ?? [],
        health: [recording.health()],
      };
      watcher.status(status);
      recording.status(status);
    },
    update: () => undefined,
    refused: () => undefined,
  };
  const mounts = new Map<string, SensorMessage>();
  const begin = (prior: Prior | undefined) =>
    new Localizer({
      core,
      config,
      sink,
      clock: { nowMs: () => performance.now() },
      map: supply,
      prior: supply && prior,
      outputOn: supply ? 'points' : 'odometry',
    });
  let pending: Localizer | undefined;
  let localizer = begin(saved && around(saved.position, saved.orientation, ros2.startRadius, ros2.startYaw));
  const recording = new RobotRecording(
    { ...config.recorder, folder: ros2.records || config.recorder.folder || join(home, 'drives') },
    (kind, severity, text, data) => {
      const event = { stamp: last?.stamp ?? 0n, kind, severity, text, ...(data && { data }) };
      watcher.event(event);
      recording.event(event);
    },
  );
  const command = async (asked: RobotCommand): Promise<CommandAnswer> => {
    switch (asked.kind) {
      case 'stop':
        stopped = true;
        return { ok: true, text: 'stopped' };
      case 'resume':
        stopped = false;
        return { ok: true, text: 'goes on' };
      case 'relocalise': {
        const z = last?.pose?.position[2] ?? saved?.position[2] ?? 0;
        const turn = quatFromRpy(0, 0, asked.yaw ?? 0);
        pending = begin(
          around([asked.x, asked.y, z], turn, asked.radius ?? 2, asked.yaw === undefined ? 180 : 30),
        );
        return { ok: true, text: `looks around ${asked.x.toFixed(1)}, ${asked.y.toFixed(1)}` };
      }
      case 'save-state':
        await saveLater();
        return (await save())
          ? { ok: true, text: `kept in ${stateFile}` }
          : { ok: false, reason: 'no-pose', text: 'expected a tracked pose, found none' };
      default:
        return { ok: false, reason: 'not-there', text: `${asked.kind}: this node localises only` };
    }
  };
  return {
    command,
    async handle(message) {
      if (message.kind === 'mount') mounts.set(message.value.child, message);
      if (pending) {
        localizer = pending;
        pending = undefined;
        for (const mount of mounts.values()) await localizer.handle(mount);
      }
      recording.message(message);
      await localizer.handle(message);
    },
    clockJumped() {
      const pose = last?.pose ?? saved;
      pending = begin(pose && around(pose.position, pose.orientation, ros2.startRadius, ros2.startYaw));
    },
    pictures: {
      mapPoints: async () => (map && supply ? sampleOf(core, supply, map.source) : new Float32Array()),
      walls: () => [],
      signals: () => [],
      toLonLat: (x, y) => {
        if (!map) return undefined;
        const { lat, lon } = enuFrame(map.index.origin).toGeodetic([x, y, 0]);
        return [lon, lat];
      },
    },
    recording: {
      start: () => recording.start(new Date().toISOString().replace(/[:.]/g, '-')),
      stop: () => recording.stop(),
    },
    async close() {
      await saveLater();
      if (recording.folder !== undefined) await recording.stop();
      await map?.close();
    },
  };
}

async function readSaved(file: string, mapId: string) {
  try {
    const saved = savedSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return saved.mapId === mapId ? saved : undefined;
  } catch {
    return undefined;
  }
}
