import { thinCloud } from './cloud-frame.ts';

/** A message of which only the newest counts. */
export interface Topic {
  readonly version: number;
  /** the whole, and smaller pictures of it where there are any; largest first */
  readonly sizes: readonly Buffer[];
}

/** Of a cloud, so that a slow client sees a thin one instead of none. */
const THINNER = [1, 1 / 4, 1 / 16];

/** The newest of each kind, encoded once for all clients. Texts go out before clouds, in the order in which they are listed. */
export class Topics {
  readonly #topics = new Map<string, Topic>();
  #version = 0;

  readonly texts: readonly string[];
  readonly clouds: readonly string[];

  /** Names, the most urgent first. */
  constructor(texts: readonly string[], clouds: readonly string[]) {
    this.texts = texts;
    this.clouds = clouds;
  }

  text(name: string, frame: object): void {
    this.#set(name, [Buffer.from(JSON.stringify(frame))]);
  }

  cloud(name: string, cloud: Buffer): void {
    const points = cloud.readUInt32LE(4);
    this.#set(
      name,
      THINNER.map((share) => (share === 1 ? cloud : thinCloud(cloud, Math.ceil(points * share)))),
    );
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  #set(name: string, sizes: readonly Buffer[]): void {
    this.#topics.set(name, { version: ++this.#version, sizes });
  }
}
