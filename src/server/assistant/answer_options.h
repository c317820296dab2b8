// How an answer is to be made, as clients say it in "options".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/common/json_reader.h"
#include "service/request.h"

namespace sputnik::server::app {

struct AnswerOptions {
  std::string model;
  std::optional<bool> thinks;
  std::optional<std::int64_t> budget, max_tokens;  // tokens
  std::optional<float> temperature, top_p;
  std::optional<std::uint64_t> seed;
  int n = 1;
  bool vote = false;

  // What json says, on top of what is there. kInvalidArgument names the member.
  Result<void> add(const JsonView& json);
  // Of a text that was kept; what is wrong in it is passed over.
  void add_kept(std::string_view text);

  std::string json() const;
  service::GenerateRequest request() const;  // without its input
};

// The text of "options" in a body, checked; nothing: absent.
Result<std::optional<std::string>> options_text(const JsonView& body);

}  // namespace sputnik::server::app
