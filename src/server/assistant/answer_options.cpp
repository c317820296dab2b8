#include "server/assistant/answer_options.h"

#include "server/common/json_out.h"
#include "server/common/request_parts.h"

namespace sputnik::server::app {
namespace {

constexpr int kMaxAnswers = 16;
constexpr std::int64_t kMaxSeed = std::int64_t{1} << 53;  // exact in every JSON reader

}  // namespace

Result<void> AnswerOptions::add(const JsonView& json) {
  AnswerOptions next = *this;
  SPUTNIK_TRY(const auto named, json.get_string("model"));
  if (named) next.model = *named;
  SPUTNIK_TRY(const auto thinking, json.get_object("thinking"));
  if (thinking) {
    SPUTNIK_TRY(const auto enabled, thinking->get_bool("enabled"));
    SPUTNIK_TRY(const auto tokens, thinking->get_integer("budget", 0, kMaxTokens));
    if (enabled) next.thinks = enabled;
    if (tokens) next.budget = tokens;
  }
  SPUTNIK_TRY(const auto heat, json.get_float("temperature", 0, 2));
  SPUTNIK_TRY(const auto mass, json.get_float("top_p", 0, 1));
  SPUTNIK_TRY(const auto start, json.get_integer("seed", 0, kMaxSeed));
  SPUTNIK_TRY(const auto most, json.get_integer("max_tokens", 1, kMaxTokens));
  SPUTNIK_TRY(const auto answers, json.get_integer("n", 1, kMaxAnswers));
  SPUTNIK_TRY(const auto votes, json.get_bool("vote"));
  if (heat) next.temperature = heat;
  if (mass) next.top_p = mass;
  if (start) next.seed = static_cast<std::uint64_t>(*start);
  if (most) next.max_tokens = most;
  if (answers) next.n = static_cast<int>(*answers);
  if (votes) next.vote = *votes;
  *this = std::move(next);
  return ok_result();
}

void AnswerOptions::add_kept(std::string_view text) {
  const auto parsed = parse_body(text);
  if (parsed.ok()) (void)add(JsonView(parsed.value())).ok();
}

std::string AnswerOptions::json() const {
  Json json = Json::object();
  if (!model.empty()) json["model"] = model;
  if (thinks) json["thinking"]["enabled"] = *thinks;
  if (budget) json["thinking"]["budget"] = *budget;
  if (temperature) json["temperature"] = *temperature;
  if (top_p) json["top_p"] = *top_p;
  if (seed) json["seed"] = *seed;
  if (max_tokens) json["max_tokens"] = *max_tokens;
  if (n != 1) json["n"] = n;
  if (vote) json["vote"] = vote;
  return dump(json);
}

service::GenerateRequest AnswerOptions::request() const {
  service::GenerateRequest request;
  request.model = model;
  request.sampling.temperature = temperature;
  request.sampling.top_p = top_p;
  request.sampling.seed = seed;
  request.thinking.enabled = thinks;
  request.thinking.budget = budget;
  request.max_tokens = max_tokens.value_or(-1);
  request.n = n;
  if (vote && n > 1) request.vote = service::VoteRequest{};
  return request;
}

Result<std::optional<std::string>> options_text(const JsonView& body) {
  SPUTNIK_TRY(const auto options, body.get_object("options"));
  if (!options) {
    // null empties them.
    const chat::OrderedJson* there = body.json().find("options");
    if (there == nullptr) return std::optional<std::string>();
    return std::optional<std::string>("{}");
  }
  AnswerOptions checked;
  SPUTNIK_CHECK_OK(checked.add(*options));
  return std::optional<std::string>(options->text());
}

}  // namespace sputnik::server::app
