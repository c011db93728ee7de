import * as THREE from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import type { MapFeature, StatusFrame, WireMap } from '../wire.ts';
import { LocalFrame } from './local-frame.ts';
import { ellipse, featureObjects, ground, lineOf, robotMark } from './marks.ts';
import { drop, seenOf, setCircle, setEllipse } from './place-marks.ts';
import { decodeCloud, pointMaterial, pointsObject, setTints } from './points.ts';
import { Trail } from './trail.ts';

/** The map, the robot and all that is known of them in three dimensions. Drawn only when something changed. */
export class Scene {
  follow = true;
  readonly #renderer: THREE.WebGLRenderer;
  readonly #scene = new THREE.Scene();
  readonly #camera = new THREE.PerspectiveCamera(55, 1, 0.3, 2000);
  readonly #controls: OrbitControls;
  readonly #tileMaterial = pointMaterial(0.09);
  readonly #scanMaterial = pointMaterial(0.13, 0xff8c1a);
  readonly #tiles = new Map<string, THREE.Points>();
  readonly #robot = robotMark();
  readonly #ground = ground();
  readonly #grey = new THREE.Color(0x888888);
  readonly #features = new THREE.Group();
  readonly #fix = ellipse(0xe05ad6, 0.55);
  readonly #spread = ellipse(0x2f8fff, 0.6);
  readonly #protection = ellipse(0xffb000, 0.35);
  readonly #frame = new LocalFrame();
  readonly #trail = new Trail(0x37c871);
  #routeLine: THREE.Line | undefined;
  #goal: THREE.Line | undefined;
  #scan: THREE.Points | undefined;
  #isDrawn = true;
  #isStale = false;
  #shown = '';
  /** frames drawn, for tests and for saving power */
  drawn = 0;
  #drawMs = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#renderer = new THREE.WebGLRenderer({
      canvas,
      antialias: true,
      powerPreference: 'high-performance',
    });
    this.#renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.#camera.up.set(0, 0, 1);
    this.#camera.position.set(-14, -10, 14);
    this.#controls = new OrbitControls(this.#camera, canvas);
    this.#controls.maxPolarAngle = 1.5;
    this.#controls.minDistance = 3;
    this.#controls.maxDistance = 400;
    this.#controls.addEventListener('change', () => this.touch());
    this.#scene.add(this.#ground, this.#robot, this.#features, this.#fix, this.#spread, this.#protection);
    this.#scene.add(this.#trail.line);
    for (const mark of [this.#robot, this.#fix, this.#spread, this.#protection]) mark.visible = false;
    new ResizeObserver(() => this.#resize()).observe(canvas.parentElement!);
    this.#resize();
  }

  /** Something changed: draw at the next chance. */
  touch(): void {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    requestAnimationFrame(() => {
      this.#isDrawn = true;
      const begun = performance.now();
      this.#controls.update();
      this.#renderer.render(this.#scene, this.#camera);
      this.drawn++;
      this.#drawMs = performance.now() - begun;
    });
  }

  set theme(dark: boolean) {
    this.#renderer.setClearColor(dark ? 0x0e1318 : 0xeef1f4);
    setTints(dark, this.#tileMaterial, this.#scanMaterial);
    this.touch();
  }

  get byIntensity(): boolean {
    return this.#tileMaterial.uniforms.byIntensity!.value === 1;
  }

  set byIntensity(on: boolean) {
    this.#tileMaterial.uniforms.byIntensity!.value = on ? 1 : 0;
    this.touch();
  }

  /** A status that is old shows the robot grey. */
  set stale(on: boolean) {
    if (on === this.#isStale) return;
    this.#isStale = on;
    this.#robot.traverse((part) => {
      if (part instanceof THREE.Mesh) part.material.color.copy(on ? this.#grey : part.userData.color);
    });
    this.touch();
  }

  set scanStale(on: boolean) {
    if (on === this.#scanMaterial.transparent) return;
    this.#scanMaterial.transparent = on;
    this.#scanMaterial.uniforms.opacity!.value = on ? 0.25 : 1;
    this.#scanMaterial.needsUpdate = true;
    this.touch();
  }

  set fixStale(on: boolean) {
    const { color } = this.#fix.material as THREE.MeshBasicMaterial;
    const wanted = on ? this.#grey : (this.#fix.userData.color as THREE.Color);
    if (color.equals(wanted)) return;
    color.copy(wanted);
    this.touch();
  }

  status(status: StatusFrame): void {
    const { pose, spread, protectionLevel, fix } = status;
    const key = seenOf(status);
    if (!pose || key === this.#shown) return;
    this.#shown = key;
    const at = this.#frame.at(pose.position);
    const before = this.#robot.visible ? this.#robot.position.clone() : undefined;
    this.#robot.visible = true;
    this.#robot.position.copy(at);
    this.#robot.quaternion.set(...(pose.orientation as [number, number, number, number]));
    if (spread) setEllipse(this.#spread, at, spread, 0.06);
    this.#protection.visible = protectionLevel !== undefined && protectionLevel < 100;
    if (this.#protection.visible) setCircle(this.#protection, at, protectionLevel!, 0.04);
    this.#fix.visible = fix !== undefined;
    if (fix) setCircle(this.#fix, this.#frame.at(fix.position).setZ(at.z), Math.max(fix.sigma, 0.3), 0.05);
    if (!before || before.distanceTo(at) > 0.02) this.#trail.add(at.x, at.y, at.z + 0.1);
    if (this.follow) {
      const move = at.clone().sub(this.#controls.target);
      this.#controls.target.add(move);
      this.#camera.position.add(move);
    }
    if (!before) this.view('follow');
    // Heights are coloured about the street that the robot is on.
    this.#ground.position.set(10 * Math.round(at.x / 10), 10 * Math.round(at.y / 10), at.z - 0.3);
    this.#tileMaterial.uniforms.low!.value = at.z - 1;
    this.#tileMaterial.uniforms.high!.value = at.z + 7;
    this.touch();
  }

  route(line: readonly (readonly [number, number])[]): void {
    if (this.#routeLine) drop(this.#scene, this.#routeLine);
    this.#routeLine = lineOf(
      line.map((p) => this.#flat(p, 0.15)),
      0x2f8fff,
    );
    this.#scene.add(this.#routeLine);
    this.touch();
  }

  /** The features of the map, signals in the colours that they show now. */
  features(map: WireMap, colorOf: (feature: MapFeature) => number): void {
    for (const child of [...this.#features.children]) drop(this.#features, child);
    for (const feature of map.features)
      this.#features.add(...featureObjects(feature, (p, z) => this.#flat(p, z), colorOf(feature)));
    this.touch();
  }

  scan(data: ArrayBuffer): void {
    const cloud = decodeCloud(data);
    if (this.#scan) drop(this.#scene, this.#scan);
    this.#scan = pointsObject(this.#frame.shift(cloud), this.#scanMaterial);
    this.#scene.add(this.#scan);
    this.touch();
  }

  tile(id: string, data: ArrayBuffer): void {
    if (this.#tiles.has(id)) return;
    const tile = pointsObject(this.#frame.shift(decodeCloud(data)), this.#tileMaterial);
    this.#tiles.set(id, tile);
    this.#scene.add(tile);
    this.touch();
  }

  /** Only these stay. */
  keepTiles(ids: ReadonlySet<string>): void {
    for (const [id, tile] of this.#tiles)
      if (!ids.has(id)) {
        drop(this.#scene, tile);
        this.#tiles.delete(id);
        this.touch();
      }
  }

  /** Where the robot is, map frame, m. */
  get robotAt(): readonly [x: number, y: number] | undefined {
    const { visible, position } = this.#robot;
    const [ox, oy] = this.#frame.origin;
    return visible ? [position.x + ox, position.y + oy] : undefined;
  }

  /** Of the last frame: what the processor did for it, ms, and what the graphics card was given. */
  get cost(): { readonly ms: number; readonly calls: number; readonly points: number } {
    const { calls, points } = this.#renderer.info.render;
    return { ms: this.#drawMs, calls, points };
  }

  get tileIds(): ReadonlySet<string> {
    return new Set(this.#tiles.keys());
  }

  /** The place of the map (m) under a point of the screen, at the robot's height. */
  pick(clientX: number, clientY: number): [x: number, y: number] | undefined {
    const box = this.#renderer.domElement.getBoundingClientRect();
    const at = new THREE.Vector2(
      ((clientX - box.left) / box.width) * 2 - 1,
      1 - ((clientY - box.top) / box.height) * 2,
    );
    const ray = new THREE.Raycaster();
    ray.setFromCamera(at, this.#camera);
    const plane = new THREE.Plane(new THREE.Vector3(0, 0, 1), -this.#robot.position.z);
    const hit = ray.ray.intersectPlane(plane, new THREE.Vector3());
    const [ox, oy] = this.#frame.origin;
    return hit ? [hit.x + ox, hit.y + oy] : undefined;
  }

  /** Where the robot shall look for itself: an arrow, or nothing. */
  goal(from?: readonly [number, number], to?: readonly [number, number]): void {
    if (this.#goal) drop(this.#scene, this.#goal);
    this.#goal = undefined;
    if (from && to) {
      this.#goal = lineOf([this.#flat(from, 0.4), this.#flat(to, 0.4)], 0xff2d2d);
      this.#scene.add(this.#goal);
    }
    this.touch();
  }

  set controlsEnabled(on: boolean) {
    this.#controls.enabled = on;
  }

  view(kind: 'follow' | 'top'): void {
    const { target } = this.#controls;
    // From behind: between the fronts of a street nothing stands before the robot.
    const behind = new THREE.Vector3(-12, 0, 0).applyQuaternion(this.#robot.quaternion);
    const offset = kind === 'top' ? [0, -0.1, 45] : [behind.x, behind.y, 8];
    this.#camera.position.set(target.x + offset[0]!, target.y + offset[1]!, target.z + offset[2]!);
    this.touch();
  }

  /** On the street, at the robot's height. */
  #flat([x, y]: readonly [number, number], up: number): THREE.Vector3 {
    return this.#frame.at([x, y, this.#frame.origin[2] + this.#robot.position.z + up]);
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#renderer.domElement.parentElement!;
    this.#renderer.setSize(clientWidth, clientHeight, false);
    this.#camera.aspect = clientWidth / Math.max(1, clientHeight);
    this.#camera.updateProjectionMatrix();
    const scale = clientHeight * this.#renderer.getPixelRatio();
    for (const material of [this.#tileMaterial, this.#scanMaterial]) material.uniforms.scale!.value = scale;
    this.touch();
  }
}
