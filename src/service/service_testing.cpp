#include "service/service_testing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "chat/encode.h"

namespace sputnik::service {

namespace fs = std::filesystem;

std::unique_ptr<ServedModel> open_served_model(const std::string& path,
                                               const EngineOptions& engine) {
  const fs::path file = fs::path(SPUTNIK_SOURCE_DIR) / path;
  LoadedModel loaded = load_model(file).value();
  Tokenizer tokenizer = Tokenizer::load(file).value();
  const auto chat_template =
      chat::choose_template(tokenizer, loaded.info.architecture, loaded.info.name).value();
  auto model = std::make_unique<ServedModel>(std::move(loaded), std::move(tokenizer), chat_template,
                                             model_digest(file).value(), file);
  const auto started = model->start_engine(engine);
  EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().message);
  return model;
}

std::unique_ptr<LocalService> open_service(const TestServiceOptions& options) {
  auto service =
      LocalService::create(open_served_model(options.model, options.engine), options.service);
  EXPECT_TRUE(service.ok()) << (service.ok() ? "" : service.error().message);
  return std::move(service).value();
}

GenerateRequest ask(std::string question, std::uint64_t seed) {
  GenerateRequest request;
  ChatInput chat;
  chat.messages.push_back(chat::make_message(chat::Role::kUser, std::move(question)));
  request.input = std::move(chat);
  request.sampling.seed = seed;
  return request;
}

ChatInput& chat_of(GenerateRequest& request) {
  return std::get<ChatInput>(request.input);
}

Outcome read_to_end(Generation& generation) {
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = true;
  const auto subscription = generation.subscribe([&] {
    const std::lock_guard lock(mutex);
    woken = true;
    changed.notify_all();
  });
  Outcome outcome;
  std::size_t next = 0;
  for (bool ended = false; !ended;) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return woken; });
      woken = false;
    }
    next = generation.events(next, outcome.events);
    ended = !outcome.events.empty() && (outcome.events.back().kind == Event::Kind::kDone ||
                                        outcome.events.back().kind == Event::Kind::kFailed);
  }
  for (const Event& event : outcome.events) {
    const auto choice = static_cast<std::size_t>(event.choice);
    if (outcome.contents.size() <= choice) {
      outcome.contents.resize(choice + 1);
      outcome.finishes.resize(choice + 1);
    }
    if (event.kind == Event::Kind::kContent) outcome.contents[choice] += event.text;
    if (event.kind == Event::Kind::kReasoning && choice == 0) outcome.reasoning += event.text;
    if (event.kind == Event::Kind::kFinished) outcome.finishes[choice] = event.finish;
    if (event.error) outcome.error = event.error;
  }
  outcome.content = outcome.contents[0];
  outcome.finish = outcome.finishes[0];
  return outcome;
}

Outcome run_request(Service& service, GenerateRequest request) {
  auto generation = service.generate(std::move(request));
  EXPECT_TRUE(generation.ok()) << (generation.ok() ? "" : generation.error().message);
  return read_to_end(*generation.value());
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "sputnik-service-XXXXXX").string();
  path_ = ::mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace sputnik::service
