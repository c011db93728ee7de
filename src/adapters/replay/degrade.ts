import type { SensorSource, SourceInfo } from '../../ports.ts';
import { Refusal, type SensorMessage, type Stamp } from '../../types.ts';
import { type DegradeConfig, gnssDegradation } from './degrade-config.ts';
import { GnssSpoiler } from './degrade-gnss.ts';
import { LidarSpoiler } from './degrade-lidar.ts';
import { within } from './degrade-random.ts';
import { MEASURED, spoilStamps } from './degrade-stamps.ts';

/**
 * The source, spoiled on purpose: the same seed, configuration and source give the same bytes. Times in the
 * configuration count from the source's start by arrival. The source's own messages are never written to, and come
 * through as they are where nothing is to be spoiled. Closing closes the source.
 * Throws a Refusal `unknown-channel` for a late channel that the source does not have.
 */
export function degrade(source: SensorSource, config: DegradeConfig): SensorSource {
  const info = source.describe();
  for (const { on } of config.stamps.late) checkLate(on, info);
  return {
    describe: () => described(info, config),
    messages: () =>
      spoilStamps(spoilValues(source.messages(), config, info.start), config.stamps, config.seed),
    close: () => source.close(),
  };
}

async function* spoilValues(
  messages: AsyncIterable<SensorMessage>,
  config: DegradeConfig,
  start: Stamp,
): AsyncGenerator<SensorMessage> {
  const gnssConfig = gnssDegradation(config.gnss);
  const gnss = perChannel((channel) => new GnssSpoiler(gnssConfig, config.seed, channel));
  const lidar = perChannel((channel) => new LidarSpoiler(config.lidar, config.seed, channel));
  for await (const message of messages) {
    const seconds = Number(message.arrival - start) / 1e9;
    switch (message.kind) {
      case 'gnss': {
        const value = gnss(message.channel).apply(message.value, seconds);
        if (value) yield value === message.value ? message : { ...message, value };
        break;
      }
      case 'points': {
        const value = lidar(message.channel).apply(message.value);
        if (within(config.lidar.outages, seconds)) break;
        yield value === message.value ? message : { ...message, value };
        break;
      }
      case 'imu':
      case 'odometry':
        if (!within(config[message.kind].outages, seconds)) yield message;
        break;
      default:
        yield message;
    }
  }
}

/** One spoiler a channel: two receivers err each in their own way. */
function perChannel<T>(make: (channel: string) => T): (channel: string) => T {
  const made = new Map<string, T>();
  return (channel) => {
    const known = made.get(channel) ?? make(channel);
    made.set(channel, known);
    return known;
  };
}

function described(info: SourceInfo, { lidar, stamps }: DegradeConfig): SourceInfo {
  if (lidar.outages.length === 0 && stamps.doubled === 0) return info;
  // The number of clouds is no longer known beforehand.
  const { clouds: _, ...rest } = info;
  return rest;
}

function checkLate(on: string, info: SourceInfo): void {
  const channels = Object.keys(info.channels).filter((channel) => MEASURED.has(info.channels[channel]!));
  if (MEASURED.has(on) || channels.includes(on)) return;
  throw new Refusal(
    'unknown-channel',
    `degrade.stamps.late: expected one of ${[...MEASURED, ...channels].join(', ')}, found ${on}`,
  );
}
