import * as THREE from 'three';

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
