// sputnik show: what a file really is, and the memory that it needs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/run.h"
#include "formats/printable.h"

namespace sputnik::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kChunk = 512;

// In words, and by its own name: a model of another family that learned from R1's answers is not
// R1.
std::string describe_kind(const ModelInfo& info) {
  const std::string family = info.architecture == "qwen2"         ? "Qwen2"
                             : info.architecture == "llama"       ? "Llama"
                             : info.architecture == "deepseek_v3" ? "DeepSeek-V3"
                             : info.architecture == "deepseek_v2" ? "DeepSeek-V2"
                                                                  : info.architecture;
  return info.is_distill ? fmt::format("a distilled {} model, not R1", family)
                         : fmt::format("a {} model", family);
}

struct Context {
  std::string label;
  std::int64_t n_tokens;
};

std::vector<Context> contexts_of(const Model& model) {
  std::vector<Context> contexts;
  const std::int64_t full = model.max_position_embeddings();
  for (const std::int64_t n : {std::int64_t{4096}, std::int64_t{32768}}) {
    if (n <= full) contexts.push_back({std::to_string(n), n});
  }
  contexts.push_back({"full", full});
  return contexts;
}

// The chat template's name; null: a base model, or files that do not tell. It also notes a distill
// that only its tokenizer betrays.
std::optional<std::string> template_name(const std::filesystem::path& path, ModelInfo& info) {
  const auto tokenizer = load_tokenizer(path);
  if (!tokenizer.ok()) return std::nullopt;
  const auto found = find_template("", tokenizer.value(), path);
  if (!found.ok()) return std::nullopt;
  note_distill(found.value(), info);
  if (!found.value().is_chat()) return std::nullopt;
  return std::string(found.value().name());
}

Json to_json(const std::filesystem::path& path, const LoadedModel& loaded,
             const std::optional<std::string>& chat_template) {
  const ModelInfo& info = loaded.info;
  Json memory = Json::object();
  for (const Context& context : contexts_of(*loaded.model)) {
    const MemoryNeed need =
        memory_need(*loaded.model, context.n_tokens, 1, kChunk, Precision::kFast);
    memory[context.label] = {{"tokens", context.n_tokens},
                             {"total_bytes", need.total()},
                             {"weight_bytes", need.weight_bytes},
                             {"cache_bytes", need.cache_bytes},
                             {"activation_bytes", need.activation_bytes}};
  }
  Json types = Json::object();
  for (const auto& [type, bytes] : info.bytes_by_type) types[type] = {{"bytes", bytes}};
  return {{"path", path.string()},
          {"name", info.name},
          {"architecture", info.architecture},
          {"kind", describe_kind(info)},
          {"is_distill", info.is_distill},
          {"parameters", {{"total", info.n_parameters}, {"active", info.n_active_parameters}}},
          {"weight_bytes", info.file_bytes},
          {"types", types},
          {"layers", loaded.model->num_hidden_layers()},
          {"prediction_layers", loaded.model->num_nextn_predict_layers()},
          {"vocab_size", loaded.model->vocab_size()},
          {"context", loaded.model->max_position_embeddings()},
          {"chat_template", chat_template ? Json(*chat_template) : Json(nullptr)},
          {"memory", memory}};
}

std::string in_units(std::int64_t n, std::string_view unit) {
  const auto value = static_cast<double>(n);
  if (n >= 1'000'000'000) return fmt::format("{:.1f} G{}", value / 1e9, unit);
  if (n >= 1'000'000) return fmt::format("{:.1f} M{}", value / 1e6, unit);
  if (n >= 1'000) return fmt::format("{:.1f} k{}", value / 1e3, unit);
  return fmt::format("{} {}", n, unit);
}

void print_for_people(const LoadedModel& loaded, const std::optional<std::string>& chat_template) {
  const ModelInfo& info = loaded.info;
  const auto line = [](std::string_view label, std::string_view text) {
    write(fmt::format("{:<16}{}\n", label, text));
  };
  line("name", printable(info.name));
  line("kind", describe_kind(info));
  line("chat template", chat_template.value_or("none"));
  line("parameters",
       info.n_active_parameters == info.n_parameters
           ? in_units(info.n_parameters, "")
           : fmt::format("{}, {} of them active for a token", in_units(info.n_parameters, ""),
                         in_units(info.n_active_parameters, "")));
  line("weights", in_units(info.file_bytes, "B"));
  for (const auto& [type, bytes] : info.bytes_by_type)
    line("", fmt::format("{:<8}{}", type, in_units(bytes, "B")));
  line("vocabulary", fmt::format("{} tokens", loaded.model->vocab_size()));
  line("context", fmt::format("{} tokens", loaded.model->max_position_embeddings()));
  std::int64_t shown = 0;
  for (const Context& context : contexts_of(*loaded.model)) {
    if (std::exchange(shown, context.n_tokens) == context.n_tokens) continue;  // full, and 32768
    const MemoryNeed need =
        memory_need(*loaded.model, context.n_tokens, 1, kChunk, Precision::kFast);
    line("memory",
         fmt::format("{} with a context of {} tokens ({} of it cache)", in_units(need.total(), "B"),
                     context.n_tokens, in_units(need.cache_bytes, "B")));
  }
}

}  // namespace

void add_show_command(CLI::App& app, int& exit_code) {
  struct Options {
    ModelOptions model;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("show", "Say what a model file is and what memory it needs");
  command->add_option("path,--model", options->model.path, "GGUF file or model folder")
      ->type_name("PATH")
      ->required();
  command
      ->add_option("--set", options->model.overrides,
                   "Replaces or adds a value of the model's config; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer("Example:\n  sputnik show model.gguf");
  command->callback([options, &exit_code] {
    exit_code = run([&]() -> Result<int> {
      SPUTNIK_TRY(LoadedModel loaded, load(options->model.path, options->model));
      const auto chat_template = template_name(options->model.path, loaded.info);
      if (options->json) {
        write_json_line(to_json(options->model.path, loaded, chat_template));
      } else {
        print_for_people(loaded, chat_template);
      }
      return 0;
    }());
  });
}

}  // namespace sputnik::cli
