import { cornersOf, type Feature, type MapAnswer, type Place, type Plane, type Problem } from './features.ts';

const COLOURS: Readonly<Record<string, string>> = {
  node: '#222222',
  link: '#0a58ca',
  poi: '#b5179e',
  virtual_wall: '#b00020',
  signal: '#d9480f',
  door: '#5f3dc4',
  lift: '#087f5b',
};
const CHOSEN = '#ffb703';
/** A click this near to something means it, pixels. */
const NEAR_PX = 9;

export interface Hit {
  readonly feature: Feature;
  /** undefined: on a side, not at a corner */
  readonly corner: number | undefined;
}

/** The map on a canvas: tiles from above, the features over them. */
export class View {
  readonly #canvas: HTMLCanvasElement;
  readonly #map: MapAnswer;
  readonly #plane: Plane;
  readonly #images = new Map<string, HTMLImageElement>();
  /** middle of the canvas, and pixels a metre */
  centre: Place = [0, 0];
  scale = 8;
  onLoad: () => void = () => {};

  constructor(canvas: HTMLCanvasElement, map: MapAnswer, plane: Plane) {
    this.#canvas = canvas;
    this.#map = map;
    this.#plane = plane;
  }

  /** Shows all tiles. */
  fit(): void {
    const ids = this.#map.tiles.map(({ id }) => id.split('_').map(Number) as [number, number]);
    if (ids.length === 0) return;
    const span = (k: 0 | 1) =>
      [Math.min(...ids.map((id) => id[k])), Math.max(...ids.map((id) => id[k])) + 1] as const;
    const [[west, east], [south, north]] = [span(0), span(1)];
    const size = this.#map.tileSize;
    this.centre = [((west + east) / 2) * size, ((south + north) / 2) * size];
    const { clientWidth, clientHeight } = this.#canvas;
    this.scale = Math.min(clientWidth / (east - west), clientHeight / (north - south)) / size;
  }

  toPixel([x, y]: Place): [number, number] {
    const { clientWidth, clientHeight } = this.#canvas;
    return [
      clientWidth / 2 + (x - this.centre[0]) * this.scale,
      clientHeight / 2 - (y - this.centre[1]) * this.scale,
    ];
  }

  toPlace(u: number, v: number): Place {
    const { clientWidth, clientHeight } = this.#canvas;
    return [
      this.centre[0] + (u - clientWidth / 2) / this.scale,
      this.centre[1] - (v - clientHeight / 2) / this.scale,
    ];
  }

  /** Zooms about a pixel. */
  zoom(u: number, v: number, factor: number): void {
    const [x, y] = this.toPlace(u, v);
    this.scale = Math.min(400, Math.max(0.05, this.scale * factor));
    const [x1, y1] = this.toPlace(u, v);
    this.centre = [this.centre[0] + x - x1, this.centre[1] + y - y1];
  }

  /** What is at a pixel: corners before sides, points before lines, the last one before those under it. */
  hit(features: readonly Feature[], u: number, v: number): Hit | undefined {
    let side: Hit | undefined;
    let corner: Hit | undefined;
    for (const feature of features) {
      const pixels = this.#pixels(feature);
      const isPoint = feature.geometry.type === 'Point';
      pixels.forEach(([a, b], k) => {
        if (Math.hypot(a - u, b - v) > NEAR_PX) return;
        if (isPoint || corner?.feature.geometry.type !== 'Point') corner = { feature, corner: k };
      });
      const ring = feature.geometry.type === 'Polygon' ? [...pixels, pixels[0]!] : pixels;
      for (let k = 1; k < ring.length; k++)
        if (toSide(u, v, ring[k - 1]!, ring[k]!) < NEAR_PX) side = { feature, corner: undefined };
    }
    return corner ?? side;
  }

  draw(
    features: readonly Feature[],
    chosen: Feature | undefined,
    sketch: readonly Place[],
    problems: readonly Problem[],
  ): void {
    const ratio = window.devicePixelRatio;
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = clientWidth * ratio;
    this.#canvas.height = clientHeight * ratio;
    const paper = this.#canvas.getContext('2d')!;
    paper.scale(ratio, ratio);
    paper.imageSmoothingEnabled = false;
    this.#drawTiles(paper);
    for (const feature of features) this.#drawFeature(paper, feature, feature === chosen);
    paper.strokeStyle = CHOSEN;
    paper.lineWidth = 3;
    strokeLine(
      paper,
      sketch.map((place) => this.toPixel(place)),
    );
    paper.strokeStyle = '#b00020';
    for (const { lon, lat } of problems) {
      const [u, v] = this.toPixel(this.#plane.toPlace([lon, lat]));
      paper.beginPath();
      paper.arc(u, v, 11, 0, 2 * Math.PI);
      paper.stroke();
    }
  }

  #drawTiles(paper: CanvasRenderingContext2D): void {
    const side = this.#map.tileSize * this.scale;
    for (const { id, sha256 } of this.#map.tiles) {
      const [i, j] = id.split('_').map(Number) as [number, number];
      const [u, v] = this.toPixel([i * this.#map.tileSize, (j + 1) * this.#map.tileSize]);
      if (u > this.#canvas.clientWidth || v > this.#canvas.clientHeight || u + side < 0 || v + side < 0)
        continue;
      let image = this.#images.get(id);
      if (!image) {
        image = new Image();
        image.onload = () => this.onLoad();
        image.src = `./tiles/${id}?${sha256}`;
        this.#images.set(id, image);
      }
      paper.globalAlpha = 0.75;
      if (image.complete && image.naturalWidth > 0) paper.drawImage(image, u, v, side + 0.5, side + 0.5);
      paper.globalAlpha = 1;
    }
  }

  #drawFeature(paper: CanvasRenderingContext2D, feature: Feature, isChosen: boolean): void {
    const pixels = this.#pixels(feature);
    const { geometry, properties } = feature;
    paper.strokeStyle = paper.fillStyle = isChosen ? CHOSEN : (COLOURS[properties.kind] ?? '#888888');
    paper.lineWidth = isChosen ? 4 : 2;
    if (geometry.type !== 'Point')
      strokeLine(paper, geometry.type === 'Polygon' ? [...pixels, pixels[0]!] : pixels);
    const isLabelled = geometry.type === 'Point' && properties.kind !== 'node';
    if (geometry.type !== 'Point' && !isChosen) return;
    for (const [u, v] of pixels) {
      paper.beginPath();
      paper.arc(u, v, isLabelled ? 6 : 3.5, 0, 2 * Math.PI);
      paper.fill();
    }
    if (isLabelled || isChosen)
      paper.fillText(String(properties.name ?? properties.id), pixels[0]![0] + 9, pixels[0]![1] - 6);
  }

  #pixels(feature: Feature): [number, number][] {
    return cornersOf(feature).map((corner) => this.toPixel(this.#plane.toPlace(corner)));
  }
}

function strokeLine(paper: CanvasRenderingContext2D, pixels: readonly (readonly [number, number])[]): void {
  paper.beginPath();
  for (const [u, v] of pixels) paper.lineTo(u, v);
  paper.stroke();
}

function toSide(
  u: number,
  v: number,
  [a, b]: readonly [number, number],
  [c, d]: readonly [number, number],
): number {
  const [dx, dy] = [c - a, d - b];
  const length2 = dx * dx + dy * dy;
  const t = length2 > 0 ? Math.min(1, Math.max(0, ((u - a) * dx + (v - b) * dy) / length2)) : 0;
  return Math.hypot(u - a - t * dx, v - b - t * dy);
}
