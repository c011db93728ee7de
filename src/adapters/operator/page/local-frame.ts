import * as THREE from 'three';

type Triple = readonly [number, number, number];

/** float32 on the graphics card: places are relative to the first that came, robot or tile. */
export class LocalFrame {
  #origin: Triple | undefined;

  /** Of the map, m. */
  get origin(): Triple {
    return this.#origin ?? [0, 0, 0];
  }

  at([x, y, z]: Triple): THREE.Vector3 {
    this.#origin ??= [Math.round(x), Math.round(y), Math.round(z)];
    const [ox, oy, oz] = this.#origin;
    return new THREE.Vector3(x - ox, y - oy, z - oz);
  }

  shift<C extends { readonly origin: Triple }>(cloud: C): C {
    const { x, y, z } = this.at(cloud.origin);
    return { ...cloud, origin: [x, y, z] };
  }
}
