import type { Connection } from './connection.ts';
import { phrase } from './phrases.ts';
import type { Scene } from './scene.ts';
import { word } from './words.ts';

/** What an operator can do, by button and by key. */
export class Actions {
  isPlacing = false;
  readonly #line: Connection;
  readonly #scene: Scene;
  readonly #tell: (text: string, isBad?: boolean) => void;

  constructor(
    line: Connection,
    scene: Scene,
    canvas: HTMLCanvasElement,
    tell: (text: string, isBad?: boolean) => void,
  ) {
    this.#line = line;
    this.#scene = scene;
    this.#tell = tell;
    let from: [number, number] | undefined;
    canvas.addEventListener('pointerdown', (event) => {
      if (this.isPlacing) from = scene.pick(event.clientX, event.clientY);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (this.isPlacing && from) scene.goal(from, scene.pick(event.clientX, event.clientY));
    });
    canvas.addEventListener('pointerup', (event) => {
      if (!this.isPlacing || !from) return;
      const to = scene.pick(event.clientX, event.clientY) ?? from;
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      // A click without a drag says nothing of the heading.
      const yaw = Math.hypot(dx, dy) > 0.3 ? { yaw: Math.atan2(dy, dx) } : {};
      this.send({ kind: 'relocalise', x: from[0], y: from[1], ...yaw, radius: 3 });
      from = undefined;
      this.place(false);
    });
  }

  send(command: object): void {
    void this.#line.command(command).then(({ ok, text }) => this.#tell(phrase(text), !ok));
  }

  place(on: boolean): void {
    this.isPlacing = on;
    this.#scene.controlsEnabled = !on;
    if (on) this.#tell(word('drag'));
    else this.#scene.goal();
  }
}
