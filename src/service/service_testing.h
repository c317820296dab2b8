// For tests: a service over a model that lies in the repository, and generations read to their end.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "service/local_service.h"

namespace sputnik::service {

// Conversations of the shipped model: tiny, quick, and it thinks.
inline const char* const kShipped = "models/sputnik-1/sputnik-1.gguf";

struct TestServiceOptions {
  std::string model = kShipped;
  EngineOptions engine;
  LocalServiceOptions service;
  TestServiceOptions() {
    engine.n_threads = 2;
    engine.max_sequences = 4;
  }
};

std::unique_ptr<ServedModel> open_served_model(const std::string& path,
                                               const EngineOptions& engine);
std::unique_ptr<LocalService> open_service(const TestServiceOptions& options = {});

// A question with a seed.
GenerateRequest ask(std::string question, std::uint64_t seed = 1);
ChatInput& chat_of(GenerateRequest& request);

struct Outcome {
  std::string reasoning, content;
  std::vector<Event> events;
  Finish finish = Finish::kStop;  // of the first answer
  std::vector<Finish> finishes;   // of all, by number
  std::vector<std::string> contents;
  std::optional<Error> error;
};

// Waits for the end.
Outcome read_to_end(Generation& generation);
Outcome run_request(Service& service, GenerateRequest request);

// A folder that is gone afterwards.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sputnik::service
