import type { MapFeature, StatusFrame, TilesFrame, WireMap } from '../wire.ts';
import type { Connection } from './connection.ts';
import { SIGNAL_STALE } from './panels.ts';
import type { Scene } from './scene.ts';

const COLOURS: Readonly<Record<string, number>> = {
  walk: 0x37c871,
  clearance: 0xffb000,
  stop: 0xff3b30,
  no_go: 0xff3b30,
  one_way: 0xffb000,
  slow: 0xe6d21f,
};
/** What did not come of the map is asked for again, ms. */
const RETRY_MS = 3000;
const GREY = 0x8a95a1;
const BLUE = 0x4aa3ff;

/** Brings the map to the scene: its features once, its tiles as they become active. */
export class MapView {
  readonly #line: Connection;
  readonly #scene: Scene;
  #map: WireMap | undefined;
  #wanted = new Set<string>();
  #shown = '';

  constructor(line: Connection, scene: Scene) {
    this.#line = line;
    this.#scene = scene;
  }

  /** The tiles that the robot holds now, of the version of the map that it drives by. */
  async show({ map, tiles }: Pick<TilesFrame, 'map' | 'tiles'>): Promise<void> {
    const wanted = new Set(tiles);
    this.#wanted = wanted;
    if (map && (map.mapId !== this.#map?.mapId || map.version !== this.#map.version)) {
      const answer = await this.#line.get('v1/map').catch(() => undefined);
      if (this.#wanted !== wanted) return;
      if (answer?.ok) this.#map = (await answer.json()) as WireMap;
      this.#shown = '';
      this.#scene.keepTiles(new Set());
    }
    this.#scene.keepTiles(wanted);
    const drawn = this.#map;
    let isWhole = drawn !== undefined;
    for (const id of drawn ? this.#nearestFirst(tiles, drawn.tileSize) : []) {
      if (this.#wanted !== wanted) return;
      if (this.#scene.tileIds.has(id)) continue;
      const answer = await this.#line.get(`v1/map/tiles/${encodeURIComponent(id)}`).catch(() => undefined);
      const points = answer?.ok ? await answer.arrayBuffer().catch(() => undefined) : undefined;
      if (points && this.#map === drawn && this.#wanted.has(id)) this.#scene.tile(id, points);
      isWhole &&= points !== undefined;
    }
    if (map && !isWhole)
      setTimeout(() => void (this.#wanted === wanted && this.show({ map, tiles })), RETRY_MS);
  }

  #nearestFirst(ids: readonly string[], tileSize: number): string[] {
    const [x, y] = this.#scene.robotAt ?? [0, 0];
    const apart = (id: string) => {
      const [i, j] = id.split('_').map(Number) as [number, number];
      return Math.hypot((i + 0.5) * tileSize - x, (j + 0.5) * tileSize - y);
    };
    return [...ids].sort((a, b) => apart(a) - apart(b));
  }

  /** Signals in the colour that they show; grey where nobody knows, or the word is old. */
  colourSignals({ pose, crossings }: StatusFrame): void {
    if (!this.#map || !pose) return;
    const phases = Object.fromEntries(
      crossings.map(({ signalId, age, signal }) => [
        signalId,
        (age ?? Number.POSITIVE_INFINITY) > SIGNAL_STALE ? 'unknown' : signal?.phase,
      ]),
    );
    const text = JSON.stringify(phases);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#scene.features(this.#map, ({ kind, id, type }: MapFeature) => {
      if (kind === 'signal') return COLOURS[phases[id] ?? ''] ?? GREY;
      return kind === 'virtual_wall' ? (COLOURS[type ?? ''] ?? GREY) : BLUE;
    });
  }
}
