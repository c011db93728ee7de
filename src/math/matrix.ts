import { copyOf, zeros } from './scratch.ts';

/** Small dense matrices as row-major Float64Array, for the covariances of the filter; in the memory of a `tidy`. */

/** The n × n identity. */
export function identityMatrix(n: number): Float64Array {
  const out = zeros(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}

/** A (m × n) · B (n × p). */
export function multiply(a: Float64Array, b: Float64Array, m: number, n: number, p: number): Float64Array {
  const out = zeros(m * p);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < n; k++) {
      const aik = a[i * n + k]!;
      // Most blocks of a transition or measurement matrix are zero.
      if (aik === 0) continue;
      for (let j = 0; j < p; j++) out[i * p + j]! += aik * b[k * p + j]!;
    }
  }
  return out;
}

/** A P Aᵀ of A (m × n) and symmetric P (n × n); exactly symmetric. */
export function sandwich(a: Float64Array, p: Float64Array, m: number, n: number): Float64Array {
  const ap = multiply(a, p, m, n, n);
  const out = zeros(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = i; j < m; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += ap[i * n + k]! * a[j * n + k]!;
      out[i * m + j] = sum;
      out[j * m + i] = sum;
    }
  }
  return out;
}

/** a + b, of one shape. */
export function sum(a: Float64Array, b: Float64Array): Float64Array {
  const out = copyOf(a);
  for (let i = 0; i < out.length; i++) out[i]! += b[i]!;
  return out;
}

/** Lower L with L Lᵀ = S (n × n), or undefined where S is not positive definite. */
export function cholesky(s: Float64Array, n: number): Float64Array | undefined {
  const l = zeros(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = s[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      if (i !== j) l[i * n + j] = sum / l[j * n + j]!;
      else if (sum > 0) l[i * n + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return l;
}

/** X with L Lᵀ X = B, B of n × p. */
export function choleskySolve(l: Float64Array, b: Float64Array, n: number, p: number): Float64Array {
  const x = copyOf(b);
  for (let c = 0; c < p; c++) {
    for (let i = 0; i < n; i++) {
      let sum = x[i * p + c]!;
      for (let k = 0; k < i; k++) sum -= l[i * n + k]! * x[k * p + c]!;
      x[i * p + c] = sum / l[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = x[i * p + c]!;
      for (let k = i + 1; k < n; k++) sum -= l[k * n + i]! * x[k * p + c]!;
      x[i * p + c] = sum / l[i * n + i]!;
    }
  }
  return x;
}

/** bᵀ (L Lᵀ)⁻¹ b: the squared Mahalanobis length of b. */
export function mahalanobisSquared(l: Float64Array, b: Float64Array): number {
  const x = choleskySolve(l, b, b.length, 1);
  return b.reduce((sum, value, i) => sum + value * x[i]!, 0);
}

/** Writes a 3 × 3 row-major `block` times `factor` at (row, column) of a matrix `stride` wide. */
export function setBlock(
  out: Float64Array,
  stride: number,
  row: number,
  column: number,
  block: readonly number[],
  factor = 1,
): void {
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) out[(row + i) * stride + column + j] = factor * block[3 * i + j]!;
  }
}

/** Of rows × columns, row-major. */
export function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const out = zeros(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!;
  return out;
}
