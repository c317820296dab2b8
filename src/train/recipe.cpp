#include "train/recipe.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/mapped_file.h"
#include "formats/printable.h"
#include "model/config.h"
#include "train/checkpoint_file.h"

namespace sputnik {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxRecipeBytes = 1 << 20;
constexpr std::int64_t kMany = 1'000'000'000;

Result<json> as_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    json object = json::object();
    for (const auto& [key, value] : *table) {
      SPUTNIK_TRY(object[std::string(key.str())], as_json(value));
    }
    return object;
  }
  if (const auto* array = node.as_array()) {
    json list = json::array();
    for (const auto& value : *array) {
      SPUTNIK_TRY(json member, as_json(value));
      list.push_back(std::move(member));
    }
    return list;
  }
  if (const auto* value = node.as_string()) return json(value->get());
  if (const auto* value = node.as_integer()) return json(value->get());
  if (const auto* value = node.as_boolean()) return json(value->get());
  if (const auto* value = node.as_floating_point()) {
    if (std::isfinite(value->get())) return json(value->get());
    return invalid_argument("line {}: a number is not finite", node.source().begin.line);
  }
  return invalid_argument("line {}: dates and times mean nothing here", node.source().begin.line);
}

// Reads the keys of one table. The first error of all tables is kept; what follows reads on.
class Table {
 public:
  Table(const json& recipe, const char* name, std::optional<Error>& error)
      : name_(fmt::format("[{}]", name)), error_(error) {
    const auto it = recipe.find(name);
    if (it == recipe.end()) return;
    if (it->is_object()) {
      object_ = &*it;
    } else {
      error_ = error_ ? error_ : invalid_argument("{} is no table", name_);
    }
  }
  Table(const json& object, std::string name, std::optional<Error>& error)
      : object_(&object), name_(std::move(name)), error_(error) {}

  const json* find(const char* key) {
    known_.insert(key);
    const auto it = object_->find(key);
    return it == object_->end() ? nullptr : &*it;
  }
  template <class... Args>
  void fail(fmt::format_string<Args...> format, Args&&... args) {
    if (error_) return;
    error_ = invalid_argument("{} {}", name_, fmt::format(format, std::forward<Args>(args)...));
  }

  void read(const char* key, std::int64_t& target, std::int64_t low, std::int64_t high) {
    const json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number_integer()) return wrong_type(key, *value, "an integer");
    const auto n = value->get<std::int64_t>();
    if (n < low || n > high) return fail("{} is {}, not within {}..{}", key, n, low, high);
    target = n;
  }
  void read(const char* key, double& target, double low, double high) {
    const json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number()) return wrong_type(key, *value, "a number");
    const auto x = value->get<double>();
    if (!(x >= low && x <= high)) return fail("{} is {}, not within {}..{}", key, x, low, high);
    target = x;
  }
  void read(const char* key, bool& target) {
    const json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) return wrong_type(key, *value, "true or false");
    target = value->get<bool>();
  }
  void read(const char* key, std::string& target) {
    const json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string() || value->get<std::string>().empty())
      return wrong_type(key, *value, "a text");
    target = value->get<std::string>();
  }
  void choose(const char* key, std::string& target, std::initializer_list<const char*> choices) {
    read(key, target);
    std::string all;
    for (const char* choice : choices) {
      if (target == choice) return;
      all += fmt::format("{}\"{}\"", all.empty() ? "" : " or ", choice);
    }
    fail("{} is \"{}\", not {}", key, printable(target), all);
  }
  void finish() {
    for (const auto& [key, value] : object_->items()) {
      if (!known_.contains(key)) fail("{}: there is no such key", printable(key));
    }
  }

 private:
  void wrong_type(const char* key, const json& value, const char* wanted) {
    fail("{} is {}, not {}", key, value.is_string() ? "a string" : printable(value.dump()), wanted);
  }

  static const json& empty() {
    static const json object = json::object();
    return object;
  }
  const json* object_ = &empty();
  std::string name_;
  std::optional<Error>& error_;
  std::set<std::string> known_;
};

// The keys of published configurations that say something here.
constexpr const char* kModelKeys[] = {"model_type",
                                      "vocab_size",
                                      "hidden_size",
                                      "intermediate_size",
                                      "num_hidden_layers",
                                      "num_nextn_predict_layers",
                                      "num_attention_heads",
                                      "num_key_value_heads",
                                      "head_dim",
                                      "max_position_embeddings",
                                      "q_lora_rank",
                                      "kv_lora_rank",
                                      "qk_nope_head_dim",
                                      "qk_rope_head_dim",
                                      "v_head_dim",
                                      "n_routed_experts",
                                      "n_shared_experts",
                                      "moe_intermediate_size",
                                      "first_k_dense_replace",
                                      "num_experts_per_tok",
                                      "n_group",
                                      "topk_group",
                                      "topk_method",
                                      "scoring_func",
                                      "norm_topk_prob",
                                      "routed_scaling_factor",
                                      "rms_norm_eps",
                                      "rope_theta",
                                      "rope_scaling",
                                      "tie_word_embeddings"};

void check_context(const Recipe& recipe, std::int64_t max_position_embeddings,
                   std::optional<Error>& error) {
  if (error || recipe.data.context_length <= max_position_embeddings) return;
  error = invalid_argument("[data] context_length is {}, but max_position_embeddings is {}",
                           recipe.data.context_length, max_position_embeddings);
}

void read_model(const json& document, Recipe& recipe, std::optional<Error>& error) {
  Table table(document, "model", error);
  for (const char* key : kModelKeys) (void)table.find(key);
  table.finish();
  std::string type;
  table.choose("model_type", type, {"deepseek_v3", "llama", "qwen2"});
  if (error) return;
  if (!document.contains("model")) return;
  json config = document["model"];
  std::int64_t context = 0;
  // The tokenizer says how many tokens there are; any number will do to check the rest.
  json checked = config;
  if (!checked.contains("vocab_size")) checked["vocab_size"] = recipe.tokenizer.vocab_size;
  const auto check = [&](const auto& read_config) {
    if (read_config.ok()) {
      context = read_config.value().max_position_embeddings;
    } else {
      table.fail("{}", read_config.error().message);
    }
  };
  if (type == "deepseek_v3") {
    check(DeepseekV3Config::from_json(checked));
    config["architectures"] = {"DeepseekV3ForCausalLM"};
  } else {
    check(LlamaConfig::from_json(checked));
    config["architectures"] = {type == "llama" ? "LlamaForCausalLM" : "Qwen2ForCausalLM"};
  }
  config["torch_dtype"] = "float32";
  check_context(recipe, context, error);
  recipe.config = std::make_shared<const json>(std::move(config));
}

void read_source(const json& object, std::size_t index, const std::filesystem::path& folder,
                 Recipe& recipe, std::optional<Error>& error) {
  Table table(object, fmt::format("[[source]] {}", index + 1), error);
  SourceRecipe& source = recipe.sources.emplace_back();
  table.read("share", source.share, 1e-6, 1e6);
  std::string kind, path;
  table.choose("kind", kind, {"text", "dialogues", "talk", "tasks"});
  if (kind != "tasks") {
    table.read("path", path);
    if (path.empty()) table.fail("path is missing");
    source.path = folder / path;
  }
  if (kind == "text") {
    source.kind = SourceRecipe::Kind::kText;
  } else if (kind == "dialogues") {
    source.kind = SourceRecipe::Kind::kDialogues;
    table.read("learn_prompts", source.learn_prompts);
  } else if (kind == "talk") {
    source.kind = SourceRecipe::Kind::kTalk;
    source.talk.path = source.path;
    std::int64_t first_seed = 0;
    table.read("thinking_share", source.talk.thinking_share, 0, 1);
    table.read("learn_prompts", source.talk.learn_prompts);
    table.read("first_seed", first_seed, 0, INT64_MAX / 2);
    source.talk.first_seed = static_cast<std::uint64_t>(first_seed);
  } else if (kind == "tasks") {
    TaskSourceOptions& tasks = source.tasks;
    const json* families = table.find("families");
    if (families == nullptr) {
      for (const tasks::Family* family : tasks::families()) {
        if (family->use == tasks::Use::kShipped) tasks.families.push_back(family);
      }
    } else if (!families->is_array() || families->empty()) {
      table.fail("families is no list of names");
    } else {
      for (const json& name : *families) {
        if (!name.is_string()) {
          table.fail("families is no list of names");
          break;
        }
        const auto family = tasks::find_family(name.get<std::string>());
        if (family.ok()) {
          tasks.families.push_back(family.value());
        } else {
          table.fail("families: {}", family.error().message);
        }
      }
    }
    std::int64_t max_level = 1, first_seed = 0;
    table.read("max_level", max_level, 1, 1000);
    table.read("first_seed", first_seed, 0, INT64_MAX / 2);
    table.read("long_share", tasks.long_share, 0, 1);
    table.read("corrected_share", tasks.corrected_share, 0, 1);
    table.read("learn_prompts", tasks.learn_prompts);
    if (tasks.long_share + tasks.corrected_share > 1)
      table.fail("long_share and corrected_share are more than 1 together");
    tasks.max_level = static_cast<int>(max_level);
    tasks.first_seed = static_cast<std::uint64_t>(first_seed);
  }
  table.finish();
}

void read_trainer(const json& document, TrainerOptions& trainer, std::optional<Error>& error) {
  Table train(document, "train", error);
  train.read("steps", trainer.n_steps, 1, kMany);
  if (train.find("steps") == nullptr) train.fail("steps is missing");
  std::string precision = "bfloat16";
  train.choose("precision", precision, {"bfloat16", "float32"});
  trainer.precision =
      precision == "float32" ? TrainingPrecision::kFloat32 : TrainingPrecision::kBfloat16;
  train.read("micro_batch_tokens", trainer.micro_batch_tokens, 1, 1 << 20);
  train.read("checkpoint_layers", trainer.checkpoint_layers);
  train.read("clip_norm", trainer.clip_norm, 0, 1e9);
  train.read("weight_decay", trainer.adamw.weight_decay, 0, 10);
  train.read("beta1", trainer.adamw.beta1, 0, 0.999999);
  train.read("beta2", trainer.adamw.beta2, 0, 0.999999);
  train.read("epsilon", trainer.adamw.epsilon, 1e-30, 1);
  std::string optimizer = "adamw";
  train.choose("optimizer", optimizer, {"adamw", "muon"});
  trainer.optimizer = optimizer == "muon" ? OptimizerKind::kMuon : OptimizerKind::kAdamW;
  const bool is_muon = trainer.optimizer == OptimizerKind::kMuon;
  train.read("muon_momentum", trainer.muon.momentum, 0, 0.999999);
  train.read("adamw_ratio", trainer.muon.adamw_ratio, 0, 1000);
  for (const char* key : {"muon_momentum", "adamw_ratio"}) {
    if (!is_muon && train.find(key) != nullptr)
      train.fail("{} means nothing unless optimizer is \"muon\"", key);
  }
  train.read("balance_loss_alpha", trainer.balance_loss_alpha, 0, 100);
  train.read("first_mtp_loss", trainer.first_mtp_loss, 0, 100);
  train.read("last_mtp_loss", trainer.last_mtp_loss, 0, 100);
  train.read("mtp_change", trainer.mtp_change, 0, 1);
  train.read("max_skipped_steps", trainer.max_skipped_steps, 0, kMany);
  train.read("ema_decay", trainer.ema_decay, 0, 0.9999999);
  train.finish();

  Table rate(document, "learning_rate", error);
  LearningRateSchedule& schedule = trainer.learning_rate;
  rate.read("peak", schedule.peak, 0, 100);
  rate.read("warmup_steps", schedule.warmup_steps, 0, kMany);
  rate.read("decay_begin", schedule.decay_begin, 0, 1);
  rate.read("decay_end", schedule.decay_end, 0, 1);
  rate.read("tail_begin", schedule.tail_begin, 0, 1);
  rate.read("end_ratio", schedule.end_ratio, 0, 1);
  rate.read("tail_ratio", schedule.tail_ratio, 0, 1);
  if (schedule.decay_begin >= schedule.decay_end || schedule.decay_end > schedule.tail_begin)
    rate.fail("decay_begin, decay_end and tail_begin do not follow each other");
  rate.finish();

  Table batch(document, "batch", error);
  batch.read("first_tokens", trainer.batch.first_tokens, 1, 1 << 30);
  batch.read("last_tokens", trainer.batch.last_tokens, 1, 1 << 30);
  batch.read("ramp_share", trainer.batch.ramp_share, 0, 1);
  batch.finish();

  Table bias(document, "router_bias", error);
  bias.read("first_gamma", trainer.router_bias.first_gamma, 0, 1);
  bias.read("gamma", trainer.router_bias.gamma, 0, 1);
  bias.read("first_share", trainer.router_bias.first_share, 0, 1);
  bias.read("last_share", trainer.router_bias.last_share, 0, 1);
  bias.finish();
}

void read_run(const json& document, RunRecipe& run, std::optional<Error>& error) {
  Table table(document, "run", error);
  std::string output, what = "weights";
  table.read("output", output);
  if (output.empty()) table.fail("output is missing");
  run.output = output;
  table.read("checkpoint_every", run.checkpoint_every, 1, kMany);
  table.read("keep_checkpoints", run.keep_checkpoints, 1, kMany);
  table.read("threads", run.threads, 0, 1024);
  table.choose("export", what, {"weights", "average"});
  run.export_average = what == "average";
  table.finish();
}

void read_evaluation(const json& document, EvaluationRecipe& evaluation,
                     std::optional<Error>& error) {
  Table table(document, "evaluation", error);
  table.read("every", evaluation.every, 1, kMany);
  table.read("items", evaluation.items, 1, 10000);
  table.read("max_tokens", evaluation.max_tokens, 1, 1 << 16);
  if (const json* samples = table.find("samples"); samples != nullptr) {
    if (!samples->is_array()) table.fail("samples is no list of prompts");
    for (const json& prompt : samples->is_array() ? *samples : json::array()) {
      if (!prompt.is_string() || prompt.get<std::string>().empty())
        table.fail("samples is no list of prompts");
      else
        evaluation.samples.push_back(prompt.get<std::string>());
    }
  }
  table.finish();
}

void read_cost(const json& document, CostRecipe& cost, std::optional<Error>& error) {
  Table table(document, "cost", error);
  table.read("price_per_hour", cost.price_per_hour, 0, 1e6);
  table.read("watts", cost.watts, 1, 1e9);
  table.read("currency", cost.currency);
  const bool is_code =
      cost.currency.size() == 3 && std::all_of(cost.currency.begin(), cost.currency.end(),
                                               [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_code)
    table.fail("currency is \"{}\", not three letters like USD", printable(cost.currency));
  table.finish();
}

}  // namespace

Result<Recipe> Recipe::parse(std::string_view text, const std::filesystem::path& folder,
                             int depth) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return corrupt("line {}: {}", parsed.error().source().begin.line,
                   printable(parsed.error().description()));
  }
  SPUTNIK_TRY(const json document, as_json(parsed.table()));
  std::optional<Error> error;
  for (const auto& [key, value] : document.items()) {
    static const std::set<std::string> kTables = {
        "model",         "initialization", "tokenizer",   "data",       "source", "train",
        "learning_rate", "batch",          "router_bias", "evaluation", "run",    "cost"};
    if (!kTables.contains(key))
      return invalid_argument("[{}]: there is no such table", printable(key));
  }
  Recipe recipe;
  Table initialization(document, "initialization", error);
  std::string base;
  initialization.read("from", base);
  if (!base.empty() && !error) {
    constexpr int kMaxBases = 8;
    if (depth == kMaxBases) {
      return invalid_argument("[initialization] from: more than {} recipes start from each other",
                              kMaxBases);
    }
    for (const char* name : {"model", "tokenizer"}) {
      if (document.contains(name))
        return invalid_argument("[{}] is here, but [initialization] from decides it", name);
    }
    SPUTNIK_TRY(Recipe loaded, load(folder / base, depth + 1));
    recipe.base = std::make_shared<const Recipe>(std::move(loaded));
  }
  std::int64_t initial_seed = 0;
  if (base.empty()) {
    initialization.read("deviation", recipe.initialization.deviation, 1e-6, 10);
    initialization.read("seed", initial_seed, 0, INT64_MAX);
  }
  initialization.finish();
  recipe.initialization.seed = static_cast<std::uint64_t>(initial_seed);

  Table tokenizer(document, "tokenizer", error);
  std::string tokenizer_path;
  tokenizer.read("path", tokenizer_path);
  if (!tokenizer_path.empty()) recipe.tokenizer.path = folder / tokenizer_path;
  tokenizer.read("vocab_size", recipe.tokenizer.vocab_size, 1, 1 << 20);
  tokenizer.read("documents", recipe.tokenizer.n_documents, 1, 1 << 24);
  tokenizer.finish();

  Table data(document, "data", error);
  std::int64_t seed = 0;
  data.read("context_length", recipe.data.context_length, 2, 1 << 20);
  data.read("fim_rate", recipe.data.fim_rate, 0, 1);
  data.read("mtp_share", recipe.data.mtp_share, 0, 1);
  data.read("split_newline_rate", recipe.data.split_newline_rate, 0, 1);
  data.read("seed", seed, 0, INT64_MAX);
  data.finish();
  recipe.data.seed = static_cast<std::uint64_t>(seed);
  if (recipe.base != nullptr) {
    recipe.config = recipe.base->config;
    check_context(recipe,
                  recipe.config->value("max_position_embeddings", recipe.base->data.context_length),
                  error);
  } else {
    read_model(document, recipe, error);
  }

  const auto sources = document.find("source");
  if (!error && (sources == document.end() || !sources->is_array() || sources->empty()))
    error = invalid_argument("[[source]] is missing: there is nothing to learn from");
  for (std::size_t i = 0; !error && i < sources->size(); ++i) {
    if ((*sources)[i].is_object()) {
      read_source((*sources)[i], i, folder, recipe, error);
    } else {
      error = invalid_argument("[[source]] {} is no table", i + 1);
    }
  }
  read_trainer(document, recipe.trainer, error);
  read_run(document, recipe.run, error);
  read_evaluation(document, recipe.evaluation, error);
  read_cost(document, recipe.cost, error);
  if (error) return *error;
  if (recipe.trainer.ema_decay == 0 && recipe.run.export_average)
    return invalid_argument("[run] export is \"average\", but [train] ema_decay is 0");
  json identity = document;
  identity.erase("run");
  if (recipe.base != nullptr) identity["initialization"]["from"] = recipe.base->hash;
  identity.erase("evaluation");
  identity.erase("cost");
  recipe.hash = fmt::format("{:016x}", stable_hash(identity.dump()));
  return recipe;
}

Result<Recipe> Recipe::load(const std::filesystem::path& path) {
  return load(path, 0);
}

Result<Recipe> Recipe::load(const std::filesystem::path& path, int depth) {
  SPUTNIK_TRY(const std::string text, read_file(path, kMaxRecipeBytes));
  auto recipe = parse(text, path.parent_path(), depth);
  if (!recipe.ok()) return std::move(recipe).error().in(path.string());
  recipe.value().name = path.stem().string();
  return recipe;
}

Result<std::vector<Packer::Source>> Recipe::open_sources() const {
  std::vector<Packer::Source> opened;
  for (const SourceRecipe& source : sources) {
    switch (source.kind) {
      case SourceRecipe::Kind::kText: {
        SPUTNIK_TRY(auto texts, open_text_source(source.path, data.seed));
        opened.push_back({std::move(texts), source.share});
        break;
      }
      case SourceRecipe::Kind::kDialogues: {
        SPUTNIK_TRY(auto dialogues,
                    open_dialogue_source(source.path, data.seed, source.learn_prompts));
        opened.push_back({std::move(dialogues), source.share});
        break;
      }
      case SourceRecipe::Kind::kTasks:
        opened.push_back({make_task_source(source.tasks), source.share});
        break;
      case SourceRecipe::Kind::kTalk: {
        SPUTNIK_TRY(auto talk, open_talk_source(source.talk));
        opened.push_back({std::move(talk), source.share});
        break;
      }
    }
  }
  return opened;
}

}  // namespace sputnik
