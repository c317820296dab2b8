#include "server/common/embed_source.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace sputnik::server {
namespace {

constexpr std::size_t kMaxWaiting = 64;

// One request, known to its source and to the worker.
struct Task {
  std::vector<std::string> texts;
  std::string model;
  std::atomic<bool> is_dropped = false;

  std::mutex mutex;
  std::function<void()> wake;  // guarded, as what follows
  std::optional<Error> error;
  std::vector<service::Embedding> embeddings;
  bool is_done = false;
};

void compute(service::Service& service, Task& task) {
  std::vector<service::Embedding> embeddings;
  std::optional<Error> error;
  for (std::size_t i = 0; i < task.texts.size() && !error; ++i) {
    if (task.is_dropped) return;
    auto embedding = service.embed(task.texts[i], task.model);
    if (embedding.ok()) {
      embeddings.push_back(std::move(embedding).value());
    } else {
      error = std::move(embedding).error().in(fmt::format("input[{}]", i));
    }
  }
  const std::lock_guard lock(task.mutex);
  task.embeddings = std::move(embeddings);
  task.error = std::move(error);
  task.is_done = true;
  if (task.wake) task.wake();
}

class EmbedSource final : public ReplySource {
 public:
  EmbedSource(std::shared_ptr<Task> task, EmbedWorker::Render render, Protocol protocol)
      : task_(std::move(task)), render_(std::move(render)), protocol_(protocol) {}

  ~EmbedSource() override {
    task_->is_dropped = true;
    const std::lock_guard lock(task_->mutex);
    task_->wake = nullptr;
  }

  State poll(ResponseHead& head, std::string& body) override {
    const std::lock_guard lock(task_->mutex);
    if (!task_->is_done) return State::kWaiting;
    if (task_->error) {
      Reply reply = error_reply(protocol_, *task_->error);
      head.status = reply.head.status;
      body += reply.body;
    } else {
      body += render_(task_->embeddings);
    }
    return State::kDone;
  }

  void set_wake(std::function<void()> wake) override {
    const std::lock_guard lock(task_->mutex);
    task_->wake = std::move(wake);
  }
  std::string_view keep_alive() const override { return "\n"; }

 private:
  std::shared_ptr<Task> task_;
  EmbedWorker::Render render_;
  Protocol protocol_;
};

}  // namespace

struct EmbedWorker::Shared {
  service::Service& service;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Task>> waiting;  // guarded
  bool is_ending = false;                     // guarded
  std::thread thread;

  explicit Shared(service::Service& of) : service(of), thread([this] { run(); }) {}

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return is_ending || !waiting.empty(); });
      if (is_ending) return;
      const std::shared_ptr<Task> task = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      compute(service, *task);
      lock.lock();
    }
  }
};

EmbedWorker::EmbedWorker(service::Service& service) : shared_(std::make_unique<Shared>(service)) {}

EmbedWorker::~EmbedWorker() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_ending = true;
  }
  shared_->changed.notify_all();
  shared_->thread.join();
}

Reply EmbedWorker::reply(std::vector<std::string> texts, std::string model, Render render,
                         Protocol protocol) {
  const auto card = shared_->service.model(model);
  if (!card.ok()) return error_reply(protocol, card.error());
  auto task = std::make_shared<Task>();
  task->texts = std::move(texts);
  task->model = std::move(model);
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->waiting.size() >= kMaxWaiting) {
      return error_reply(
          protocol, exhausted("{} requests for embeddings wait already", shared_->waiting.size()),
          shared_->service.retry_after_s());
    }
    shared_->waiting.push_back(task);
  }
  shared_->changed.notify_one();
  Reply reply;
  reply.source = std::make_unique<EmbedSource>(std::move(task), std::move(render), protocol);
  return reply;
}

}  // namespace sputnik::server
