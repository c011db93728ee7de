import type { RobotStatus } from '../../../ports/robot.ts';
import type { Stamp } from '../../../types.ts';
import type { MapFeature } from '../wire.ts';
import { header } from './messages.ts';

/** visualization_msgs/Marker */
const [SPHERE, LINE_STRIP, TEXT] = [2, 4, 9];
type Color = readonly [r: number, g: number, b: number];
const WALLS: Readonly<Record<string, Color>> = {
  no_go: [0.9, 0.2, 0.2],
  one_way: [0.9, 0.6, 0.1],
  slow: [0.9, 0.8, 0.2],
};
const SIGNALS: Readonly<Record<string, Color>> = {
  walk: [0.1, 0.8, 0.3],
  clearance: [0.9, 0.7, 0.1],
  stop: [0.9, 0.1, 0.1],
};
const GREY: Color = [0.5, 0.5, 0.5];
const BLUE: Color = [0.3, 0.5, 0.9];

/** visualization_msgs/MarkerArray: virtual walls, and where signals, doors and lifts stand */
export function mapMarkers(stamp: Stamp, features: readonly MapFeature[]): object {
  const markers = features
    .filter(({ kind, line }) => kind === 'virtual_wall' && line.length > 1)
    .map(({ type, line, closed }, id) =>
      marker(stamp, 'virtual_wall', id, LINE_STRIP, WALLS[type ?? ''] ?? GREY, {
        scale: { x: 0.15, y: 0, z: 0 },
        points: (closed ? [...line, line[0]!] : line).map(([x, y]) => ({ x, y, z: 0.3 })),
      }),
    );
  return { markers };
}

/** The signals, doors and lifts of the map, coloured and labelled by what is known of them now */
export function statusMarkers(status: RobotStatus, features: readonly MapFeature[]): object {
  const { frame, crossings, buildings } = status;
  const markers = features
    .filter(({ kind, line }) => (kind === 'signal' || kind === 'door' || kind === 'lift') && line.length > 0)
    .flatMap((feature, k) => {
      const crossing = crossings.find(({ signalId }) => signalId === feature.id);
      const building = buildings.find(({ id }) => id === feature.id);
      const [x, y] = feature.line[0]!;
      const color =
        feature.kind === 'signal' ? (SIGNALS[crossing?.signal?.phase ?? ''] ?? GREY) : building ? BLUE : GREY;
      const text = crossing
        ? `${feature.id}: ${crossing.signal?.phase ?? 'unknown'}, ${crossing.phase}`
        : building
          ? `${feature.id}: ${building.phase}`
          : feature.id;
      return [
        marker(frame.stamp, feature.kind, 2 * k, SPHERE, color, { x, y, z: 2.5 }),
        marker(frame.stamp, feature.kind, 2 * k + 1, TEXT, [1, 1, 1], { x, y, z: 3.4, text }),
      ];
    });
  return { markers };
}

function marker(
  stamp: Stamp,
  ns: string,
  id: number,
  type: number,
  [r, g, b]: Color,
  more: { x?: number; y?: number; z?: number; text?: string; scale?: object; points?: object[] },
): object {
  const { x = 0, y = 0, z = 0, ...rest } = more;
  return {
    header: header(stamp),
    ns,
    id,
    type,
    action: 0,
    pose: { position: { x, y, z }, orientation: { x: 0, y: 0, z: 0, w: 1 } },
    scale: { x: 0.6, y: 0.6, z: 0.6 },
    color: { r, g, b, a: 1 },
    ...rest,
  };
}
