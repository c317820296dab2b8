#include "server/openai/reply_parts.h"

namespace sputnik::server::openai {

using service::Finish;

const char* finish_reason(Finish finish) {
  switch (finish) {
    case Finish::kStop:
      return "stop";
    case Finish::kToolCalls:
      return "tool_calls";
    case Finish::kLength:
    case Finish::kRepetition:
    case Finish::kCancelled:
    case Finish::kVoteDecided:
      return "length";
    case Finish::kFailed:
      break;
  }
  return "insufficient_system_resource";
}

void add_finish_details(Json& choice, Finish finish, const std::string& stop_string) {
  const bool says_it_all =
      finish == Finish::kStop || finish == Finish::kLength || finish == Finish::kToolCalls;
  if (!says_it_all) choice["finish_detail"] = service::to_string(finish);
  if (!stop_string.empty()) choice["stop_reason"] = stop_string;
}

Json usage_json(const service::Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens()},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.total_tokens()},
          {"prompt_tokens_details", {{"cached_tokens", usage.prompt_cache_hit_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}},
          {"prompt_cache_hit_tokens", usage.prompt_cache_hit_tokens},
          {"prompt_cache_miss_tokens", usage.prompt_cache_miss_tokens}};
}

Json timing_json(const service::Timing& timing) {
  return {{"queued_ms", timing.queued_ms},
          {"prompt_ms", timing.prompt_ms},
          {"generation_ms", timing.generation_ms}};
}

Json vote_json(const service::VoteResult& vote) {
  return {{"answer", vote.answer},
          {"votes", vote.n_votes},
          {"counted", vote.n_counted},
          {"choice", vote.choice}};
}

namespace {

Json chance_json(const service::TokenChance& chance) {
  Json bytes = Json::array();
  for (const char c : chance.bytes) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", chance.bytes}, {"logprob", chance.logprob}, {"bytes", std::move(bytes)}};
}

}  // namespace

Json logprobs_json(const std::vector<service::TokenLogprobs>& logprobs) {
  Json list = Json::array();
  for (const service::TokenLogprobs& of_token : logprobs) {
    Json token = chance_json(of_token.token);
    token["top_logprobs"] = Json::array();
    for (const auto& chance : of_token.top) token["top_logprobs"].push_back(chance_json(chance));
    list.push_back(std::move(token));
  }
  return list;
}

Json head_json(const service::GenerationInfo& info, const char* object) {
  return {{"id", info.id},
          {"object", object},
          {"created", info.created_s},
          {"model", info.model},
          {"system_fingerprint", info.fingerprint}};
}

void add_totals(Json& json, const service::Generation& generation, bool with_receipt) {
  json["usage"] = usage_json(generation.usage());
  json["timing"] = timing_json(generation.timing());
  if (const auto vote = generation.vote()) json["cons"] = vote_json(*vote);
  if (with_receipt) json["receipt"] = parsed_or_string(generation.receipt());
}

}  // namespace sputnik::server::openai
