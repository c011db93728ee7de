import { type Command, InvalidArgumentError, Option } from 'commander';
import { signToken } from '../adapters/operator/tokens.ts';
import { addMapKeygen, readKey } from './map-sign.ts';
import { answer, type CommonOptions, openSession, withCommonOptions } from './shared.ts';

interface TokenOptions extends CommonOptions {
  readonly key: string;
  readonly name: string;
  readonly role: 'viewer' | 'operator';
  readonly hours: number;
}

/** A lost token opens the robot until it ends: a month at most. */
const MOST_HOURS = 31 * 24;

export function addOperator(program: Command): void {
  const operator = program.command('operator').description('keys and tokens of remote operators');
  addMapKeygen(operator);
  withCommonOptions(operator.command('token'))
    .description(
      'sign a token for a person: it opens the robot whose operator.robot and operator.keysFile fit',
    )
    .requiredOption('--key <file>', 'private Ed25519 key, PEM (see operator keygen)')
    .requiredOption('--name <name>', 'of the person, as others see it', nameOf)
    .addOption(
      new Option('--role <role>', 'viewers see, operators also take control')
        .choices(['viewer', 'operator'])
        .default('viewer'),
    )
    .option('--hours <n>', 'valid for so long', hoursOf, 12)
    .action(async (options: TokenOptions) => {
      const { config } = await openSession(options);
      const { robot, host, port } = config.operator;
      const key = await readKey(options.key, 'private');
      const expiresMs = Date.now() + 3_600_000 * options.hours;
      const { name, role } = options;
      const claims = { subject: name, role, robot, expiresMs };
      const token = await signToken(key.export({ format: 'jwk' }) as Record<string, unknown>, claims);
      const expires = new Date(expiresMs).toISOString();
      process.stderr.write(
        `${name} (${role}) at ${robot} until ${expires}; the page: http://${host}:${port}/#token=TOKEN\n`,
      );
      answer(options, { token, name, role, robot, expires }, token);
    });
}

function nameOf(text: string): string {
  if (text.trim() === text && text.length > 0 && text.length <= 128) return text;
  throw new InvalidArgumentError('expected 1 to 128 characters without space at the ends');
}

function hoursOf(text: string): number {
  const hours = Number(text);
  if (hours > 0 && hours <= MOST_HOURS) return hours;
  throw new InvalidArgumentError(`expected hours above 0, up to ${MOST_HOURS}, found ${text}`);
}
