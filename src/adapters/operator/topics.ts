import { thinCloud } from './cloud-frame.ts';

/** A message of which only the newest counts. */
export interface Topic {
  readonly version: number;
  readonly isBinary: boolean;
  /** the whole, and smaller pictures of it where there are any; largest first */
  readonly sizes: readonly Buffer[];
}

/** Of a cloud, so that a slow client sees a thin one instead of none. */
const THINNER = [1, 1 / 4, 1 / 16];

/** The newest of each kind, encoded once for all clients. Kinds go out in the order in which they are listed here. */
export class Topics {
  readonly #topics = new Map<string, Topic>();
  #version = 0;

  /** `order`: names, the most urgent first */
  readonly order: readonly string[];
  constructor(order: readonly string[]) {
    this.order = order;
  }

  text(name: string, frame: object): void {
    this.#set(name, false, [Buffer.from(JSON.stringify(frame))]);
  }

  cloud(name: string, cloud: Buffer): void {
    const points = cloud.readUInt32LE(4);
    this.#set(
      name,
      true,
      THINNER.map((share) => (share === 1 ? cloud : thinCloud(cloud, Math.ceil(points * share)))),
    );
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  #set(name: string, isBinary: boolean, sizes: readonly Buffer[]): void {
    this.#topics.set(name, { version: ++this.#version, isBinary, sizes });
  }
}
