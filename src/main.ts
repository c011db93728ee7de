#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { addBag } from './commands/bag.ts';
import { addBatch } from './commands/batch.ts';
import { addDemo } from './commands/demo.ts';
import { addDemoReplay } from './commands/demo-replay.ts';
import { addDrive } from './commands/drive.ts';
import { addEval } from './commands/eval.ts';
import { addInterventions } from './commands/interventions.ts';
import { addIts } from './commands/its.ts';
import { addMapAlign } from './commands/map-align.ts';
import { addMapAnnotate } from './commands/map-annotate.ts';
import { addMapApply } from './commands/map-apply.ts';
import { addMapBuild } from './commands/map-build.ts';
import { addMapInfo } from './commands/map-info.ts';
import { addMapServe } from './commands/map-serve.ts';
import { addMapKeygen, addMapSign } from './commands/map-sign.ts';
import { addMapTile } from './commands/map-tile.ts';
import { addMapVerify } from './commands/map-verify.ts';
import { addOperator } from './commands/operator.ts';
import { addReplay } from './commands/replay.ts';
import { addRos2 } from './commands/ros2.ts';
import { addRos2Parameters } from './commands/ros2-parameters.ts';
import { addSchema } from './commands/schema.ts';
import { addSim } from './commands/sim.ts';
import { refusalReason } from './types.ts';

/** Refusals that mean that the command was called wrongly, not that its job failed. */
const USAGE = new Set(['bad-config', 'bad-argument', 'bad-frame-range', 'unknown-epsg', 'bad-plan']);

const program = new Command('dilly-nav')
  .description('On-board navigation runtime for sidewalk delivery robots')
  .exitOverride()
  .configureOutput({ writeOut: (text) => process.stdout.write(text) });
addReplay(program);
const map = program.command('map').description('map packages');
addMapBuild(map);
addMapAlign(map);
addMapTile(map);
addMapAnnotate(map);
addMapInfo(map);
addMapVerify(map);
addMapKeygen(map);
addMapSign(map);
addMapApply(map);
addMapServe(map);
addBag(program);
addDrive(program);
addBatch(program);
addEval(program);
addInterventions(program);
addIts(program);
addOperator(program);
addRos2(program);
addRos2Parameters(program);
addSchema(program);
addDemo(program);
addDemoReplay(program);
addSim(program);
// Commands inherit neither by themselves.
for (const command of allCommands(program)) command.exitOverride();

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}

/** Exit codes: 0 done, 1 the job failed (the reason is on stderr), 2 unusable arguments. */
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const reason = refusalReason(error);
    const message = error instanceof Error ? (reason ? error.message : error.stack) : String(error);
    process.stderr.write(`dilly-nav: ${message}\n`);
    process.exitCode = reason && USAGE.has(reason) ? 2 : 1;
  }
}
