// The machine behind the server, when it is this one.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "service/service.h"
#include "service/worker.h"

namespace sputnik::service {

struct LocalServiceOptions {
  Worker::Options worker;
  // Where detached generations are journalled, so that they go on after a crash; empty: nowhere.
  std::filesystem::path journals;
  int keep_s = 600;  // how long an ended generation can still be read
};

class LocalService final : public Service {
 public:
  // Takes up what the journals tell of. A journal that cannot be read, or is of another model, is
  // set aside and said to log. kIo: the folder of journals cannot be made.
  static Result<std::unique_ptr<LocalService>> create(std::unique_ptr<ServedModel> model,
                                                      LocalServiceOptions options);
  ~LocalService() override;

  std::vector<ModelCard> models() const override;
  Result<ModelCard> model(std::string_view name) const override;
  Result<std::shared_ptr<Generation>> generate(GenerateRequest request) override;
  Result<std::shared_ptr<Generation>> find(std::string_view id) const override;
  int retry_after_s() const override { return worker_->retry_after_s(); }
  Result<std::int64_t> count_tokens(const GenerateRequest& request) const override;
  Result<Embedding> embed(std::string_view text, std::string_view model) override;

  EngineStats stats() const { return worker_->stats(); }
  const ServedModel& served_model() const { return *model_; }

 private:
  struct Kept {
    std::shared_ptr<LocalGeneration> generation;
    bool detached = false;
    std::int64_t ended_s = 0;  // 0: goes on
    std::filesystem::path journal;
  };

  LocalService(std::unique_ptr<ServedModel> model, LocalServiceOptions options);
  Result<void> resume_all();
  Result<void> resume(const std::filesystem::path& path);
  std::unique_ptr<Job> make_job(GenerateRequest request, Prepared prepared, GenerationInfo info);
  void keep(const Job& job, std::filesystem::path journal);
  void forget_old() const;

  const LocalServiceOptions options_;
  std::unique_ptr<ServedModel> model_;
  std::unique_ptr<Worker> worker_;
  mutable std::mutex mutex_;  // of kept_
  mutable std::map<std::string, Kept, std::less<>> kept_;
};

}  // namespace sputnik::service
