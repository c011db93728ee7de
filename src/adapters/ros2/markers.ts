import type { CrossingStatus } from '../../ports/robot.ts';
import type { SignalPhase, Stamp, Vec3 } from '../../types.ts';
import type { SignalPicture, WallPicture } from './driven-robot.ts';
import { header, vector } from './header.ts';

/** visualization_msgs/Marker */
const SPHERE = 2;
const LINE_STRIP = 4;
const TEXT = 9;
const ADD = 0;
const DELETE_ALL = 3;

type Colour = readonly [r: number, g: number, b: number];
const WALLS: Readonly<Record<WallPicture['type'], Colour>> = {
  no_go: [0.9, 0.1, 0.1],
  one_way: [0.1, 0.4, 0.9],
  slow: [0.95, 0.7, 0.1],
};
const GREY: Colour = [0.5, 0.5, 0.5];
const PHASES: Partial<Record<SignalPhase, Colour>> = {
  stop: [0.9, 0.1, 0.1],
  walk: [0.1, 0.8, 0.2],
  clearance: [0.95, 0.7, 0.1],
};

/** visualization_msgs/MarkerArray of the virtual walls; replaces those before. */
export function wallMarkers(stamp: Stamp, frame: string, walls: readonly WallPicture[]) {
  return markers(
    stamp,
    frame,
    walls.map(({ type, line }) =>
      marker('virtual_walls', LINE_STRIP, WALLS[type], { points: line.map(vector), scale: [0.15, 0, 0] }),
    ),
  );
}

/** A ball and a line of text at each signal of the map: what it shows, where somebody knows, and whether we go. */
export function signalMarkers(
  stamp: Stamp,
  frame: string,
  signals: readonly SignalPicture[],
  crossings: readonly CrossingStatus[],
) {
  const near = new Map(crossings.map((crossing) => [crossing.signalId, crossing]));
  const shown = signals.flatMap(({ id, position: [x, y, z] }) => {
    const crossing = near.get(id);
    const colour = PHASES[crossing?.signal?.phase ?? 'unknown'] ?? GREY;
    const ball = marker('signals', SPHERE, colour, { position: [x, y, z + 2.5], scale: [0.5, 0.5, 0.5] });
    if (!crossing) return [ball];
    const text = `${id}: ${crossing.phase} ${crossing.text}`;
    return [
      ball,
      marker('signal_texts', TEXT, [1, 1, 1], { position: [x, y, z + 3.2], scale: [0, 0, 0.4], text }),
    ];
  });
  return markers(stamp, frame, shown);
}

interface Shape {
  readonly position?: Vec3;
  readonly scale: Vec3;
  readonly points?: readonly { x: number; y: number; z: number }[];
  readonly text?: string;
}

function marker(ns: string, type: number, [r, g, b]: Colour, shape: Shape) {
  return {
    ns,
    type,
    action: ADD,
    pose: { position: vector(shape.position ?? [0, 0, 0]), orientation: { x: 0, y: 0, z: 0, w: 1 } },
    scale: vector(shape.scale),
    color: { r, g, b, a: 0.9 },
    points: shape.points ?? [],
    text: shape.text ?? '',
  };
}

function markers(stamp: Stamp, frame: string, list: readonly ReturnType<typeof marker>[]) {
  const first = { ...marker('', SPHERE, GREY, { scale: [1, 1, 1] }), action: DELETE_ALL };
  return {
    markers: [first, ...list].map((one, id) => ({ ...one, id, header: header(stamp, frame) })),
  };
}
