// What must be true of every request that a protocol has accepted.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/result.h"
#include "server/http.h"
#include "service/request.h"

namespace sputnik::server {

inline HttpRequest fuzzed_request(const std::uint8_t* data, std::size_t size) {
  HttpRequest http;
  http.method = "POST";
  http.body.assign(reinterpret_cast<const char*>(data), size);
  http.principal.id = "key";
  return http;
}

inline void check_request(const service::GenerateRequest& request) {
  SPUTNIK_ASSERT(request.n >= 1 && request.n <= 64);
  SPUTNIK_ASSERT(request.max_tokens == -1 || request.max_tokens >= 0);
  SPUTNIK_ASSERT(request.priority >= -10 && request.priority <= 10);
  SPUTNIK_ASSERT(request.stop.size() <= 16);
  for (const std::string& stop : request.stop) SPUTNIK_ASSERT(!stop.empty());
  SPUTNIK_ASSERT(request.sampling.top_logprobs >= 0 && request.sampling.top_logprobs <= 20);
  SPUTNIK_ASSERT(request.thinking.budget.value_or(0) >= 0);
  SPUTNIK_ASSERT(request.user.starts_with("key"));
  const auto* chat = std::get_if<service::ChatInput>(&request.input);
  if (chat == nullptr) return;
  SPUTNIK_ASSERT(!chat->messages.empty() && chat->tools.size() <= 128);
  std::set<std::string> names;
  for (const service::Tool& tool : chat->tools) {
    SPUTNIK_ASSERT(tool.json.starts_with("{") && names.insert(tool.name).second);
  }
  if (chat->tool_choice.kind == service::ToolChoice::Kind::kNamed) {
    SPUTNIK_ASSERT(names.contains(chat->tool_choice.name));
  }
  if (chat->continue_last) {
    SPUTNIK_ASSERT(chat->messages.back().role == chat::Role::kAssistant);
  }
}

// call: anything with a member request.
template <class Call>
void check_fuzzed(const Result<Call>& call) {
  if (call.ok()) {
    check_request(call.value().request);
  } else {
    SPUTNIK_ASSERT(!call.error().message.empty());
  }
}

}  // namespace sputnik::server
