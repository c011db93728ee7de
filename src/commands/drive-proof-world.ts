import { McapBagWriter } from '../adapters/recorder/mcap-writer.ts';
import { CityDrive } from '../adapters/sim/city/city-drive.ts';
import type { CityOptions } from '../adapters/sim/city/city-options.ts';
import { PathFollower } from '../adapters/sim/city/follower.ts';
import { CITY_LIDARS } from '../adapters/sim/city/lidar-models.ts';
import { block, type CitySolid, toMap, vehicle } from '../adapters/sim/city/solid.ts';
import type { Core } from '../core.ts';
import type { SensorMessage } from '../types.ts';

/** [u, v] of the city's axes: the southern pavement past the changes. */
const WAY = { v: -10.4, from: -24, to: 26 } as const;
const SPEED = 1.4;
const DAY_NS = 86_400_000_000_000n;

/** Stood there when the map was made, and is gone since: between the robot's way and the road. */
export const HOARDING: CitySolid = block('hoarding', 'paint', [9, -8.3, 0.15], [17, -8.15, 2.35]);
/** Came after the map was made: parked on the pavement by the kerb. */
export const TRUCK: readonly CitySolid[] = vehicle('truck', -4, -8.35, 0);

/** Surveys the street with the hoarding, from both pavements, into a bag with its truth. */
export async function surveyStreet(core: Core, bag: string): Promise<void> {
  const row = (v: number) => Array.from({ length: 20 }, (_, k): [number, number] => [-38 + 4 * k, v]);
  const places = [...row(-9.5), ...row(9.5)];
  const drive = new CityDrive({
    core,
    seed: 0,
    survey: true,
    extras: [HOARDING],
    lidar: { ...CITY_LIDARS['spin-64']!, rangeSigma: 0.01 },
    light: () => 'walk',
    start: [...places[0]!, 0],
  });
  const writer = await McapBagWriter.create(bag);
  const write = async (messages: readonly SensorMessage[]) => {
    for (const message of messages) await writer.write(message);
  };
  await write(drive.begin());
  let [u, v] = places[0]!;
  for (const [nextU, nextV] of places) {
    drive.carry(nextU - u, nextV - v, 0.37);
    [u, v] = [nextU, nextV];
    for (let step = 0; step < 20; step++) {
      drive.faults.lidarSilent = step < 10;
      await write(await drive.step({ speed: 0, turn: 0 }));
    }
  }
  for (let step = 0; step < 100; step++) {
    drive.faults.lidarSilent = true;
    await write(await drive.step({ speed: 0, turn: 0 }));
  }
  await writer.close();
}

/** One drive past the changes on its own day, among other traffic; there and back on odd and even days. */
export async function driveStreet(core: Core, day: number, bag: string): Promise<void> {
  const forth = day % 2 === 1;
  const ends = forth ? [WAY.from, WAY.to] : [WAY.to, WAY.from];
  const drive = new CityDrive({
    ...sensors(core, 100 + day),
    extras: TRUCK,
    start: [ends[0]!, WAY.v, forth ? 0 : Math.PI],
  });
  const follower = new PathFollower(ends.map((u) => toMap(u, WAY.v)));
  const writer = await McapBagWriter.create(bag);
  const write = async (messages: readonly SensorMessage[]) => {
    for (const message of messages) await writer.write(onDay(message, day));
  };
  await write(drive.begin());
  const steps = Math.round((100 * Math.abs(WAY.to - WAY.from)) / SPEED);
  for (let step = 0; step < steps; step++)
    // It stands for three seconds, in which it finds its place.
    await write(await drive.step(follower.command(drive.body.pose, step < 300 ? 0 : SPEED)));
  await writer.close();
}

function sensors(core: Core, seed: number): Pick<CityOptions, 'core' | 'seed' | 'lidar' | 'light'> {
  return {
    core,
    seed,
    lidar: CITY_LIDARS['spin-32']!,
    light: (seconds) => (seconds % 60 < 26 ? 'walk' : 'stop'),
  };
}

/** The simulator's clock begins on the same day each time. */
function onDay(message: SensorMessage, day: number): SensorMessage {
  const shift = BigInt(day) * DAY_NS;
  const arrival = message.arrival + shift;
  if (message.kind === 'mount' || message.kind === 'refused') return { ...message, arrival };
  const value = { ...message.value, stamp: message.value.stamp + shift };
  return { ...message, arrival, value } as SensorMessage;
}
