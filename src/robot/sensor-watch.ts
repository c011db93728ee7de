import type { HealthRow } from '../ports/robot.ts';
import type { SensorMessage } from '../types.ts';

interface Channel {
  heardAtMs: number;
  refusedAtMs: number;
  problem: string;
}

/** Kinds that come once, and whose silence says nothing. */
const ONCE: ReadonlySet<SensorMessage['kind']> = new Set(['mount', 'pose']);

/** Which sensors speak, and how well: a row for each channel that ever did. */
export class SensorWatch {
  readonly #channels = new Map<string, Channel>();

  heard(message: SensorMessage, nowMs: number): void {
    if (ONCE.has(message.kind)) return;
    const channel = this.#channels.get(message.channel) ?? {
      heardAtMs: Number.NEGATIVE_INFINITY,
      refusedAtMs: Number.NEGATIVE_INFINITY,
      problem: '',
    };
    this.#channels.set(message.channel, channel);
    if (message.kind !== 'refused') channel.heardAtMs = nowMs;
    else Object.assign(channel, { refusedAtMs: nowMs, problem: `${message.reason}: ${message.detail}` });
  }

  /** `silence`: s without a good message after which a sensor is down. */
  rows(nowMs: number, silence: number): HealthRow[] {
    return [...this.#channels].map(([name, { heardAtMs, refusedAtMs, problem }]) => {
      const heard = (nowMs - heardAtMs) / 1000;
      const refused = (nowMs - refusedAtMs) / 1000 <= silence;
      const said = Number.isFinite(heard)
        ? `last good message ${heard.toFixed(1)} s ago`
        : 'never a good message';
      return {
        name: `sensor:${name}`,
        state: heard > silence ? 'down' : refused ? 'degraded' : 'ok',
        text: refused ? `${said}; refused: ${problem}` : said,
      };
    });
  }
}
