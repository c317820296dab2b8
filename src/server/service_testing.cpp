#include "server/service_testing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sputnik::server {

using service::Event;

void ScriptedGeneration::push(Event event) {
  events_.push_back(std::move(event));
  if (wake_) wake_();
}

void ScriptedGeneration::push_all(const std::vector<Event>& events) {
  for (const Event& event : events) push(event);
}

// Progress has no number: it is told to whoever has read all that was before it.
std::size_t ScriptedGeneration::events(std::size_t from, std::vector<Event>& out) const {
  std::size_t number = 0;
  for (const Event& event : events_) {
    if (number >= from) out.push_back(event);
    if (event.kind != Event::Kind::kProgress) ++number;
  }
  return std::max(from, number);
}

bool ScriptedGeneration::finished() const {
  return !events_.empty() &&
         (events_.back().kind == Event::Kind::kDone || events_.back().kind == Event::Kind::kFailed);
}

std::unique_ptr<service::Generation::Subscription> ScriptedGeneration::subscribe(
    std::function<void()> wake) {
  class Held final : public Subscription {
   public:
    explicit Held(ScriptedGeneration& of) : of_(of) {}
    ~Held() override { of_.wake_ = nullptr; }

   private:
    ScriptedGeneration& of_;
  };
  wake_ = std::move(wake);
  return std::make_unique<Held>(*this);
}

std::shared_ptr<void> ScriptedGeneration::attach() {
  ++n_listeners;
  return {this, [](ScriptedGeneration* of) { --of->n_listeners; }};
}

ScriptedService::ScriptedService() {
  card.id = "tiny";
  card.architecture = "deepseek_v3";
  card.family = "r1";
  card.quantization = "Q8_0";
  card.n_parameters = 1'500'000;
  card.file_bytes = 1'600'000;
  card.memory_bytes = 2'000'000;
  card.context_length = 4096;
  card.embedding_length = 2;
  card.modified_s = 1700000000;
  card.digest = std::string(64, 'a');
  card.thinks = card.can_turn_thinking_off = card.has_tools = true;
}

Result<service::ModelCard> ScriptedService::model(std::string_view name) const {
  const bool is_known = name.empty() || name == "tiny" || name.starts_with("deepseek-") ||
                        name.starts_with("claude-");
  if (!is_known) return not_found("model \"{}\": there is tiny", name);
  return card;
}

Result<std::shared_ptr<service::Generation>> ScriptedService::generate(
    service::GenerateRequest request) {
  requests.push_back(std::move(request));
  if (error) return *error;
  generation = std::make_shared<ScriptedGeneration>();
  generation->push_all(script);
  return std::shared_ptr<service::Generation>(generation);
}

Result<std::shared_ptr<service::Generation>> ScriptedService::find(std::string_view id) const {
  if (generation == nullptr || generation->info().id != id) {
    return not_found("there is no generation \"{}\"", id);
  }
  return std::shared_ptr<service::Generation>(generation);
}

Result<std::int64_t> ScriptedService::count_tokens(const service::GenerateRequest& request) const {
  counted = request;
  if (error) return *error;
  return 42;
}

Result<service::Embedding> ScriptedService::embed(std::string_view text, std::string_view) {
  if (text == "fail") return unsupported("this text cannot be embedded");
  return service::Embedding{{1, -0.5f}, static_cast<std::int64_t>(text.size())};
}

namespace {

Event event_of(Event::Kind kind, std::string text, int choice = 0) {
  Event event;
  event.kind = kind;
  event.text = std::move(text);
  event.choice = choice;
  return event;
}

}  // namespace

Event reasoning_event(std::string text, int choice) {
  return event_of(Event::Kind::kReasoning, std::move(text), choice);
}
Event content_event(std::string text, int choice) {
  return event_of(Event::Kind::kContent, std::move(text), choice);
}
Event call_event(int index, std::string id, std::string name) {
  Event event = event_of(Event::Kind::kToolCall, std::move(name));
  event.tool_index = index;
  event.tool_id = std::move(id);
  return event;
}
Event arguments_event(int index, std::string text) {
  Event event = event_of(Event::Kind::kToolArguments, std::move(text));
  event.tool_index = index;
  return event;
}
Event finished_event(service::Finish finish, int choice) {
  Event event = event_of(Event::Kind::kFinished, {}, choice);
  event.finish = finish;
  return event;
}
Event done_event() {
  return event_of(Event::Kind::kDone, {});
}
Event failed_event(std::string message) {
  Event event = event_of(Event::Kind::kFailed, {});
  event.error = Error{ErrorCode::kIo, std::move(message)};
  return event;
}
Event progress_event(std::int64_t n_done, std::int64_t n_total) {
  Event event = event_of(Event::Kind::kProgress, {});
  event.n_done = n_done;
  event.n_total = n_total;
  return event;
}

std::vector<Event> short_answer() {
  return {reasoning_event("Hm."), content_event("Hi"), content_event("!"),
          finished_event(service::Finish::kStop), done_event()};
}

HttpRequest post(std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.body = std::move(body);
  request.principal.id = "key";
  return request;
}

Reply call_route(const std::vector<Route>& routes, std::string_view method,
                 std::string_view pattern, const HttpRequest& request) {
  for (const Route& route : routes) {
    if (route.method == method && route.pattern == pattern) return route.handler(request);
  }
  ADD_FAILURE() << "there is no route " << method << " " << pattern;
  return {};
}

Sent send(Reply& reply) {
  Sent sent;
  sent.body = reply.body;
  if (reply.source != nullptr) {
    reply.source->set_wake([] {});
    do {
      sent.state = reply.source->poll(reply.head, sent.body);
    } while (sent.state == ReplySource::State::kMore);
  }
  sent.status = reply.head.status;
  sent.content_type = reply.head.content_type;
  return sent;
}

std::vector<std::string> sse_data(std::string_view body) {
  std::vector<std::string> data;
  while (!body.empty()) {
    const auto end = body.find('\n');
    const std::string_view line = body.substr(0, end);
    if (line.starts_with("data: ")) data.emplace_back(line.substr(6));
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
  }
  return data;
}

}  // namespace sputnik::server
