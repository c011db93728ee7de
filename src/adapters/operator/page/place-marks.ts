import * as THREE from 'three';
import type { StatusFrame } from '../wire.ts';

/** Takes an object out, with what it holds on the graphics card; materials of clouds are shared. */
export function drop(from: THREE.Object3D, object: THREE.Object3D): void {
  from.remove(object);
  const { geometry, material } = object as THREE.Mesh;
  geometry?.dispose();
  if (material && !(material instanceof THREE.ShaderMaterial))
    for (const one of [material].flat()) one.dispose();
}

export function setCircle(mark: THREE.Object3D, at: THREE.Vector3, radius: number, up: number): void {
  mark.position.copy(at).z += up;
  mark.scale.set(radius, radius, 1);
}

/** 95 % of a plane normal distribution lie within √5.991 standard deviations (χ² of 2 degrees of freedom). */
export function setEllipse(
  mark: THREE.Object3D,
  at: THREE.Vector3,
  { xx, xy, yy }: { xx: number; xy: number; yy: number },
  up: number,
): void {
  const mean = (xx + yy) / 2;
  const half = Math.hypot((xx - yy) / 2, xy);
  mark.visible = true;
  mark.position.copy(at).z += up;
  mark.scale.set(Math.sqrt(5.991 * (mean + half)), Math.sqrt(5.991 * Math.max(mean - half, 1e-6)), 1);
  mark.rotation.z = Math.atan2(2 * xy, xx - yy) / 2;
}

/** What the eye can tell of a status: a robot that stands does not keep the graphics card busy. */
export function seenOf({ pose, spread, protectionLevel, fix }: StatusFrame): string {
  const cm = (value: number) => Math.round(100 * value);
  return [
    ...(pose?.position.map(cm) ?? []),
    ...(pose?.orientation.map((part) => Math.round(500 * part)) ?? []),
    ...(spread ? [Math.sqrt(spread.xx), Math.sqrt(spread.yy), 10 * spread.xy].map(cm) : []),
    cm(protectionLevel ?? -1),
    ...(fix?.position.map((part) => Math.round(10 * part)) ?? []),
  ].join();
}
