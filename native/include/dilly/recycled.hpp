// Memory for what every scan needs again. Fresh pages cost a fault every 4 kB, which took more time than the
// work done in them (native/README.md): large blocks are kept when they are given back.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace dilly {

namespace detail {

constexpr std::size_t kSmallestKept = std::size_t{1} << 16, kLargestKept = std::size_t{1} << 23;  // bytes
// Six clouds of 120,000 points with what they were decoded from.
constexpr std::size_t kMostKept = std::size_t{32} << 20;

// Blocks of powers of two bytes, the last given back first.
class BlockPool {
 public:
  // Never destroyed: clouds may outlive every static.
  static BlockPool& shared() {
    static BlockPool* const pool = new BlockPool;
    return *pool;
  }

  void* take(std::size_t bytes) {
    const int kind = kind_of(bytes);
    if (kind < 0) return ::operator new(bytes);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      std::vector<void*>& blocks = free_[kind];
      if (!blocks.empty()) {
        void* const block = blocks.back();
        blocks.pop_back();
        kept_ -= size_of_kind(kind);
        return block;
      }
    }
    return ::operator new(size_of_kind(kind));
  }

  void give(void* block, std::size_t bytes) noexcept {
    const int kind = kind_of(bytes);
    if (kind >= 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      if (kept_ + size_of_kind(kind) <= kMostKept) {
        free_[kind].push_back(block);  // room for all was reserved
        kept_ += size_of_kind(kind);
        return;
      }
    }
    ::operator delete(block);
  }

 private:
  static constexpr int kKinds = 8;

  BlockPool() {
    for (int kind = 0; kind < kKinds; kind++) free_[kind].reserve(kMostKept / size_of_kind(kind));
  }

  static constexpr std::size_t size_of_kind(int kind) { return kSmallestKept << kind; }

  // −1: too small to gain by it, or too large to be kept. Nothing is kept from a sanitizer, which would not
  // see what is used after it was given back.
  static int kind_of(std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    return -1;
#endif
    if (bytes < kSmallestKept || bytes > kLargestKept) return -1;
    int kind = 0;
    while (size_of_kind(kind) < bytes) kind++;
    return kind;
  }

  std::mutex mutex_;
  std::vector<void*> free_[kKinds];
  std::size_t kept_ = 0;
};

static_assert((kSmallestKept << 7) == kLargestKept);

}  // namespace detail

// Leaves numbers uninitialised on resize: every array is written whole right after, and zeroing would cost a
// pass. Large blocks are recycled.
template <class T>
struct RecyclingAllocator {
  using value_type = T;
  RecyclingAllocator() = default;
  template <class U>
  RecyclingAllocator(const RecyclingAllocator<U>&) {}
  T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(detail::BlockPool::shared().take(n * sizeof(T)));
  }
  void deallocate(T* place, std::size_t n) noexcept {
    detail::BlockPool::shared().give(place, n * sizeof(T));
  }
  template <class U>
  void construct(U* place) {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Args>
  void construct(U* place, Args&&... args) {
    ::new (static_cast<void*>(place)) U(std::forward<Args>(args)...);
  }
  friend bool operator==(const RecyclingAllocator&, const RecyclingAllocator&) { return true; }
  friend bool operator!=(const RecyclingAllocator&, const RecyclingAllocator&) { return false; }
};

template <class T>
using Recycled = std::vector<T, RecyclingAllocator<T>>;

using FloatBuffer = Recycled<float>;
using DoubleBuffer = Recycled<double>;

}  // namespace dilly
