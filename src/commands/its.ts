import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import { cityGraph } from '../adapters/its/simulate/graph.ts';
import { machineTiming } from '../adapters/its/timing.ts';
import { Refusal } from '../types.ts';
import { addItsSoak } from './its-soak.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

interface SimulateOptions extends CommonOptions {
  readonly graph: string;
  readonly port: number;
  readonly mqttPort?: number;
  readonly host: string;
  readonly cycle: number;
  readonly walk: number;
  readonly faults?: string;
}

export function addIts(program: Command): void {
  const its = program.command('its').description('traffic signals, doors and lifts');
  const simulate = its
    .command('simulate')
    .description(
      'a fake city: three vendors of signal states, doors and lifts, from one truth, until it is ended',
    )
    .requiredOption('--graph <file>', 'graph.geojson with signals, doors and lifts')
    .requiredOption('--port <n>', 'of HTTP: /city, /national, /truth, /config, /faults', port)
    .option('--mqtt-port <n>', 'of MQTT; default: the next one', port)
    .option('--host <address>', 'to listen on', '127.0.0.1')
    .option('--cycle <seconds>', 'of the signals', seconds, 90)
    .option('--walk <seconds>', 'of each', seconds, 20)
    .option('--faults <file>', 'JSON as of PUT /faults');
  withCommonOptions(simulate).action(run);
  addItsSoak(its);
}

async function run(options: SimulateOptions): Promise<void> {
  if (options.walk >= options.cycle / 2)
    throw new Refusal(
      'bad-argument',
      `--walk: expected less than half of the cycle, found ${options.walk} s`,
    );
  const { log } = await openSession(options);
  const graph = cityGraph(await read(options.graph));
  // Its broker and clients are loaded by this command only.
  const { FakeCity } = await import('../adapters/its/simulate/city.ts');
  const city = await FakeCity.start({
    graph,
    plan: { cycle: options.cycle, walk: options.walk },
    host: options.host,
    httpPort: options.port,
    mqttPort: options.mqttPort ?? options.port + 1,
    timing: machineTiming,
    faults: options.faults === undefined ? {} : JSON.parse(await read(options.faults)),
    onProblem: (detail) => log.warn(detail),
  });
  const counts = { signals: graph.signals.length, doors: graph.doors.length, lifts: graph.lifts.length };
  const config = city.config();
  answer(
    options,
    { http: city.httpUrl, mqtt: city.mqttUrl, ...counts, config },
    `# ${city.httpUrl}, ${city.mqttUrl}: ${counts.signals} signals, ${counts.doors} doors, ${counts.lifts} lifts\n${stringify({ its: config })}`,
  );
  await new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await city.close();
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Refusal('no-file', `${path}: ${(error as Error).message}`);
  }
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value < 65_536) return value;
  throw new InvalidArgumentError(`expected a port, found ${text}`);
}

function seconds(text: string): number {
  const value = Number(text);
  if (value >= 1 && value <= 3600) return value;
  throw new InvalidArgumentError(`expected 1 to 3600 seconds, found ${text}`);
}
