// For tests of the engine: the tiny models that lie in the repository, and sequences run to their
// end.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "model/loader.h"

namespace sputnik {

std::filesystem::path source_path(const std::string& path);
LoadedModel load_golden(const std::string& path);

// Two threads, contexts of 256 tokens, three sequences.
EngineOptions small_options();

GenerationRequest make_request(std::vector<std::int32_t> prompt, std::int64_t max_tokens,
                               float temperature = 0, std::uint64_t seed = 1);

// n tokens of a vocabulary of 320; different for different salts from the first token on.
std::vector<std::int32_t> prompt_of(std::int64_t n, std::int32_t salt = 0);

struct EngineAnswer {
  std::vector<std::int32_t> tokens;
  std::vector<ThoughtClosed> forced;  // of each token
  FinishReason reason = FinishReason::kNone;
  bool operator==(const EngineAnswer&) const = default;
};

// Steps until nothing is left to do.
std::map<SequenceId, EngineAnswer> run_to_end(Engine& engine);
EngineAnswer run_alone(Engine& engine, GenerationRequest request);

inline const char* const kTinyV3 = "tests/golden/gguf/deepseek-v3-tiny/model-mla-q8_0.gguf";
inline const char* const kTinyMtp = "tests/golden/deepseek-v3-mtp-tiny";
inline const char* const kStories = "tests/golden/stories260k/stories260k.gguf";

}  // namespace sputnik
