/** The part of kd-tree-javascript 1.0.3 that we use; it ships no types. */
declare module 'kd-tree-javascript' {
  interface KdTree<T extends object> {
    /** At most `maxNodes` pairs [point, distance] in no useful order; with `maxDistance`, only strictly nearer ones. */
    nearest(point: T, maxNodes: number, maxDistance?: number): [T, number][];
  }
  const library: {
    kdTree: new <T extends object>(
      points: T[],
      metric: (a: T, b: T) => number,
      dimensions: (keyof T)[],
    ) => KdTree<T>;
  };
  export = library;
}
