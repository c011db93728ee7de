import { parse } from '@foxglove/rosmsg';

/** What became of a channel's type between two versions. */
export type SchemaChange =
  | { readonly kind: 'same' }
  /** fields were added at the end: who knows the older version reads what it knows */
  | { readonly kind: 'compatible'; readonly detail: string }
  | { readonly kind: 'incompatible'; readonly detail: string };

export interface SchemaText {
  readonly name: string;
  /** in the language ros2msg */
  readonly definition: string;
}

type Definition = ReturnType<typeof parse>[number];

/**
 * Compares two versions of a ROS 2 message. CDR has neither names nor lengths of fields: a reader of the old version
 * reads a message of the new one only where all that it knows comes first, in the same order and type.
 */
export function compareSchemas(before: SchemaText, after: SchemaText): SchemaChange {
  if (before.name !== after.name)
    return { kind: 'incompatible', detail: `expected ${before.name}, found ${after.name}` };
  if (before.definition === after.definition) return { kind: 'same' };
  let old: string[];
  let now: string[];
  try {
    [old, now] = [fieldsOf(before.definition), fieldsOf(after.definition)];
  } catch (error) {
    return { kind: 'incompatible', detail: `a definition that can be read: ${(error as Error).message}` };
  }
  const at = old.findIndex((field, k) => field !== now[k]);
  if (at >= 0)
    return {
      kind: 'incompatible',
      detail: `${after.name}: expected the field ${old[at]}, found ${now[at] ?? 'its end'}`,
    };
  if (now.length === old.length) return { kind: 'same' };
  return { kind: 'compatible', detail: `${after.name}: new at the end: ${now.slice(old.length).join(', ')}` };
}

/** Fields in the order of the wire, `type path`; constants are not on it. */
function fieldsOf(definition: string): string[] {
  const all = parse(definition, { ros2: true });
  const named = new Map(all.map((one) => [one.name, one]));
  const walk = (one: Definition, path: string): string[] =>
    one.definitions.flatMap((field) => {
      if (field.isConstant) return [];
      const name = `${path}${field.name}`;
      const array = field.isArray ? `[${field.arrayLength ?? field.arrayUpperBound ?? ''}]` : '';
      if (!field.isComplex) return [`${field.type}${array} ${name}`];
      const inner = named.get(field.type);
      if (!inner) throw new Error(`no definition of ${field.type}`);
      const fields = walk(inner, field.isArray ? '' : `${name}.`);
      return field.isArray ? [`{${fields.join(', ')}}${array} ${name}`] : fields;
    });
  return walk(all[0]!, '');
}
