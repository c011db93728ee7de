// Runs work on a worker thread and settles a promise with what came out. Arguments that the work borrows are
// kept.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "convert.hpp"
#include "dilly/parallel.hpp"

namespace dilly::binding {

template <class T>
class Async : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result<T>()>;
  using Convert = std::function<Napi::Value(Napi::Env, T&)>;

  // `keep`: JavaScript objects whose memory the work reads. Work whose `cancel` (may be null) was set while
  // it waited for a thread is not done.
  static Napi::Promise start(Napi::Env env, std::vector<Napi::Object> keep,
                             std::shared_ptr<const CancelFlag> cancel, Work work, Convert convert) {
    auto* worker = new Async(env, std::move(cancel), std::move(work),
                             std::move(convert));  // node-addon-api deletes it when done
    for (const Napi::Object& object : keep) worker->kept_.push_back(Napi::Persistent(object));
    worker->Queue();
    return worker->deferred_.Promise();
  }

 protected:
  void Execute() override {
    if (is_cancelled(cancel_.get())) {
      result_.emplace(Error{"cancelled", "cancelled before it began"});
    } else {
      result_.emplace(work_());
    }
  }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    if (result_->ok()) {
      deferred_.Resolve(convert_(Env(), result_->value()));
    } else {
      deferred_.Reject(refusal(Env(), result_->error()).Value());
    }
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Async(Napi::Env env, std::shared_ptr<const CancelFlag> cancel, Work work, Convert convert)
      : AsyncWorker(env),
        deferred_(env),
        cancel_(std::move(cancel)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<const CancelFlag> cancel_;
  Work work_;
  Convert convert_;
  std::optional<Result<T>> result_;
  std::vector<Napi::ObjectReference> kept_;
};

inline Napi::Promise rejected(Napi::Env env, const Error& error) {
  Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(refusal(env, error).Value());
  return deferred.Promise();
}

}  // namespace dilly::binding
