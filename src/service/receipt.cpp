#include "service/receipt.h"

#include <sodium.h>

#include <array>
#include <nlohmann/json.hpp>

#include "service/json_fields.h"

namespace sputnik::service {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

std::string hash_of(std::span<const std::int32_t> tokens) {
  std::array<unsigned char, 32> hash;
  crypto_generichash(hash.data(), hash.size(),
                     reinterpret_cast<const unsigned char*>(tokens.data()), tokens.size_bytes(),
                     nullptr, 0);
  std::string text(2 * hash.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  text.pop_back();
  return text;
}

struct Recorded {
  std::vector<std::int32_t> tokens;
  std::vector<std::int32_t> forced;  // places of tokens that were written, not chosen
};

Result<void> check(const Json& json, const char* key, const std::string& here) {
  SPUTNIK_TRY(const std::string there, string_field(json, key));
  if (there == here) return ok_result();
  return invalid_argument("the receipt's {} is {}, and here it is {}", key, there, here);
}

std::string piece(const ServedModel& model, std::int32_t id) {
  return fmt::format("token {} {}", id,
                     Json(std::string(model.tokenizer().token_bytes(id)))
                         .dump(-1, ' ', true, Json::error_handler_t::replace));
}

// One answer, from one written token to the next.
Result<bool> replay_answer(ServedModel& model, const Prepared& prepared, int choice,
                           const Recorded& recorded, ReplayResult& result) {
  const auto is_forced = [&](std::size_t at) {
    return std::binary_search(recorded.forced.begin(), recorded.forced.end(),
                              static_cast<std::int32_t>(at));
  };
  Engine& engine = model.engine();
  std::size_t done = 0;
  while (done < recorded.tokens.size()) {
    if (is_forced(done)) {
      ++done;
      continue;
    }
    std::size_t end = done;
    while (end < recorded.tokens.size() && !is_forced(end)) ++end;
    GenerationRequest request = prepared.engine_request(model, choice);
    request.answer.assign(recorded.tokens.begin(),
                          recorded.tokens.begin() + static_cast<std::ptrdiff_t>(done));
    request.max_tokens = static_cast<std::int64_t>(end);
    request.thought.budget = -1;  // what it did stands in the receipt
    request.detect_loops = false;
    SPUTNIK_TRY(const SequenceId id, engine.add(std::move(request)));
    while (!engine.idle()) {
      for (const StepOutput& output : engine.step()) {
        if (output.error) return *output.error;
        if (output.sequence != id || done >= end) continue;
        if (output.token.id != recorded.tokens[done]) {
          result.choice = choice;
          result.position = static_cast<std::int64_t>(done);
          result.expected = piece(model, recorded.tokens[done]);
          result.got = piece(model, output.token.id);
          engine.cancel(id);
          return false;
        }
        ++done;
        ++result.n_tokens;
      }
    }
    if (done < end) {  // it stopped before the receipt does
      result.choice = choice;
      result.position = static_cast<std::int64_t>(done);
      result.expected = piece(model, recorded.tokens[done]);
      result.got = "the end";
      return false;
    }
  }
  return true;
}

Result<Recorded> read_answer(const Json& json) {
  Recorded recorded;
  SPUTNIK_TRY(recorded.tokens, token_array(json, "tokens"));
  SPUTNIK_TRY(recorded.forced, token_array(json, "forced"));
  return recorded;
}

}  // namespace

std::string make_receipt(const ServedModel& model, const GenerateRequest& request,
                         const Prepared& prepared, std::span<const AnswerStream* const> answers) {
  Json json;
  json["receipt"] = kVersion;
  json["sputnik"] = SPUTNIK_VERSION;
  json["model"] = model.card().id;
  json["digest"] = model.card().digest;
  json["quantization"] = model.card().quantization;
  json["template"] = model.card().family;
  json["kernels"] = model.kernels();
  json["fingerprint"] = model.fingerprint();
  json["prompt_hash"] = hash_of(prepared.prompt);
  json["request"] = request_to_json(request);
  json["answers"] = Json::array();
  for (const AnswerStream* const answer : answers) {
    std::vector<std::int32_t> tokens, forced;
    for (const AnswerToken& token : answer->tokens()) {
      if (token.forced != ThoughtClosed::kNot)
        forced.push_back(static_cast<std::int32_t>(tokens.size()));
      tokens.push_back(token.id);
    }
    json["answers"].push_back({{"finish", to_string(answer->how())},
                               {"hash", hash_of(tokens)},
                               {"tokens", tokens},
                               {"forced", forced}});
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ReplayResult> replay(ServedModel& model, std::string_view receipt) {
  const Json json = Json::parse(receipt, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) return corrupt("the receipt is no JSON object");
  SPUTNIK_TRY(const int version, number_field<int>(json, "receipt"));
  if (version != kVersion)
    return unsupported("the receipt has version {}, this program knows {}", version, kVersion);
  SPUTNIK_CHECK_OK(check(json, "digest", model.card().digest));
  SPUTNIK_CHECK_OK(check(json, "template", model.card().family));
  SPUTNIK_CHECK_OK(check(json, "kernels", model.kernels()));
  SPUTNIK_CHECK_OK(check(json, "fingerprint", model.fingerprint()));
  SPUTNIK_TRY(const Json* request_json, object_field(json, "request"));
  SPUTNIK_TRY(const GenerateRequest request, request_from_json(*request_json));
  if (!request.sampling.seed) return corrupt("the receipt has no seed");
  SPUTNIK_TRY(const Prepared prepared, prepare(model, request));
  SPUTNIK_CHECK_OK(check(json, "prompt_hash", hash_of(prepared.prompt)));
  SPUTNIK_TRY(const Json* answers, array_field(json, "answers"));
  if (static_cast<int>(answers->size()) != request.n)
    return corrupt("the receipt has {} answers of {}", answers->size(), request.n);
  ReplayResult result;
  for (int choice = 0; choice < request.n; ++choice) {
    SPUTNIK_TRY(const Recorded recorded, read_answer((*answers)[static_cast<std::size_t>(choice)]));
    SPUTNIK_TRY(result.equal, replay_answer(model, prepared, choice, recorded, result));
    if (!result.equal) return result;
  }
  result.equal = true;
  return result;
}

}  // namespace sputnik::service
