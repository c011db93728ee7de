import { CityDrive } from '../../src/adapters/sim/city/city-drive.ts';
import { CITY_LIDARS } from '../../src/adapters/sim/city/lidar-models.ts';
import { DEMO_MAP, openSim } from '../../src/commands/sim.ts';
import { runDelivery } from '../../src/commands/sim-run.ts';
import { loadCore } from '../../src/native.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';

const LIDAR = 'spin-32';
const SECONDS = 40;
const SENSOR_SECONDS = 20;

/** What a simulated second costs: the sensors alone, and a drive with localisation, crossing and doors. */
export async function run(): Promise<Row[]> {
  const { rows, columns, rate } = CITY_LIDARS[LIDAR]!;
  const raysPerSecond = rows * columns * rate;
  const sensors = await sensorsAlone();
  const { parts, close } = await openSim({
    set: [],
    map: DEMO_MAP,
    lidar: LIDAR,
    rain: '0',
    seconds: String(SECONDS),
  });
  try {
    // The first seconds load tiles and warm the compiler: a drive of its own.
    await runDelivery({ ...parts, seed: 1, maxSeconds: 5 });
    const { realTimeFactor, errorMedian, errorMax } = await runDelivery({ ...parts, seed: 2 });
    note(
      `sim: ${rows} x ${columns} rays at ${rate} Hz for ${SECONDS} s, two threads; error: median ${(100 * errorMedian!).toFixed(1)} cm, most ${(100 * errorMax!).toFixed(1)} cm`,
    );
    return [
      {
        id: 'sim.drive.realTime',
        value: realTimeFactor,
        unit: '× real time',
        bar: { of: 'value', at: 'least', limit: 3 },
      },
      { id: 'sim.drive.rays', value: (raysPerSecond * realTimeFactor) / 1e6, unit: 'million/s' },
      { id: 'sim.sensors.realTime', value: sensors, unit: '× real time' },
      { id: 'sim.sensors.rays', value: (raysPerSecond * sensors) / 1e6, unit: 'million/s' },
    ];
  } finally {
    await close();
  }
}

/** How many times faster than real time the city and all its sensors are, traffic included. */
async function sensorsAlone(): Promise<number> {
  const core = loadCore('native');
  core.setThreads(2);
  const drive = new CityDrive({ core, seed: 1, lidar: CITY_LIDARS[LIDAR]!, light: () => 'walk' });
  drive.begin();
  const drivenFor = async (seconds: number) => {
    const begun = performance.now();
    for (const until = drive.seconds + seconds; drive.seconds < until - 1e-6; )
      await drive.step({ speed: 1, turn: 0 });
    return (performance.now() - begun) / 1000;
  };
  await drivenFor(3);
  return SENSOR_SECONDS / (await drivenFor(SENSOR_SECONDS));
}
