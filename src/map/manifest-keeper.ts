import { refusalReason } from '../types.ts';
import { checkManifest, checkSignature, isExpired, type Trust } from './manifest-rules.ts';
import { indexOf, type MapIndex } from './map-index.ts';

/** A manifest as it was received; as in the ports. */
interface Received {
  readonly manifest: Uint8Array;
  readonly envelope?: Uint8Array | undefined;
  readonly serviceMs?: number | undefined;
}

export interface KeeperParts {
  readonly mapId: string;
  readonly trust: Trust;
  /** who publishes, and what outlives us; both as in the ports */
  readonly service: { newest(): Promise<Received | undefined>; accept(): void };
  readonly store: {
    stored(): AsyncIterable<Received>;
    keep(version: number, received: Received): Promise<void>;
    readonly seen: {
      read(): Promise<{ version: number; timeMs: number }>;
      raise(version: number, timeMs: number): Promise<void>;
    };
  };
  /** awaited now and then in long work, so that others get their turn */
  readonly breathe: () => Promise<void>;
}

export interface Problem {
  readonly reason: string;
  readonly detail: string;
}

/** Which manifest counts: verified, not older than what was in use before, not expired. The last good one stays. */
export class ManifestKeeper {
  readonly #parts: KeeperParts;
  #latest: MapIndex | undefined;
  /** the time that service and clock agree on; 0 where they were not compared */
  #agreedMs = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** The map to begin with: what was in use last, if it still may be; else none, and why. `nowMs`: Unix time. */
  async stored(nowMs: number): Promise<{ index?: MapIndex; problems: Problem[] }> {
    const problems: Problem[] = [];
    const { version: last } = await this.#parts.store.seen.read();
    let newer: MapIndex | undefined;
    for await (const received of this.#parts.store.stored()) {
      const index = await this.#judge(received, nowMs, problems);
      // One that was kept but never used may lack its tiles: the one that was in use is surer.
      if (index?.version === last) return { index: this.#use(index), problems };
      newer ??= index;
    }
    return newer ? { index: this.#use(newer), problems } : { problems };
  }

  /** Asks the service. A version newer than all before is kept and returned; otherwise none, and why unless all is well. */
  async check(nowMs: number): Promise<{ index?: MapIndex; problems: Problem[] }> {
    const problems: Problem[] = [];
    let received: Received | undefined;
    try {
      received = await this.#parts.service.newest();
    } catch (error) {
      problems.push(problemOf(error));
    }
    const index = received && (await this.#judge(received, nowMs, problems));
    if (index && received) {
      this.#parts.service.accept();
      if (received.serviceMs !== undefined) this.#agreedMs = nowMs;
      if (index.version > (this.#latest?.version ?? 0)) {
        try {
          await this.#parts.store.keep(index.version, received);
        } catch (error) {
          problems.push(problemOf(error)); // it can be used nevertheless, until the next start
        }
        return { index: this.#use(index), problems };
      }
    }
    const expires = this.#latest?.expires;
    if (expires && isExpired(expires, nowMs) && !problems.some(({ reason }) => reason === 'map-expired'))
      problems.push({
        reason: 'map-expired',
        detail: `map ${this.#parts.mapId} version ${this.#latest?.version} expired on ${expires} and the service has no newer one`,
      });
    return { problems };
  }

  /** A version is in use: no older one is taken from now on, in this process or another. */
  async adopted(index: MapIndex): Promise<void> {
    await this.#parts.store.seen.raise(index.version, this.#agreedMs);
  }

  #use(index: MapIndex): MapIndex {
    this.#latest = index;
    return index;
  }

  async #judge(received: Received, nowMs: number, problems: Problem[]): Promise<MapIndex | undefined> {
    const { trust, mapId, store, breathe } = this.#parts;
    try {
      const signed = checkSignature(received.manifest, received.envelope, trust);
      const index = await indexOf(received.manifest, signed === 'signed', breathe);
      const seen = await store.seen.read();
      const version = Math.max(seen.version, this.#latest?.version ?? 0);
      const facts = { mapId: index.mapId, version: index.version, expires: index.expires! };
      checkManifest(facts, mapId, { ...seen, version }, nowMs, received.serviceMs);
      return index;
    } catch (error) {
      problems.push(problemOf(error));
      return undefined;
    }
  }
}

function problemOf(error: unknown): Problem {
  const reason = refusalReason(error);
  if (!reason) throw error;
  return { reason, detail: (error as Error).message };
}
