// A small pool that runs numbered blocks. What a block computes must not depend on who runs it, so that
// results are the same for any number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
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
    for (int i = 1; i < threads; i++) workers_.emplace_back([this, seen = round_] { serve(seen); });
  }

  // Calls task(0) … task(count − 1), each once, and returns when all are done. Runs alone while another run
  // holds the workers, so that two callers never wait for each other.
  void run(std::size_t count, const std::function<void(std::size_t)>& task) {
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (!turn.owns_lock() || workers_.empty() || count < 2) {
      for (std::size_t i = 0; i < count; i++) task(i);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      count_ = count;
      next_ = 0;
      busy_ = workers_.size();
      round_++;
    }
    wake_.notify_all();
    work();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  void work() {
    for (std::size_t i; (i = next_.fetch_add(1)) < count_;) (*task_)(i);
  }

  // `seen` is the round before the worker's first: fixed by its maker, so that a slow start misses nothing.
  void serve(std::size_t seen) {
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || round_ != seen; });
        if (stopping_) return;
        seen = round_;
      }
      work();
      std::lock_guard<std::mutex> lock(mutex_);
      if (--busy_ == 0) done_.notify_one();
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
  const std::function<void(std::size_t)>* task_ = nullptr;
  std::size_t count_ = 0, busy_ = 0, round_ = 0;
  std::atomic<std::size_t> next_{0};
  bool stopping_ = false;
};

// Set from any thread; long loops look at it between blocks.
using CancelFlag = std::atomic<bool>;

inline bool is_cancelled(const CancelFlag* flag) {
  return flag && flag->load(std::memory_order_relaxed);
}

}  // namespace dilly
