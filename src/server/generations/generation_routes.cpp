#include "server/generations/generation_routes.h"

#include <charconv>
#include <optional>
#include <utility>

#include "formats/printable.h"
#include "server/common/api_error.h"
#include "server/common/json_reader.h"
#include "server/common/request_parts.h"
#include "server/openai/chat_reply.h"
#include "server/openai/reply_parts.h"

namespace sputnik::server {
namespace {

using service::Generation;
using service::Service;

using GenerationPtr = std::shared_ptr<Generation>;

Reply failed(const Error& error) {
  return error_reply(Protocol::kOpenAi, error);
}

// The number of the event after the last one that the client has: ?after=N, or what browsers send
// when a stream breaks.
Result<std::size_t> first_event(const HttpRequest& http) {
  std::string_view text = http.header("last-event-id");
  if (const auto after = http.parameter("after")) text = *after;
  if (text.empty()) return std::size_t{0};
  std::uint32_t after = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), after);
  if (text == "-1") return std::size_t{0};
  if (failure != std::errc() || end != text.data() + text.size()) {
    return invalid_argument("after: \"{}\" is no number of an event", printable(text, 40));
  }
  return std::size_t{after} + 1;
}

Reply events(const GenerationPtr& generation, const HttpRequest& http) {
  const auto from = first_event(http);
  if (!from.ok()) return failed(from.error());
  return openai::replay_reply(generation, from.value());
}

Reply look(const GenerationPtr& generation, const HttpRequest&) {
  Reply reply;
  reply.body = generation_json(*generation);
  return reply;
}

Reply cancel(const GenerationPtr& generation, const HttpRequest& http) {
  generation->cancel();
  return look(generation, http);
}

Result<void> change_thinking(Generation& generation, const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  SPUTNIK_TRY(const auto budget, body.get_integer("budget", 0, kMaxTokens));
  SPUTNIK_TRY(const auto answer_now, body.get_bool("answer_now"));
  if (!budget && !answer_now) {
    return invalid_argument("expected {{\"budget\": tokens}} or {{\"answer_now\": true}}");
  }
  if (budget) generation.set_thinking_budget(*budget);
  if (answer_now.value_or(false)) generation.answer_now();
  return ok_result();
}

Reply think(const GenerationPtr& generation, const HttpRequest& http) {
  const auto changed = change_thinking(*generation, http);
  if (!changed.ok()) return failed(changed.error());
  return look(generation, http);
}

}  // namespace

std::string generation_json(const Generation& generation) {
  const auto& info = generation.info();
  const auto progress = generation.progress();
  const bool finished = generation.finished();
  const char* phase = "writing";
  if (finished) {
    phase = "finished";
  } else if (progress.queue_position >= 0) {
    phase = "queued";
  } else if (progress.n_tokens == 0) {
    phase = "reading";
  } else if (progress.thinking) {
    phase = "thinking";
  }
  Json json = {{"id", info.id},
               {"object", "sputnik.generation"},
               {"created", info.created_s},
               {"model", info.model},
               {"system_fingerprint", info.fingerprint},
               {"phase", phase},
               {"finished", finished},
               {"progress",
                {{"queue_position", progress.queue_position},
                 {"prompt_tokens", info.n_prompt_tokens},
                 {"prompt_done", progress.prompt_done},
                 {"prompt_total", progress.prompt_total},
                 {"tokens", progress.n_tokens},
                 {"thinking", progress.thinking}}}};
  openai::add_totals(json, generation, /*with_receipt=*/finished);
  return dump(json);
}

std::vector<Route> generation_routes(Service& service) {
  using Action = Reply (*)(const GenerationPtr&, const HttpRequest&);
  const auto on = [&service](Action action) {
    return [&service, action](const HttpRequest& http) {
      const auto generation = service.find(path_parameter(http, "id"));
      if (!generation.ok()) return failed(generation.error());
      return action(generation.value(), http);
    };
  };
  return {{"GET", "/v1/generations/{id}", on(look)},
          {"DELETE", "/v1/generations/{id}", on(cancel)},
          {"GET", "/v1/generations/{id}/events", on(events)},
          {"POST", "/v1/generations/{id}/thinking", on(think)}};
}

}  // namespace sputnik::server
