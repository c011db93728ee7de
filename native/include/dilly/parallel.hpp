// A small pool that runs numbered blocks. What a block computes must not depend on who runs it, so that
// results are the same for any number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace dilly {

class ThreadPool {
 public:
  explicit ThreadPool(int threads = 1) { resize(threads); }
  ~ThreadPool() { stop(); }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Threads that work on one run, the caller's included. Waits for a run under way.
  void resize(int threads) {
    std::lock_guard<std::mutex> turn(turn_);
    stop();
    stopping_ = false;
    for (int i = 1; i < threads; i++) workers_.emplace_back([this, seen = job_.round] { serve(seen); });
  }

  // Calls task(0) … task(count − 1), each once, and returns when all are done. Runs alone while another run
  // holds the workers, so that two callers never wait for each other.
  void run(std::size_t count, const std::function<void(std::size_t)>& task) {
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (!turn.owns_lock() || workers_.empty() || count < 2) {
      for (std::size_t i = 0; i < count; i++) task(i);
      return;
    }
    Job job;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      job_ = job = {&task, static_cast<std::uint32_t>(count), job_.round + 1};
      finished_.store(0, std::memory_order_relaxed);
      ticket_.store(std::uint64_t{job.round} << 32, std::memory_order_release);
    }
    wake_.notify_all();
    work(job);
    // A worker that has not woken up yet finds nothing to do: it is not waited for.
    const auto all_done = [&] { return finished_.load(std::memory_order_acquire) == job.count; };
    for (int spin = 0; spin < kSpins && !all_done(); spin++) relax();
    if (all_done()) return;
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, all_done);
  }

 private:
  // One run. Its tasks are handed out by `ticket_`: the round in the upper half, the next task in the lower.
  struct Job {
    const std::function<void(std::size_t)>* task = nullptr;
    std::uint32_t count = 0, round = 0;
  };

  // Rounds follow each other within microseconds, and a sleeping thread takes tens of them to wake up: so
  // long (about 30 µs) it is looked for the next one before going to sleep.
  static constexpr int kSpins = 1000;

  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  void work(const Job& job) {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (ticket >> 32 == job.round && static_cast<std::uint32_t>(ticket) < job.count) {
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
      (*job.task)(static_cast<std::uint32_t>(ticket));
      if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 == job.count) {
        std::lock_guard<std::mutex> lock(mutex_);
        done_.notify_one();
      }
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }

  // `seen` is the round before the worker's first: fixed by its maker, so that a slow start misses nothing.
  void serve(std::uint32_t seen) {
    for (;;) {
      for (int spin = 0; spin < kSpins && ticket_.load(std::memory_order_acquire) >> 32 == seen; spin++)
        relax();
      Job job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || job_.round != seen; });
        if (stopping_) return;
        job = job_;
      }
      seen = job.round;
      work(job);
    }
  }

  void stop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  Job job_;
  std::atomic<std::uint64_t> ticket_{0};
  std::atomic<std::uint32_t> finished_{0};
  bool stopping_ = false;
};

// Set from any thread; long loops look at it between blocks.
using CancelFlag = std::atomic<bool>;

inline bool is_cancelled(const CancelFlag* flag) {
  return flag && flag->load(std::memory_order_relaxed);
}

}  // namespace dilly
