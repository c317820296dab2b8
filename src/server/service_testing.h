// A machine that answers by a script, for tests of what is said about it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/common/route.h"
#include "server/http.h"
#include "service/service.h"

namespace sputnik::server {

// Events come when the test says so. One thread.
class ScriptedGeneration final : public service::Generation {
 public:
  // Adds an event and wakes who listens.
  void push(service::Event event);
  void push_all(const std::vector<service::Event>& events);

  const service::GenerationInfo& info() const override { return info_; }
  std::size_t events(std::size_t from, std::vector<service::Event>& out) const override;
  bool finished() const override;
  service::Usage usage() const override { return usage_; }
  service::Timing timing() const override { return {1, 2, 3}; }
  std::optional<service::VoteResult> vote() const override { return vote_; }
  std::string receipt() const override { return R"({"seed": 7})"; }
  Progress progress() const override { return progress_; }
  std::unique_ptr<Subscription> subscribe(std::function<void()> wake) override;
  std::shared_ptr<void> attach() override;
  void cancel() override { is_cancelled = true; }
  void set_thinking_budget(std::int64_t tokens) override { budget = tokens; }
  void answer_now() override { is_answer_wanted = true; }

  service::GenerationInfo info_ = {"gen-1", "tiny", 1700000000, "fp_1", 10};
  service::Usage usage_ = {64, 6, 5, 3};
  std::optional<service::VoteResult> vote_;
  Progress progress_;
  std::function<void()> wake_;  // of the last subscription that is still there
  int n_listeners = 0;
  bool is_cancelled = false, is_answer_wanted = false;
  std::int64_t budget = -1;

 private:
  std::vector<service::Event> events_;
};

class ScriptedService final : public service::Service {
 public:
  ScriptedService();

  std::vector<service::ModelCard> models() const override { return {card}; }
  Result<service::ModelCard> model(std::string_view name) const override;
  Result<std::shared_ptr<service::Generation>> generate(service::GenerateRequest request) override;
  Result<std::shared_ptr<service::Generation>> find(std::string_view id) const override;
  int retry_after_s() const override { return 17; }
  Result<std::int64_t> count_tokens(const service::GenerateRequest& request) const override;
  Result<service::Embedding> embed(std::string_view text, std::string_view model) override;

  service::ModelCard card;
  std::vector<service::Event> script;  // of every generation, from its beginning
  std::optional<Error> error;          // instead of a generation
  std::vector<service::GenerateRequest> requests;
  std::shared_ptr<ScriptedGeneration> generation;  // the last one
  mutable service::GenerateRequest counted;
};

service::Event reasoning_event(std::string text, int choice = 0);
service::Event content_event(std::string text, int choice = 0);
service::Event call_event(int index, std::string id, std::string name);
service::Event arguments_event(int index, std::string text);
service::Event finished_event(service::Finish finish, int choice = 0);
service::Event done_event();
service::Event failed_event(std::string message);
service::Event progress_event(std::int64_t n_done, std::int64_t n_total);

// "Hm." thought, "Hi!" said.
std::vector<service::Event> short_answer();

// A request to the route of this pattern, as the router would hand it on.
HttpRequest post(std::string body);
Reply call_route(const std::vector<Route>& routes, std::string_view method,
                 std::string_view pattern, const HttpRequest& request);

// What a reply sends until it has to wait or ends.
struct Sent {
  int status = 200;
  std::string content_type;
  std::string body;
  ReplySource::State state = ReplySource::State::kDone;
};
Sent send(Reply& reply);

// The data of each server-sent event.
std::vector<std::string> sse_data(std::string_view body);

}  // namespace sputnik::server
