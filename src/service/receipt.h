// A receipt: all that is needed to compute an answer again and to see whether it is the same.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "service/answer_stream.h"
#include "service/request_json.h"

namespace sputnik::service {

// JSON text, docs/formats/receipt.md.
std::string make_receipt(const ServedModel& model, const GenerateRequest& request,
                         const Prepared& prepared, std::span<const AnswerStream* const> answers);

struct ReplayResult {
  bool equal = false;
  int choice = 0;             // where it first differs
  std::int64_t position = 0;  // of the token, in the answer
  std::string expected, got;  // what stands there, for people
  std::int64_t n_tokens = 0;  // that were compared
};

// Computes the receipt's answers again. kCorrupt: no receipt; kInvalidArgument: of another model,
// template or arithmetic; the message says which and what is here. The engine must be idle.
Result<ReplayResult> replay(ServedModel& model, std::string_view receipt);

}  // namespace sputnik::service
