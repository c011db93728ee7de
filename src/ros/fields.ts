import { quatNormalize } from '../math/so3.ts';
import { type Quat, Refusal, type Stamp, type Vec3 } from '../types.ts';

/** How far from length 1 a quaternion may be: senders round to float32 or to three decimals. */
const UNIT_TOLERANCE = 2e-3;

/** Checked access to a decoded message. Every method throws a Refusal that names the field's path. */
export class Fields {
  readonly #object: Record<string, unknown>;
  readonly #path: string;

  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null) {
      throw new Refusal(
        'wrong-field-type',
        `expected ${path || 'the message'} to be a message, found ${describe(value)}`,
      );
    }
    this.#object = value as Record<string, unknown>;
    this.#path = path;
  }

  child(name: string): Fields {
    return new Fields(this.#object[name], this.path(name));
  }

  children(name: string): Fields[] {
    const value = this.#object[name];
    if (!Array.isArray(value)) this.#wrongType(name, 'a sequence of messages');
    return value.map((item, i) => new Fields(item, `${this.path(name)}[${i}]`));
  }

  text(name: string): string {
    const value = this.#object[name];
    if (typeof value !== 'string') this.#wrongType(name, 'text');
    return value;
  }

  flag(name: string): boolean {
    const value = this.#object[name];
    if (typeof value !== 'boolean') this.#wrongType(name, 'a bool');
    return value;
  }

  /** Any number, NaN too. */
  number(name: string): number {
    const value = this.#object[name];
    if (typeof value !== 'number') this.#wrongType(name, 'a number');
    return value;
  }

  finite(name: string): number {
    const value = this.number(name);
    if (!Number.isFinite(value)) this.#notFinite(name, value);
    return value;
  }

  /** `length` numbers, which may be NaN where the message's own flags say so. */
  numbers(name: string, length: number): number[] {
    const value = this.#object[name];
    const values =
      Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value as ArrayLike<unknown>) : [];
    if (values.length !== length || values.some((item) => typeof item !== 'number')) {
      this.#wrongType(name, `${length} numbers`);
    }
    return values as number[];
  }

  bytes(name: string): Uint8Array {
    const value = this.#object[name];
    if (!(value instanceof Uint8Array)) this.#wrongType(name, 'bytes');
    return value;
  }

  vector(name: string): Vec3 {
    const v = this.child(name);
    return [v.finite('x'), v.finite('y'), v.finite('z')];
  }

  /** A unit quaternion; its bits are kept if it is one to double precision. */
  quaternion(name: string): Quat {
    const q = this.#rawQuaternion(name);
    const squared = q[0] ** 2 + q[1] ** 2 + q[2] ** 2 + q[3] ** 2;
    if (Math.abs(Math.sqrt(squared) - 1) > UNIT_TOLERANCE) {
      throw new Refusal(
        'bad-quaternion',
        `expected ${this.path(name)} of length 1, found ${Math.sqrt(squared)}`,
      );
    }
    return Math.abs(squared - 1) < 1e-12 ? q : quatNormalize(q);
  }

  /** Checks a quaternion for which all zeros mean "unknown". */
  quaternionOrUnknown(name: string): void {
    if (this.#rawQuaternion(name).some((component) => component !== 0)) this.quaternion(name);
  }

  /** `builtin_interfaces/Time` of ROS 2 and `time` of ROS 1. */
  stamp(name: string): Stamp {
    const time = this.child(name);
    const seconds = time.number('sec');
    const nanoseconds = time.number('nanosec' in time.#object ? 'nanosec' : 'nsec');
    if (!(nanoseconds >= 0 && nanoseconds < 1e9)) {
      throw new Refusal('bad-stamp', `expected 0 … 999999999 ns in ${this.path(name)}, found ${nanoseconds}`);
    }
    return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  }

  path(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }

  #rawQuaternion(name: string): Quat {
    const q = this.child(name);
    return [q.finite('x'), q.finite('y'), q.finite('z'), q.finite('w')];
  }

  #wrongType(name: string, expected: string): never {
    const found = describe(this.#object[name]);
    throw new Refusal('wrong-field-type', `expected ${this.path(name)} to be ${expected}, found ${found}`);
  }

  #notFinite(name: string, value: number): never {
    throw new Refusal('not-finite', `expected a finite number in ${this.path(name)}, found ${value}`);
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (ArrayBuffer.isView(value) || Array.isArray(value))
    return `${(value as ArrayLike<unknown>).length} values`;
  return typeof value;
}
