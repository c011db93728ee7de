import { CITY_START, CityDrive } from '../../../src/adapters/sim/city/city-drive.ts';
import { CITY_LIDARS } from '../../../src/adapters/sim/city/lidar-models.ts';
import type { Core } from '../../../src/core.ts';
import type { SensorSource } from '../../../src/ports.ts';
import type { SensorMessage, StampedPose } from '../../../src/types.ts';
import { type Street, streetOf } from '../street.ts';

/** The block of the demo map. */
const CITY = 1;
/** A sweep takes 10 steps; the first at a place began at the one before. */
const STEPS = 20;

/** The simulator's city: surveyed empty from many places, seen later from others with its traffic. */
export async function cityStreet(core: Core): Promise<Street> {
  const survey = await sweeps(core, true, [...row(-46, 62, 4, -9.5), ...row(2, 36, 4, 9.5)]);
  const later = await sweeps(core, false, [...row(-44, 60, 2.7, -9), ...row(3, 35, 2.7, 9)]);
  const [map, seen] = [sourceOf(survey), sourceOf(later)];
  return streetOf(core, 'city', map, seen, posesOf(later), posesOf(survey));
}

/** Places along the city's first axis, [u, v] m. */
function row(from: number, to: number, step: number, v: number): [number, number][] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => [from + step * i, v]);
}

/** What a robot tells that is carried from place to place and stands at each for a sweep. */
async function sweeps(
  core: Core,
  survey: boolean,
  places: readonly [number, number][],
): Promise<SensorMessage[]> {
  const lidar = survey ? { ...CITY_LIDARS['spin-64']!, rangeSigma: 0.01 } : CITY_LIDARS['spin-32']!;
  const start = [...places[0]!, survey ? 0 : 1] as const;
  const drive = new CityDrive({
    core,
    seed: survey ? 0 : 9,
    city: CITY,
    survey,
    lidar,
    light: () => 'walk',
    start,
  });
  const messages = drive.begin();
  let [u, v] = places[0]!;
  for (const [nextU, nextV] of places) {
    drive.carry(nextU - u, nextV - v, 0.37);
    [u, v] = [nextU, nextV];
    for (let step = 0; step < STEPS; step++) {
      drive.faults.lidarSilent = step < STEPS / 2;
      messages.push(...(await drive.step({ speed: 0, turn: 0 })));
    }
  }
  return messages;
}

function posesOf(messages: readonly SensorMessage[]): StampedPose[] {
  return messages.flatMap((message) => (message.kind === 'pose' ? [message.value] : []));
}

function sourceOf(messages: readonly SensorMessage[]): SensorSource {
  return {
    describe: () => ({ name: 'city', start: CITY_START, end: messages.at(-1)!.arrival, channels: {} }),
    async *messages() {
      yield* messages;
    },
    close: async () => {},
  };
}
