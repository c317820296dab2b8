#include "engine/engine_testing.h"

#include <gtest/gtest.h>

namespace sputnik {

std::filesystem::path source_path(const std::string& path) {
  return std::filesystem::path(SPUTNIK_SOURCE_DIR) / path;
}

LoadedModel load_golden(const std::string& path) {
  auto loaded = load_model(source_path(path));
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
  return std::move(loaded).value();
}

EngineOptions small_options() {
  EngineOptions options;
  options.n_threads = 2;
  options.context_length = 256;
  options.max_sequences = 3;
  return options;
}

GenerationRequest make_request(std::vector<std::int32_t> prompt, std::int64_t max_tokens,
                               float temperature, std::uint64_t seed) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.sampling.temperature = temperature;
  request.sampling.seed = seed;
  return request;
}

std::vector<std::int32_t> prompt_of(std::int64_t n, std::int32_t salt) {
  std::vector<std::int32_t> prompt;
  for (std::int64_t i = 0; i < n; ++i)
    prompt.push_back(static_cast<std::int32_t>((i * 37 + 5 + salt * 11) % 320));
  return prompt;
}

std::map<SequenceId, EngineAnswer> run_to_end(Engine& engine) {
  std::map<SequenceId, EngineAnswer> answers;
  while (!engine.idle()) {
    for (const StepOutput& output : engine.step()) {
      EngineAnswer& answer = answers[output.sequence];
      answer.reason = output.finish_reason;
      if (output.token.id < 0) continue;
      answer.tokens.push_back(output.token.id);
      answer.forced.push_back(output.forced);
    }
  }
  return answers;
}

EngineAnswer run_alone(Engine& engine, GenerationRequest request) {
  const SequenceId id = engine.add(std::move(request)).value();
  return run_to_end(engine)[id];
}

}  // namespace sputnik
