// The little linear algebra that registration needs: rotations, rigid transforms, symmetric eigenproblems.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

namespace dilly {

using Vec3 = std::array<double, 3>;
using Mat3 = std::array<double, 9>;  // row-major

// Unit quaternion x y z w, ROS order.
struct Quat {
  double x = 0, y = 0, z = 0, w = 1;
};

// T_a_b: takes points of b to a.
struct Pose {
  Vec3 t{0, 0, 0};
  Quat q;
};

inline Quat normalized(const Quat& q) {
  const double n = std::sqrt(q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w);
  return {q.x / n, q.y / n, q.z / n, q.w / n};
}

inline Quat multiply(const Quat& a, const Quat& b) {
  return {a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
          a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w, a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z};
}

// How far at most a point within `arm` of the origin moves from one pose to the other, nearly.
inline double way_between(const Pose& a, const Pose& b, double arm) {
  double shift2 = 0;
  for (int k = 0; k < 3; k++) shift2 += (a.t[k] - b.t[k]) * (a.t[k] - b.t[k]);
  const double dot = a.q.x * b.q.x + a.q.y * b.q.y + a.q.z * b.q.z + a.q.w * b.q.w;
  return std::sqrt(shift2) + arm * 2 * std::sqrt(std::max(0.0, 1 - dot * dot));
}

inline Quat conjugate(const Quat& q) {
  return {-q.x, -q.y, -q.z, q.w};
}

inline Mat3 rotation(const Quat& q) {
  const double xx = q.x * q.x, yy = q.y * q.y, zz = q.z * q.z, xy = q.x * q.y, xz = q.x * q.z, yz = q.y * q.z,
               wx = q.w * q.x, wy = q.w * q.y, wz = q.w * q.z;
  return {1 - 2 * (yy + zz), 2 * (xy - wz), 2 * (xz + wy), 2 * (xy + wz),    1 - 2 * (xx + zz),
          2 * (yz - wx),     2 * (xz - wy), 2 * (yz + wx), 1 - 2 * (xx + yy)};
}

inline Vec3 multiply(const Mat3& m, const Vec3& v) {
  return {m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
          m[6] * v[0] + m[7] * v[1] + m[8] * v[2]};
}

// exp: rotation vector (rad) to quaternion.
inline Quat exp_so3(const Vec3& v) {
  const double angle = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  const double s = angle < 1e-8 ? 0.5 - angle * angle / 48 : std::sin(angle / 2) / angle;
  return {s * v[0], s * v[1], s * v[2], std::cos(angle / 2)};
}

// log: quaternion to rotation vector of at most π.
inline Vec3 log_so3(const Quat& q) {
  const double sign = q.w < 0 ? -1 : 1;
  const double n = std::sqrt(q.x * q.x + q.y * q.y + q.z * q.z);
  const double s = n < 1e-12 ? 2 * sign : 2 * std::atan2(n, sign * q.w) / n * sign;
  return {s * q.x, s * q.y, s * q.z};
}

inline Pose compose(const Pose& a, const Pose& b) {
  const Vec3 moved = multiply(rotation(a.q), b.t);
  return {{a.t[0] + moved[0], a.t[1] + moved[1], a.t[2] + moved[2]}, normalized(multiply(a.q, b.q))};
}

// Eigenvalues ascending and unit eigenvectors (row i belongs to value i) of a symmetric N × N matrix: cyclic
// Jacobi, Golub & Van Loan, Matrix Computations, 8.5.
template <int N>
struct Eigen {
  std::array<double, N> values;
  std::array<double, N * N> vectors;
};

template <int N>
Eigen<N> eigen_symmetric(std::array<double, N * N> a) {
  std::array<double, N * N> v{};
  for (int i = 0; i < N; i++) v[i * N + i] = 1;
  for (int sweep = 0; sweep < 30; sweep++) {
    double off = 0, diagonal = 0;
    for (int i = 0; i < N; i++) {
      diagonal += a[i * N + i] * a[i * N + i];
      for (int j = i + 1; j < N; j++) off += a[i * N + j] * a[i * N + j];
    }
    if (off <= 1e-28 * diagonal) break;
    for (int p = 0; p < N; p++) {
      for (int q = p + 1; q < N; q++) {
        const double apq = a[p * N + q];
        if (apq == 0) continue;
        const double theta = (a[q * N + q] - a[p * N + p]) / (2 * apq);
        const double t = (theta >= 0 ? 1 : -1) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < N; k++) {
          const double akp = a[k * N + p], akq = a[k * N + q];
          a[k * N + p] = c * akp - s * akq;
          a[k * N + q] = s * akp + c * akq;
        }
        for (int k = 0; k < N; k++) {
          const double apk = a[p * N + k], aqk = a[q * N + k];
          a[p * N + k] = c * apk - s * aqk;
          a[q * N + k] = s * apk + c * aqk;
          const double vpk = v[p * N + k], vqk = v[q * N + k];
          v[p * N + k] = c * vpk - s * vqk;
          v[q * N + k] = s * vpk + c * vqk;
        }
      }
    }
  }
  std::array<int, N> order;
  for (int i = 0; i < N; i++) order[i] = i;
  for (int i = 1; i < N; i++)
    for (int j = i; j > 0 && a[order[j] * N + order[j]] < a[order[j - 1] * N + order[j - 1]]; j--)
      std::swap(order[j], order[j - 1]);
  Eigen<N> result;
  for (int i = 0; i < N; i++) {
    result.values[i] = a[order[i] * N + order[i]];
    for (int k = 0; k < N; k++) result.vectors[i * N + k] = v[order[i] * N + k];
  }
  return result;
}

}  // namespace dilly
