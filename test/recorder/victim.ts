import { Recorder } from '../../src/adapters/recorder/recorder.ts';
import { recorderConfig } from '../../src/adapters/recorder/recorder-config.ts';
import { Random } from '../../src/math/random.ts';
import { cloudMessage, imuMessage } from './stream.ts';

/**
 * Records for ever, to be killed: `victim.ts FOLDER SEED`. Prints what is on the disk as the recorder says it, one line
 * `imu points` each time it changes.
 */
const [folder, seed] = process.argv.slice(2);
const random = new Random(Number(seed));
const config = recorderConfig.parse({ folder, chunkBytes: 1 << 17, chunkSeconds: 0.1, fileMegabytes: 1 });
const recorder = await Recorder.open(config, 'drive');
let said = '0 0';
for (let k = 0; ; k++) {
  for (let n = 0; n < 20; n++) recorder.record(imuMessage(20 * k + n));
  recorder.record(cloudMessage(k, 1000, random));
  const counts = recorder.counts();
  const line = `${counts.get('/imu')!.recorded} ${counts.get('/points')!.recorded}`;
  if (line !== said) process.stdout.write(`${line}\n`);
  said = line;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
