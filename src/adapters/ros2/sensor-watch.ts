import { type DiagnosticRow, OK, STALE, WARN } from './diagnostics.ts';

interface Heard {
  count: number;
  lastMs: number;
  refused: number;
  lastRefusal: string | undefined;
}

/** When each topic was heard last, for diagnostics: silence is told by a steady clock, not by stamps. */
export class SensorWatch {
  readonly #timeoutMs: number;
  readonly #heard = new Map<string, Heard>();
  readonly #kinds: ReadonlyMap<string, string>;
  #sinceMs: number;

  /** @param kinds topic → what it is (`lidar`, `imu`, …); @param timeout of a LiDAR, seconds */
  constructor(kinds: ReadonlyMap<string, string>, timeout: number, nowMs: number) {
    this.#kinds = kinds;
    this.#timeoutMs = 1000 * timeout;
    this.#sinceMs = nowMs;
  }

  heard(topic: string, nowMs: number, refusal?: string): void {
    const entry = this.#heard.get(topic) ?? { count: 0, lastMs: nowMs, refused: 0, lastRefusal: undefined };
    this.#heard.set(topic, entry);
    entry.count++;
    entry.lastMs = nowMs;
    entry.lastRefusal = refusal;
    if (refusal !== undefined) entry.refused++;
  }

  /** One row a topic. What counts as silent for the others is ten times the timeout of a LiDAR. */
  rows(nowMs: number): DiagnosticRow[] {
    return [...this.#kinds].map(([topic, kind]) => {
      const name = `${kind} ${topic}`;
      const entry = this.#heard.get(topic);
      const silentMs = nowMs - (entry?.lastMs ?? this.#sinceMs);
      const values = { messages: entry?.count ?? 0, refused: entry?.refused ?? 0 };
      const isLidar = kind === 'lidar';
      if (!entry)
        return {
          name,
          level: isLidar ? STALE : WARN,
          message: `nothing heard on ${topic} for ${(silentMs / 1000).toFixed(0)} s: is the driver running, and the topic remapped?`,
          values,
        };
      if (silentMs > this.#timeoutMs * (isLidar ? 1 : 10))
        return {
          name,
          level: isLidar ? STALE : WARN,
          message: `silent for ${(silentMs / 1000).toFixed(1)} s`,
          values,
        };
      if (entry.lastRefusal !== undefined) return { name, level: WARN, message: entry.lastRefusal, values };
      return { name, level: OK, message: 'ok', values };
    });
  }
}
