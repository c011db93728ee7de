import type { Random } from '../../math/random.ts';
import type { SensorMessage } from '../../types.ts';
import type { StampDegradation } from './degrade-config.ts';
import { stream } from './degrade-random.ts';

type Messages = AsyncIterable<SensorMessage>;

/** Kinds that a sensor measures again and again; mounts, truth and refused messages are never spoiled. */
export const MEASURED: ReadonlySet<string> = new Set(['points', 'gnss', 'imu', 'odometry']);

/** Spoils when messages come, never what they say: overtaken, then doubled, then late. Keeps the order of arrival. */
export function spoilStamps(messages: Messages, config: StampDegradation, seed: number): Messages {
  let spoiled = messages;
  if (config.outOfOrder > 0) spoiled = overtaken(spoiled, chances(seed, 'out of order'), config.outOfOrder);
  if (config.doubled > 0) spoiled = doubled(spoiled, chances(seed, 'doubled'), config.doubled);
  if (config.late.length > 0 || config.outOfOrder > 0)
    spoiled = late(spoiled, chances(seed, 'late'), config.late);
  return spoiled;
}

/** A message is held back until 1 ns after the next of its channel; the last one until the end. */
async function* overtaken(
  messages: Messages,
  chance: Chance,
  fraction: number,
): AsyncGenerator<SensorMessage> {
  const held = new Map<string, SensorMessage>();
  let last = 0n;
  for await (const message of messages) {
    last = message.arrival;
    const first = held.get(message.channel);
    if (first) {
      held.delete(message.channel);
      yield message;
      yield { ...first, arrival: message.arrival + 1n };
    } else if (MEASURED.has(message.kind) && chance(message.channel) < fraction) {
      held.set(message.channel, message);
    } else {
      yield message;
    }
  }
  for (const message of held.values()) yield { ...message, arrival: last + 1n };
}

async function* doubled(messages: Messages, chance: Chance, fraction: number): AsyncGenerator<SensorMessage> {
  for await (const message of messages) {
    yield message;
    if (MEASURED.has(message.kind) && chance(message.channel) < fraction) yield message;
  }
}

/** Adds the delays and sorts again: a message waits until the source has gone past its arrival. */
async function* late(
  messages: Messages,
  chance: Chance,
  delays: StampDegradation['late'],
): AsyncGenerator<SensorMessage> {
  const waiting: SensorMessage[] = [];
  for await (const message of messages) {
    const ready = waiting.findIndex(({ arrival }) => arrival >= message.arrival);
    yield* waiting.splice(0, ready < 0 ? waiting.length : ready);
    const seconds = delays
      .filter(({ on }) => MEASURED.has(message.kind) && (on === message.channel || on === message.kind))
      .filter(({ on, fraction }) => chance(`${message.channel} ${on}`) < fraction)
      .reduce((sum, delay) => sum + delay.seconds, 0);
    insert(
      waiting,
      seconds === 0 ? message : { ...message, arrival: message.arrival + BigInt(Math.round(seconds * 1e9)) },
    );
  }
  yield* waiting;
}

/** Behind whatever is not after it; from the end, where most belong. */
function insert(sorted: SensorMessage[], message: SensorMessage): void {
  let place = sorted.length;
  while (place > 0 && isAfter(sorted[place - 1]!, message)) place--;
  sorted.splice(place, 0, message);
}

function isAfter(a: SensorMessage, b: SensorMessage): boolean {
  if (a.arrival !== b.arrival) return a.arrival > b.arrival;
  if (a.channel !== b.channel) return a.channel > b.channel;
  return a.sequence > b.sequence;
}

/** The next number in [0, 1) for a channel. */
type Chance = (channel: string) => number;

function chances(seed: number, purpose: string): Chance {
  const streams = new Map<string, Random>();
  return (channel) => {
    let random = streams.get(channel);
    if (!random) {
      random = stream(seed, `${purpose} ${channel}`);
      streams.set(channel, random);
    }
    return random.uniform();
  };
}
