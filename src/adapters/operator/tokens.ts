import { createPublicKey, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, errors, importJWK, jwtVerify, SignJWT } from 'jose';
import { Refusal } from '../../types.ts';
import type { Role } from './wire.ts';

/** Asymmetric only: the robot holds nothing that could sign a token. */
const ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'RS256', 'PS256'];
/** Of clocks of the robot and of whoever signs, s. */
const CLOCK_TOLERANCE = 5;

/** Who somebody is, as a token says. */
export interface Identity {
  readonly subject: string;
  readonly role: Role;
  /** ms since the Unix epoch */
  readonly expiresMs: number;
}

type Keys = ReturnType<typeof createLocalJWKSet> | KeyObject;

/** Checks tokens: JWT (RFC 7519) with `sub`, `role` (`viewer`, `operator`), `aud` (the robot), `exp`. */
export class TokenCheck {
  readonly #keys: Keys;
  readonly #robot: string;

  /** `keys`: text of a JWKS (RFC 7517) or a PEM public key. Throws a Refusal `bad-config`. */
  constructor(keys: string, robot: string) {
    this.#robot = robot;
    try {
      this.#keys = keys.trimStart().startsWith('{')
        ? createLocalJWKSet(JSON.parse(keys))
        : createPublicKey(keys);
    } catch (error) {
      throw new Refusal(
        'bad-config',
        `operator.keysFile: expected a JWKS or a PEM public key, found neither (${(error as Error).message})`,
      );
    }
  }

  /** Rejects with a Refusal `no-token`, `expired-token`, `wrong-robot`, `bad-role` or `bad-token`. */
  async identify(token: string | undefined, nowMs: number): Promise<Identity> {
    if (!token)
      throw new Refusal('no-token', 'expected a token, found none; ask for one and open the page with it');
    const { sub, role, exp } = await this.#verify(token, nowMs);
    if (typeof sub !== 'string' || sub === '' || sub.length > 128)
      throw new Refusal('bad-token', 'expected a token with the name of a person (sub), found none');
    if (role !== 'viewer' && role !== 'operator')
      throw new Refusal('bad-role', 'expected a token with role viewer or operator, found another');
    return { subject: sub, role, expiresMs: exp! * 1000 };
  }

  async #verify(token: string, nowMs: number) {
    const options = {
      algorithms: ALGORITHMS,
      audience: this.#robot,
      requiredClaims: ['sub', 'exp', 'aud'],
      currentDate: new Date(nowMs),
      clockTolerance: CLOCK_TOLERANCE,
    };
    try {
      const keys = this.#keys;
      const verified =
        typeof keys === 'function'
          ? await jwtVerify(token, keys, options)
          : await jwtVerify(token, keys, options);
      return verified.payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        throw new Refusal('expired-token', 'the token has expired; ask for a new one');
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
        throw new Refusal('wrong-robot', 'the token is for another robot; ask for one for this robot');
      throw new Refusal('bad-token', 'expected a token signed by a known key, found another');
    }
  }
}

/** A token for tests, demonstrations and `operator token`. `key`: a private key as JWK. */
export async function signToken(
  key: Record<string, unknown>,
  claims: {
    readonly subject: string;
    readonly role: string;
    readonly robot: string;
    readonly expiresMs: number;
  },
): Promise<string> {
  const alg = typeof key.alg === 'string' ? key.alg : 'EdDSA';
  return new SignJWT({ role: claims.role })
    .setProtectedHeader({ alg, ...(typeof key.kid === 'string' && { kid: key.kid }) })
    .setSubject(claims.subject)
    .setAudience(claims.robot)
    .setIssuedAt()
    .setExpirationTime(Math.floor(claims.expiresMs / 1000))
    .sign(await importJWK(key, alg));
}
