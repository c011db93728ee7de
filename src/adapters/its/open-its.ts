import { Random } from '../../math/random.ts';
import type { BuildingWatcher } from '../../ports.ts';
import { Refusal } from '../../types.ts';
import { DoorsMqtt } from './doors-mqtt.ts';
import { HttpVendor } from './http-vendor.ts';
import type { ItsConfig, VendorConfig } from './its-config.ts';
import { cityFeed, nationalFeed } from './korean-feeds.ts';
import { Mediator, type MediatorDeps } from './mediator.ts';
import { MqttSpat } from './mqtt-spat.ts';
import { machineTiming, type Timing } from './timing.ts';
import type { Vendor, VendorContext } from './vendor.ts';

/**
 * The mediator over all configured vendors, on the machine's clocks. `environment` holds keys and passwords;
 * a Refusal `bad-config` names the one that is missing.
 */
export function openIts(
  config: ItsConfig,
  environment: Readonly<Record<string, string | undefined>>,
  watchers: Pick<MediatorDeps, 'onState' | 'onEvent'> & Partial<Pick<MediatorDeps, 'timing'>> = {},
): Mediator {
  const random = new Random(Date.now());
  const vendors = config.vendors.map((vendor) => ({
    config: vendor,
    make: (context: VendorContext) => makeVendor(vendor, context, environment),
  }));
  return new Mediator(vendors, config.mediator, {
    timing: machineTiming,
    chance: () => random.uniform(),
    usageFile: config.usageFile,
    ...watchers,
  });
}

/** The link to doors and lifts; `timing`: default the machine's clocks. Throws a Refusal `bad-config` where none are configured. */
export function openDoors(
  config: ItsConfig,
  environment: Readonly<Record<string, string | undefined>>,
  watcher: BuildingWatcher,
  timing: Timing = machineTiming,
): DoorsMqtt {
  if (!config.doors) throw new Refusal('bad-config', 'its.doors: expected a broker, found none');
  const random = new Random(Date.now());
  const password = secretOf(config.doors.broker.passwordEnv, environment, 'its.doors');
  return new DoorsMqtt(config.doors, watcher, {
    timing,
    chance: () => random.uniform(),
    password,
  });
}

function secretOf(
  name: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  user: string,
): string | undefined {
  if (name === undefined) return undefined;
  if (environment[name]) return environment[name];
  throw new Refusal('bad-config', `${user}: expected the environment variable ${name}, found none`);
}

function makeVendor(
  config: VendorConfig,
  context: VendorContext,
  environment: Readonly<Record<string, string | undefined>>,
): Vendor {
  const secret = (name: string | undefined) => secretOf(name, environment, `vendor ${config.name}`);
  if (config.kind === 'mqtt-spat') return new MqttSpat(config, context, secret(config.broker.passwordEnv));
  const key = secret(config.keyEnv) ?? '';
  return config.kind === 'city-http'
    ? new HttpVendor(config, context, cityFeed(config.url, key, config.feed))
    : new HttpVendor(config, context, nationalFeed(config.url, key));
}
