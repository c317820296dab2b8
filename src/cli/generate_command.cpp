// sputnik generate: the model goes on with a text. No chat template, nothing added but BOS.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cli/commands.h"
#include "cli/generation.h"
#include "cli/model_options.h"
#include "cli/option_checks.h"
#include "cli/run.h"
#include "cli/sampling_options.h"
#include "cli/terminal_text.h"
#include "tokenizer/decoder.h"

namespace sputnik::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  SamplingOptions sampling;
  std::string prompt, prompt_file;
  std::optional<int> logprobs;
  std::int64_t max_tokens = -1;
  bool special = false, json = false;
};

Json to_json(const SampledToken& token) {
  Json top = Json::array();
  for (const TokenLogprob& t : token.top) top.push_back({{"id", t.id}, {"logprob", t.logprob}});
  return {{"id", token.id}, {"logprob", token.logprob}, {"top", top}};
}

Result<int> generate(Options& options) {
  if (!options.prompt_file.empty()) {
    SPUTNIK_TRY(options.prompt, read_file(options.prompt_file));
  }
  const std::filesystem::path path = options.model.path;
  SPUTNIK_TRY(const Tokenizer tokenizer, load_tokenizer(path, options.model));
  SPUTNIK_TRY(const LoadedModel loaded, load(path, options.model));

  GenerationRequest request;
  request.prompt = encode_prompt(tokenizer, options.prompt, options.special);
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  request.max_tokens = options.max_tokens;
  request.sampling = options.sampling.resolve(/*otherwise=*/0);
  request.sampling.logprobs = options.logprobs.has_value();
  request.sampling.top_logprobs = options.logprobs.value_or(0);
  request.stop_tokens = end_of_text_ids(tokenizer);
  // As much as is asked for, within what the model knows; the engine speaks up if even the prompt
  // is too long.
  const std::int64_t longest = loaded.model->max_position_embeddings();
  const bool bounded = options.max_tokens > 0 && options.max_tokens < longest - n_prompt;
  SPUTNIK_TRY(const auto engine, make_engine(*loaded.model, options.model,
                                             bounded ? n_prompt + options.max_tokens : 0));

  StreamDecoder decoder(tokenizer, {.skip_special = true, .at_start = options.prompt.empty()});
  std::string text;
  std::vector<std::int32_t> ids;
  Json logprobs = Json::array();
  const bool is_terminal = ::isatty(STDOUT_FILENO) != 0;
  const auto show = [&](std::string more) {
    if (options.json) {
      text += more;
    } else if (!more.empty()) {
      write(is_terminal ? without_controls(more) : more);
      flush();
    }
  };
  const auto add = [&](const SampledToken& token) {
    ids.push_back(token.id);
    if (options.logprobs && options.json) logprobs.push_back(to_json(token));
  };
  SPUTNIK_TRY(const GenerationEnd end,
              generate_tokens(*engine, std::move(request), [&](const SampledToken& token) {
                add(token);
                show(decoder.push(token.id));
                return true;
              }));
  if (end.stop_token) add(*end.stop_token);  // an id, not text
  show(decoder.flush());
  if (!options.json) {
    write("\n");
    return 0;
  }
  Json json{{"text", text},
            {"ids", ids},
            {"prompt_tokens", n_prompt},
            {"completion_tokens", ids.size()},
            {"finish_reason", end.reason == FinishReason::kStop ? "stop" : "length"}};
  if (options.logprobs) json["logprobs"] = std::move(logprobs);
  write_json_line(json);
  return 0;
}

}  // namespace

void add_generate_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("generate", "Let a model go on with a text");
  command->add_option("--model", options->model.path, "GGUF file or model folder")
      ->type_name("PATH")
      ->required();
  auto* prompt = command->add_option_group("prompt");
  prompt->add_option("--prompt", options->prompt, "The text to go on with; may be empty");
  prompt->add_option("--prompt-file", options->prompt_file, "Read it from this file")
      ->type_name("FILE");
  prompt->require_option(1);
  command->add_flag("--special", options->special,
                    "The text of special tokens in the prompt becomes these tokens");
  command
      ->add_option("--max-tokens", options->max_tokens,
                   "End after so many tokens; -1: when the context is full")
      ->check(between(-1, 1 << 24))
      ->capture_default_str();
  add_sampling_options(*command, options->sampling);
  command
      ->add_option("--logprobs", options->logprobs,
                   "With --json: log probabilities of each token and of the N most probable")
      ->check(between(0, kMaxTopLogprobs));
  command->add_flag("--json", options->json,
                    "Print one JSON object at the end; its ids hold the token that ended the text");
  add_run_options(*command, options->model);
  add_tokenizer_option(*command, options->model);
  command->footer(
      "Example:\n"
      "  sputnik generate --model model.gguf --prompt \"Once upon a time\" --greedy "
      "--max-tokens 50 --json");
  command->callback([options, &exit_code] { exit_code = run(generate(*options)); });
}

}  // namespace sputnik::cli
