import * as THREE from 'three';

/** Places kept; the oldest half is forgotten when it is full. */
const MOST = 4000;

/** Where the robot was: one buffer that is written on, so that a step costs a few numbers and no new memory. */
export class Trail {
  readonly line: THREE.Line;
  readonly #places = new THREE.BufferAttribute(new Float32Array(3 * MOST), 3);
  #count = 0;

  constructor(color: number) {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', this.#places);
    geometry.setDrawRange(0, 0);
    this.line = new THREE.Line(geometry, new THREE.LineBasicMaterial({ color }));
    this.line.frustumCulled = false;
  }

  add(x: number, y: number, z: number): void {
    if (this.#count === MOST) {
      this.#count = MOST / 2;
      this.#places.array.copyWithin(0, 3 * this.#count, 3 * MOST);
    }
    this.#places.setXYZ(this.#count++, x, y, z);
    this.#places.needsUpdate = true;
    this.line.geometry.setDrawRange(0, this.#count);
  }
}
