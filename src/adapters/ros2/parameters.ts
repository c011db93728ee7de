import { parse } from 'yaml';

/** Parameters that ROS 2 itself keeps on every node. */
const NOT_OURS = /^(?:use_sim_time|start_type_description_service|qos_overrides\..*|config)$/;

/**
 * ROS parameters as a configuration tree, to be checked by the schema. Integers come as bigint from YAML; lists come as
 * typed arrays; what ROS parameters cannot hold (lists of objects, empty lists) is given as YAML text beginning with
 * `[` or `{`.
 */
export function configFromParameters(parameters: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(parameters)) {
    if (NOT_OURS.test(path)) continue;
    const keys = path.split('.');
    let at = root;
    for (const key of keys.slice(0, -1)) {
      // `a` and `a.b` both given: the schema then says what is wrong with `a`.
      if (typeof at[key] !== 'object' || at[key] === null) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    Object.defineProperty(at, keys.at(-1)!, {
      value: plain(value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return root;
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (ArrayBuffer.isView(value) || Array.isArray(value))
    return Array.from(value as ArrayLike<unknown>, plain);
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return parse(value);
  } catch {
    return value;
  }
}
