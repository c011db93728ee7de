/**
 * Memory for the arrays of one computation, given back as a whole at its end, as `tf.tidy` of TensorFlow.js does it:
 * a filter makes tens of thousands of small matrices a second, and each Float64Array lives outside the heap of
 * JavaScript, where it is dear to make and to collect.
 */
interface Shelf {
  readonly arrays: Float64Array[];
  used: number;
}

/** by length */
const shelves = new Map<number, Shelf>();
let tidying = false;

/** `length` zeros: of the surrounding `tidy`, else memory of their own. */
export function zeros(length: number): Float64Array {
  return take(length).fill(0);
}

/** As `zeros`, with whatever was in it. */
function take(length: number): Float64Array {
  if (!tidying) return new Float64Array(length);
  let shelf = shelves.get(length);
  if (shelf === undefined) {
    shelf = { arrays: [], used: 0 };
    shelves.set(length, shelf);
  }
  const kept = shelf.arrays[shelf.used];
  shelf.used++;
  if (kept !== undefined) return kept;
  const fresh = new Float64Array(length);
  shelf.arrays.push(fresh);
  return fresh;
}

/** A copy in memory as `zeros` gives it. */
export function copyOf(values: ArrayLike<number>): Float64Array {
  const copy = take(values.length);
  copy.set(values);
  return copy;
}

/**
 * What `compute` gives. Arrays that `zeros` gave out meanwhile will be given out again: those that are to live on must
 * have been copied into others. Not to be used within itself.
 */
export function tidy<T>(compute: () => T): T {
  if (tidying) throw new Error('expected no computation in scratch memory within another: a defect');
  tidying = true;
  try {
    return compute();
  } finally {
    tidying = false;
    for (const shelf of shelves.values()) shelf.used = 0;
  }
}
