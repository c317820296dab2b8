// Whole runs of a micro model: it learns, and stopping changes no bit.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/rng.h"
#include "formats/gguf_testing.h"
#include "kernels/dispatch.h"
#include "tokenizer/bpe_trainer.h"
#include "train/checkpoint_file.h"
#include "train/micro_model_testing.h"

namespace sputnik {
namespace {

const nlohmann::json kIdentity = {{"architecture", "deepseek_v3"}, {"recipe", "1"}};

TrainerOptions micro_options(std::int64_t n_steps) {
  TrainerOptions options;
  options.n_steps = n_steps;
  options.learning_rate.peak = 0.01;
  options.learning_rate.warmup_steps = 3;
  options.batch = {100, 250, 0.5};
  options.micro_batch_tokens = 100;
  options.ema_decay = 0.9;
  return options;
}

class TrainerTest : public testing::Test {
 protected:
  // A trainer and all that it borrows.
  struct Run {
    explicit Run(const TrainerOptions& options)
        : model(std::move(TrainableModel::create(micro_config(), {0.05, 1})).value()),
          packer(micro_packer(tokenizer)),
          trainer(model, packer, pool, *kernels::choose_table("").value(), options) {}
    Tokenizer tokenizer = micro_tokenizer();
    TrainableModel model;
    Packer packer;
    ThreadPool pool{2};
    Trainer trainer;

    std::vector<std::uint32_t> bits() const {
      std::vector<std::uint32_t> bits;
      for (const Parameter& p : model.parameters->all()) {
        for (const float value : p.value) bits.push_back(std::bit_cast<std::uint32_t>(value));
        for (const float value : trainer.averaged(p))
          bits.push_back(std::bit_cast<std::uint32_t>(value));
      }
      return bits;
    }
  };

  TestFolder folder_;
};

TEST_F(TrainerTest, TheLossFallsAndBiasesMove) {
  for (const OptimizerKind optimizer : {OptimizerKind::kAdamW, OptimizerKind::kMuon}) {
    TrainerOptions options = micro_options(60);
    options.optimizer = optimizer;
    Run run(options);
    double first = 0, last = 0;
    for (int i = 0; i < 60; ++i) {
      const auto report = run.trainer.step();
      ASSERT_TRUE(report.ok()) << report.error().message;
      if (i == 0) first = report.value().loss;
      last = report.value().loss;
      EXPECT_GT(report.value().mtp_loss, 0);
    }
    EXPECT_NEAR(first, std::log(512.0), 0.5);
    EXPECT_LT(last, first - 1);
    bool moved = false;
    for (const Parameter& p : run.model.parameters->all()) {
      if (!p.is_trained)
        moved =
            moved || std::any_of(p.value.begin(), p.value.end(), [](float b) { return b != 0; });
    }
    EXPECT_TRUE(moved);
  }
}

TEST_F(TrainerTest, StoppingAndGoingOnChangesNoBit) {
  constexpr int kSteps = 12;
  for (const OptimizerKind optimizer : {OptimizerKind::kAdamW, OptimizerKind::kMuon}) {
    TrainerOptions options = micro_options(kSteps);
    options.optimizer = optimizer;
    Run straight(options);
    for (int i = 0; i < kSteps; ++i) ASSERT_TRUE(straight.trainer.step().ok());
    Rng rng(7);
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto path = folder_.path() / "checkpoint";
      int n_stops = 0;
      auto run = std::make_unique<Run>(options);
      for (int i = 0; i < kSteps; ++i) {
        ASSERT_TRUE(run->trainer.step().ok());
        if (rng.next() % 3 != 0) continue;
        ++n_stops;
        ASSERT_TRUE(run->trainer.save(path, kIdentity).ok());
        run = std::make_unique<Run>(options);
        const auto loaded = run->trainer.load(path, kIdentity);
        ASSERT_TRUE(loaded.ok()) << loaded.error().message;
      }
      EXPECT_GT(n_stops, 0);
      EXPECT_EQ(run->bits(), straight.bits());
      EXPECT_EQ(run->trainer.n_tokens_total(), straight.trainer.n_tokens_total());
    }
  }
}

TEST_F(TrainerTest, ACheckpointOfSomethingElseIsRefusedByName) {
  Run run(micro_options(4));
  ASSERT_TRUE(run.trainer.step().ok());
  const auto path = folder_.path() / "checkpoint";
  ASSERT_TRUE(run.trainer.save(path, kIdentity).ok());
  const auto before = run.bits();
  nlohmann::json other = kIdentity;
  other["architecture"] = "llama";
  const auto refused = run.trainer.load(path, other);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("architecture is \"deepseek_v3\""), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(run.bits(), before);

  std::string bytes = read_file(path).value();
  bytes[8] = 2;
  const auto version = CheckpointFile::open(folder_.write("version", bytes));
  ASSERT_FALSE(version.ok());
  EXPECT_EQ(version.error().code, ErrorCode::kUnsupported);
}

TEST_F(TrainerTest, ACheckpointOfTheOtherOptimizerIsRefusedByName) {
  TrainerOptions with_muon = micro_options(4);
  with_muon.optimizer = OptimizerKind::kMuon;
  Run adamw(micro_options(4)), muon(with_muon);
  const auto path = folder_.path() / "checkpoint";
  const auto error_of = [&](Run& writer, Run& reader, const nlohmann::json& identity) {
    EXPECT_TRUE(writer.trainer.save(path, kIdentity).ok());
    const auto before = reader.bits();
    const auto loaded = reader.trainer.load(path, identity);
    EXPECT_EQ(reader.bits(), before);
    return loaded.ok() ? "" : loaded.error().message;
  };
  nlohmann::json other_recipe = kIdentity;
  other_recipe["recipe"] = "2";
  EXPECT_EQ(error_of(adamw, muon, other_recipe),
            path.string() + ": its optimizer is \"adamw\", but the recipe's is \"muon\"");
  EXPECT_EQ(error_of(muon, adamw, other_recipe),
            path.string() + ": its optimizer is \"muon\", but the recipe's is \"adamw\"");
  EXPECT_EQ(error_of(muon, muon, kIdentity), "");
}

TEST_F(TrainerTest, ACheckpointThatNamesNoOptimizerIsOfAdamW) {
  TrainerOptions with_muon = micro_options(4);
  with_muon.optimizer = OptimizerKind::kMuon;
  Run adamw(micro_options(4)), again(micro_options(4)), muon(with_muon);
  ASSERT_TRUE(adamw.trainer.step().ok());
  const auto path = folder_.path() / "checkpoint";
  ASSERT_TRUE(adamw.trainer.save(path, kIdentity).ok());
  const CheckpointFile file = CheckpointFile::open(path).value();
  nlohmann::json header = file.header();
  std::vector<CheckpointArray> arrays;
  for (const nlohmann::json& entry : header["arrays"]) {
    const std::string name = entry[0].get<std::string>();
    arrays.push_back({name, file.values(name, entry[1].get<std::size_t>()).value()});
  }
  header.erase("optimizer");
  const auto old_path = folder_.path() / "old";
  ASSERT_TRUE(write_checkpoint_file(old_path, header, arrays).ok());
  const auto loaded = again.trainer.load(old_path, kIdentity);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(again.bits(), adamw.bits());
  EXPECT_FALSE(muon.trainer.load(old_path, kIdentity).ok());
}

TEST_F(TrainerTest, ACheckpointThatIsCutOrChangedIsRefused) {
  Run run(micro_options(4));
  ASSERT_TRUE(run.trainer.step().ok());
  const auto path = folder_.path() / "checkpoint";
  ASSERT_TRUE(run.trainer.save(path, kIdentity).ok());
  const std::string bytes = read_file(path).value();
  ASSERT_TRUE(CheckpointFile::open(path).ok());
  Rng rng(2);
  for (int i = 0; i < 40; ++i) {
    const auto at = static_cast<std::size_t>(rng.next() % bytes.size());
    EXPECT_FALSE(CheckpointFile::open(folder_.write("cut", bytes.substr(0, at))).ok()) << at;
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(CheckpointFile::open(folder_.write("changed", changed)).ok()) << at;
  }
}

TEST_F(TrainerTest, ALossThatIsNotANumberStopsBeforeTheWeightsChange) {
  Run run(micro_options(4));
  ASSERT_TRUE(run.trainer.step().ok());
  Parameter& embedding = *run.model.parameters->find("model.embed_tokens.weight");
  std::fill(embedding.value.begin(), embedding.value.end(),
            std::numeric_limits<float>::quiet_NaN());
  run.model.parameters->changed();
  const auto before = run.bits();
  const auto cursors = run.packer.cursors();
  const auto report = run.trainer.step();
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("step 2: the loss is nan"), std::string::npos)
      << report.error().message;
  EXPECT_EQ(run.bits(), before);
  EXPECT_EQ(run.packer.cursors(), cursors);
}

TEST(CheckpointFolder, ListsTheNewestFirst) {
  TestFolder folder;
  for (const std::int64_t step : {5, 100, 20}) {
    std::ofstream(checkpoint_path(folder.path(), step)) << "x";
  }
  folder.write("checkpoint-00000007.tmp", "x");
  const auto paths = checkpoints_in(folder.path());
  ASSERT_EQ(paths.size(), 3u);
  EXPECT_EQ(paths[0], checkpoint_path(folder.path(), 100));
  EXPECT_EQ(paths[2], checkpoint_path(folder.path(), 5));
}

}  // namespace
}  // namespace sputnik
