import * as THREE from 'three';

/** Bytes before the points; see encodeCloud of the gateway. */
const HEADER = 48;

export interface DecodedCloud {
  readonly origin: readonly [number, number, number];
  readonly points: THREE.BufferGeometry;
  readonly count: number;
}

/** A cloud message as a geometry, in metres relative to its origin. int16 and uint8 go to the graphics card as they are. */
export function decodeCloud(data: ArrayBuffer): DecodedCloud {
  const view = new DataView(data);
  const count = view.getUint32(4, true);
  const hasIntensity = (view.getUint16(2, true) & 1) === 1;
  const step = view.getFloat32(40, true);
  const points = new THREE.BufferGeometry();
  points.setAttribute('position', new THREE.BufferAttribute(new Int16Array(data, HEADER, 3 * count), 3));
  const intensity = hasIntensity
    ? new Uint8Array(data, HEADER + 6 * count, count)
    : new Uint8Array(count).fill(128);
  points.setAttribute('intensity', new THREE.BufferAttribute(intensity, 1, true));
  points.userData.step = step;
  points.boundingSphere = sphereOf(points.getAttribute('position').array as Int16Array, step);
  return {
    origin: [view.getFloat64(16, true), view.getFloat64(24, true), view.getFloat64(32, true)],
    points,
    count,
  };
}

/** About all points, in metres: what the camera does not see is not drawn. */
function sphereOf(steps: Int16Array, step: number): THREE.Sphere {
  const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const high = low.map((value) => -value);
  for (let k = 0; k < steps.length; k++) {
    const value = steps[k]!;
    if (value < low[k % 3]!) low[k % 3] = value;
    if (value > high[k % 3]!) high[k % 3] = value;
  }
  if (steps.length === 0) return new THREE.Sphere();
  const [from, to] = [low, high].map((corner) => new THREE.Vector3(...corner).multiplyScalar(step));
  return new THREE.Box3(from, to).getBoundingSphere(new THREE.Sphere());
}

const VERTEX = `
  attribute float intensity;
  uniform float metres, size, byIntensity, low, high, scale;
  uniform vec3 tintLow, tintMid, tintHigh;
  uniform vec3 flatTint;
  uniform float isFlat;
  varying vec3 tint;
  void main() {
    vec4 world = modelMatrix * vec4(position * metres, 1.0);
    float t = clamp(mix((world.z - low) / (high - low), intensity, byIntensity), 0.0, 1.0);
    vec3 ramp = t < 0.5 ? mix(tintLow, tintMid, t * 2.0) : mix(tintMid, tintHigh, t * 2.0 - 1.0);
    tint = mix(ramp, flatTint, isFlat);
    vec4 seen = viewMatrix * world;
    gl_PointSize = clamp(size * scale / -seen.z, 1.0, 5.0);
    gl_Position = projectionMatrix * seen;
  }`;
const FRAGMENT = `
  varying vec3 tint;
  uniform float opacity;
  void main() {
    gl_FragColor = vec4(tint, opacity);
    // Tints are linear, screens are not: without it the ground is all but black.
    #include <colorspace_fragment>
  }`;

/** One material for all clouds of a kind; `metres` (of a step) differs by cloud and is set before each is drawn. */
export function pointMaterial(size: number, flat?: number): THREE.ShaderMaterial {
  return new THREE.ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: {
      metres: { value: 0.005 },
      size: { value: size },
      scale: { value: 600 },
      byIntensity: { value: 0 },
      low: { value: -1 },
      high: { value: 7 },
      isFlat: { value: flat === undefined ? 0 : 1 },
      flatTint: { value: new THREE.Color(flat ?? 0) },
      tintLow: { value: new THREE.Color(0x3b528b) },
      tintMid: { value: new THREE.Color(0x21918c) },
      tintHigh: { value: new THREE.Color(0xb8de29) },
      opacity: { value: 1 },
    },
  });
}

export function pointsObject(cloud: DecodedCloud, material: THREE.ShaderMaterial): THREE.Points {
  const object = new THREE.Points(cloud.points, material);
  object.position.set(...cloud.origin);
  object.onBeforeRender = () => {
    material.uniforms.metres!.value = cloud.points.userData.step;
    material.uniformsNeedUpdate = true;
  };
  return object;
}

/** Tiles go from low to high in three tints, scans have one: both to be seen on a dark or a light ground. */
export function setTints(dark: boolean, tiles: THREE.ShaderMaterial, scans: THREE.ShaderMaterial): void {
  const [low, mid, high] = dark ? [0x3d5a9e, 0x2aa198, 0xc6e34a] : [0x27408b, 0x1b7a76, 0x8a9a00];
  const { uniforms } = tiles;
  uniforms.tintLow!.value.set(low);
  uniforms.tintMid!.value.set(mid);
  uniforms.tintHigh!.value.set(high);
  scans.uniforms.flatTint!.value.set(dark ? 0xff9a3c : 0xc2410c);
}
