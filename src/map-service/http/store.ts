/** Where map packages lie. Paths: `MAPID/manifest.json`, `MAPID/tiles/sha256/HEX.pcd`, … */
export interface MapStore {
  /** The whole file; undefined where there is none. Rejects where the store cannot say. */
  read(path: string): Promise<Buffer | undefined>;
  /** Ids of the maps. */
  list(): Promise<string[]>;
}
