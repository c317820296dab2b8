// What to train, on what and how: one TOML file, checked whole before anything starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "autograd/trainable_model.h"
#include "base/result.h"
#include "train/packer.h"
#include "train/talk_source.h"
#include "train/trainer.h"

namespace sputnik {

struct TokenizerRecipe {
  std::filesystem::path path;  // of a tokenizer.json; empty: one is trained
  std::int64_t vocab_size = 4096;
  std::int64_t n_documents = 4000;  // of the sources, in their shares, to train it on
};

struct SourceRecipe {
  enum class Kind { kText, kDialogues, kTalk, kTasks };
  Kind kind = Kind::kTasks;
  std::filesystem::path path;  // empty: tasks
  bool learn_prompts = true;   // of dialogues
  TaskSourceOptions tasks;
  TalkSourceOptions talk;
  double share = 1;
};

struct RunRecipe {
  std::filesystem::path output;
  std::int64_t checkpoint_every = 100;  // steps
  std::int64_t keep_checkpoints = 2;
  bool export_average = false;
  std::int64_t threads = 0;  // 0: all that the process may use
};

// What is asked of the model while it learns; says nothing about what is trained.
struct EvaluationRecipe {
  std::int64_t every = 0;   // steps; 0: never
  std::int64_t items = 16;  // tasks of each family
  std::int64_t max_tokens = 400;
  std::vector<std::string> samples;  // prompts
};

// What the machine costs; says nothing about what is trained.
struct CostRecipe {
  double price_per_hour = 0.08;  // of two cores in a data centre, electricity included
  std::string currency = "USD";
  double watts = 0;  // of the machine at work, where its processor does not count; 0: a guess
};

// Paths of what is read are relative to the recipe's folder, the output to the working directory.
struct Recipe {
  std::string name;  // the file's, without its ending
  // What training starts from: the result of another recipe, which decides the model and the
  // tokenizer. Null: from nothing.
  std::shared_ptr<const Recipe> base;
  std::shared_ptr<const nlohmann::json> config;  // of the model, as config.json; the tokenizer's
                                                 // values are missing
  Initialization initialization;
  TokenizerRecipe tokenizer;
  PackerOptions data{.mtp_share = 0.25};
  std::vector<SourceRecipe> sources;
  TrainerOptions trainer;
  RunRecipe run;
  EvaluationRecipe evaluation;
  CostRecipe cost;
  std::string hash;  // of what is trained: not of [run], [evaluation], [cost]; and of the base's

  // Messages begin with the path, then name table and key, or the line: "tiny.toml: [batch]
  // ramp_share is 2, not within 0..1".
  static Result<Recipe> load(const std::filesystem::path& path);
  static Result<Recipe> parse(std::string_view text, const std::filesystem::path& folder) {
    return parse(text, folder, 0);
  }

  Result<std::vector<Packer::Source>> open_sources() const;

 private:
  // depth: how many recipes start from this one.
  static Result<Recipe> load(const std::filesystem::path& path, int depth);
  static Result<Recipe> parse(std::string_view text, const std::filesystem::path& folder,
                              int depth);
};

}  // namespace sputnik
