import type { Vec3 } from '../types.ts';

/** Column and row of the tile that holds a place of the map frame. */
export function tileAt(x: number, y: number, tileSize: number): { i: number; j: number } {
  return { i: Math.floor(x / tileSize), j: Math.floor(y / tileSize) };
}

export function tileId(i: number, j: number): string {
  return `${i}_${j}`;
}

export function parseTileId(id: string): { i: number; j: number } {
  const [i, j] = id.split('_').map(Number);
  return { i: i!, j: j! };
}

/** The corner that a tile's points are relative to, in the map frame. */
export function tileOrigin(id: string, tileSize: number): Vec3 {
  const { i, j } = parseTileId(id);
  return [i * tileSize, j * tileSize, 0];
}

/** Metres in the plane from a place to the nearest point of a tile's square; 0 inside. */
export function distanceToTile(x: number, y: number, id: string, tileSize: number): number {
  const { i, j } = parseTileId(id);
  return distanceToSquare(x, y, i, j, tileSize);
}

/** The same by column and row. */
export function distanceToSquare(x: number, y: number, i: number, j: number, tileSize: number): number {
  const dx = Math.max(i * tileSize - x, 0, x - (i + 1) * tileSize);
  const dy = Math.max(j * tileSize - y, 0, y - (j + 1) * tileSize);
  // Math.hypot takes several times as long, and these are metres.
  return Math.sqrt(dx * dx + dy * dy);
}
