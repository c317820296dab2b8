#include "train/recipe.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "formats/gguf_testing.h"

namespace sputnik {
namespace {

std::string smoke_recipe() {
  return read_file(std::filesystem::path(SPUTNIK_SOURCE_DIR) / "recipes/tiny-smoke.toml").value();
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  if (at != std::string::npos) text.replace(at, what.size(), by);
  return text;
}

std::string error_of(const std::string& text) {
  const auto recipe = Recipe::parse(text, "folder");
  return recipe.ok() ? "" : recipe.error().message;
}

TEST(Recipe, IsReadWhole) {
  const auto recipe = Recipe::parse(smoke_recipe(), "folder");
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  EXPECT_EQ((*recipe.value().config)["hidden_size"], 64);
  EXPECT_EQ(recipe.value().trainer.n_steps, 30);
  EXPECT_EQ(recipe.value().sources.size(), 1u);
  EXPECT_EQ(recipe.value().hash.size(), 16u);
}

TEST(Recipe, ChoosesTheOptimizer) {
  const std::string good = smoke_recipe();
  EXPECT_EQ(Recipe::parse(good, "f").value().trainer.optimizer, OptimizerKind::kAdamW);
  const auto muon = Recipe::parse(
      replaced(good, "steps = 30",
               "steps = 30\noptimizer = \"muon\"\nmuon_momentum = 0.9\nadamw_ratio = 0.5"),
      "f");
  ASSERT_TRUE(muon.ok()) << muon.error().message;
  EXPECT_EQ(muon.value().trainer.optimizer, OptimizerKind::kMuon);
  EXPECT_EQ(muon.value().trainer.muon.momentum, 0.9);
  EXPECT_EQ(muon.value().trainer.muon.adamw_ratio, 0.5);
}

TEST(Recipe, WhatIsWrongIsNamedWithItsTable) {
  const std::string good = smoke_recipe();
  EXPECT_EQ(error_of(replaced(good, "steps = 30", "stpes = 30")), "[train] steps is missing");
  EXPECT_EQ(error_of(replaced(good, "steps = 30", "steps = 30\nlr = 1")),
            "[train] lr: there is no such key");
  EXPECT_EQ(error_of(replaced(good, "steps = 30", "steps = \"30\"")),
            "[train] steps is a string, not an integer");
  EXPECT_EQ(error_of(replaced(good, "steps = 30", "steps = 0")),
            "[train] steps is 0, not within 1..1000000000");
  EXPECT_EQ(error_of(replaced(good, "steps = 30", "steps = 30.5")),
            "[train] steps is 30.5, not an integer");
  EXPECT_EQ(error_of(replaced(good, "steps = 30", "steps = 30\noptimizer = \"muno\"")),
            "[train] optimizer is \"muno\", not \"adamw\" or \"muon\"");
  EXPECT_EQ(error_of(replaced(good, "steps = 30", "steps = 30\nmuon_momentum = 0.9")),
            "[train] muon_momentum means nothing unless optimizer is \"muon\"");
  EXPECT_EQ(error_of(replaced(good, "[train]", "[trian]")), "[trian]: there is no such table");
  EXPECT_EQ(
      error_of(replaced(good, "kind = \"tasks\"", "kind = \"task\"")),
      "[[source]] 1 kind is \"task\", not \"text\" or \"dialogues\" or \"talk\" or \"tasks\"");
  EXPECT_EQ(error_of(replaced(good, "hidden_size = 64", "hidden_sizes = 64")),
            "[model] hidden_sizes: there is no such key");
  EXPECT_EQ(error_of(replaced(good, "hidden_size = 64", "")), "[model] hidden_size is missing");
  EXPECT_EQ(error_of(replaced(good, "context_length = 128", "context_length = 4096")),
            "[data] context_length is 4096, but max_position_embeddings is 256");
  EXPECT_EQ(error_of(replaced(good, "peak = 0.01", "peak = inf")).substr(0, 5), "line ");
  EXPECT_EQ(error_of(replaced(good, "[train]", "[train")).substr(0, 5), "line ");
  EXPECT_NE(error_of(replaced(good, "\"addition\"", "\"no_such\"")).find("no_such"),
            std::string::npos);
  EXPECT_NE(error_of(""), "");
}

TEST(Recipe, MayStartFromAnothersResult) {
  const TestFolder folder;
  folder.write("base.toml", smoke_recipe());
  const std::string text =
      "[initialization]\nfrom = \"base.toml\"\n[data]\ncontext_length = 128\n[[source]]\nkind = "
      "\"tasks\"\n[train]\nsteps = 5\n[run]\noutput = \"tuned\"\n";
  const auto parse = [&](const std::string& recipe) {
    return Recipe::parse(recipe, folder.path());
  };
  const auto tuned = parse(text);
  ASSERT_TRUE(tuned.ok()) << tuned.error().message;
  ASSERT_NE(tuned.value().base, nullptr);
  EXPECT_EQ(tuned.value().base->trainer.n_steps, 30);
  EXPECT_EQ(*tuned.value().config, *tuned.value().base->config);

  EXPECT_EQ(parse("[tokenizer]\nvocab_size = 300\n" + text).error().message,
            "[tokenizer] is here, but [initialization] from decides it");
  EXPECT_EQ(parse(replaced(text, "from = ", "seed = 1\nfrom = ")).error().message,
            "[initialization] seed: there is no such key");
  EXPECT_NE(parse(replaced(text, "base.toml", "none.toml")).error().message.find("none.toml"),
            std::string::npos);
  EXPECT_EQ(parse(replaced(text, "context_length = 128", "context_length = 999")).error().message,
            "[data] context_length is 999, but max_position_embeddings is 256");

  // What the base learns is part of what this recipe is.
  folder.write("base.toml", replaced(smoke_recipe(), "steps = 30", "steps = 31"));
  EXPECT_NE(parse(text).value().hash, tuned.value().hash);

  folder.write("base.toml", text);  // from itself
  EXPECT_NE(parse(text).error().message.find("more than 8 recipes"), std::string::npos);
}

TEST(Recipe, SaysWhatTheMachineCosts) {
  const std::string good = smoke_recipe();
  EXPECT_EQ(Recipe::parse(good, "f").value().cost.price_per_hour, 0.08);
  const Recipe recipe =
      Recipe::parse(good + "\n[cost]\nprice_per_hour = 2\ncurrency = \"EUR\"\nwatts = 30\n", "f")
          .value();
  EXPECT_EQ(recipe.cost.price_per_hour, 2);
  EXPECT_EQ(recipe.cost.currency, "EUR");
  EXPECT_EQ(recipe.cost.watts, 30);
  EXPECT_EQ(error_of(good + "\n[cost]\ncurrency = \"euro\"\n"),
            "[cost] currency is \"euro\", not three letters like USD");
  EXPECT_EQ(error_of(good + "\n[cost]\nwatts = 0\n"),
            "[cost] watts is 0, not within 1..1000000000");
}

TEST(Recipe, ItsHashIsThatOfWhatIsTrained) {
  const std::string good = smoke_recipe();
  const auto hash = [](const std::string& text) { return Recipe::parse(text, "f").value().hash; };
  EXPECT_EQ(hash(good), hash("# a comment\n" + good));
  EXPECT_EQ(hash(good), hash(replaced(good, "checkpoint_every = 10", "checkpoint_every = 5")));
  EXPECT_NE(hash(good), hash(replaced(good, "peak = 0.01", "peak = 0.02")));
  EXPECT_EQ(hash(good), hash(good + "\n[cost]\nprice_per_hour = 2\n"));
}

}  // namespace
}  // namespace sputnik
