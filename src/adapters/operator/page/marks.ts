import * as THREE from 'three';
import type { MapFeature } from '../wire.ts';

export function ground(): THREE.Object3D {
  const grid = new THREE.GridHelper(400, 40, 0x6b7785, 0x6b7785);
  grid.rotation.x = Math.PI / 2;
  (grid.material as THREE.Material).transparent = true;
  (grid.material as THREE.Material).opacity = 0.45;
  return grid;
}

/** A box of a robot's size with a nose that shows its heading. */
export function robotMark(): THREE.Group {
  const group = new THREE.Group();
  const body = part(new THREE.BoxGeometry(0.8, 0.55, 0.5), 0x2f8fff);
  body.position.z = 0.35;
  const nose = part(new THREE.ConeGeometry(0.28, 0.5, 16), 0xffffff);
  nose.rotation.z = -Math.PI / 2;
  nose.position.set(0.6, 0, 0.35);
  group.add(body, nose);
  return group;
}

function part(geometry: THREE.BufferGeometry, color: number): THREE.Mesh {
  const mesh = new THREE.Mesh(geometry, new THREE.MeshBasicMaterial({ color }));
  mesh.userData.color = new THREE.Color(color);
  return mesh;
}

/** A ring of radius 1, to be scaled. */
export function ellipse(color: number, opacity: number): THREE.Mesh {
  const material = new THREE.MeshBasicMaterial({
    color,
    transparent: true,
    opacity,
    side: THREE.DoubleSide,
    depthWrite: false,
  });
  const ring = new THREE.Mesh(new THREE.RingGeometry(0.9, 1, 64), material);
  ring.userData.color = new THREE.Color(color);
  return ring;
}

export function lineOf(points: THREE.Vector3[], color: number): THREE.Line {
  return new THREE.Line(
    new THREE.BufferGeometry().setFromPoints(points),
    new THREE.LineBasicMaterial({ color }),
  );
}

type Place = (p: readonly [number, number], up: number) => THREE.Vector3;

/** A wall stands up, a signal is a lamp on a mast, a door or lift a frame. */
export function featureObjects(feature: MapFeature, place: Place, color: number): THREE.Object3D[] {
  const { kind, line, closed } = feature;
  if (line.length === 0) return [];
  if (kind === 'virtual_wall') return [wall(closed ? [...line, line[0]!] : line, place, color)];
  if (kind === 'link')
    return [
      lineOf(
        line.map((p) => place(p, 0.02)),
        color,
      ),
    ];
  const mast = lineOf([place(line[0]!, 0), place(line[0]!, 2.6)], 0x8a95a1);
  const geometry =
    kind === 'signal' ? new THREE.SphereGeometry(0.35, 20, 14) : new THREE.BoxGeometry(0.7, 0.7, 0.7);
  const lamp = part(geometry, color);
  lamp.position.copy(place(line[0]!, 2.6));
  return [mast, lamp];
}

function wall(line: MapFeature['line'], place: Place, color: number): THREE.Mesh {
  const positions = line.slice(1).flatMap((b, k) => {
    const [p, q, r, s] = [place(line[k]!, 0), place(b, 0), place(b, 1.1), place(line[k]!, 1.1)];
    return [p, q, r, p, r, s].flatMap(({ x, y, z }) => [x, y, z]);
  });
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute('position', new THREE.Float32BufferAttribute(positions, 3));
  const material = new THREE.MeshBasicMaterial({
    color,
    transparent: true,
    opacity: 0.4,
    side: THREE.DoubleSide,
    depthWrite: false,
  });
  return new THREE.Mesh(geometry, material);
}
