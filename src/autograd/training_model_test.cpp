// Whole models: training computes what inference computes, and nothing but the numbers that should
// matter changes a gradient.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "autograd/trainable_model.h"
#include "autograd/training_ops.h"
#include "base/rng.h"
#include "formats/safetensors.h"
#include "kernels/dispatch.h"
#include "model/loader.h"
#include "model/model_testing.h"

namespace sputnik {
namespace {

std::filesystem::path golden(const std::string& path) {
  return std::filesystem::path(SPUTNIK_SOURCE_DIR) / "tests/golden" / path;
}

std::vector<std::int32_t> random_tokens(std::int64_t n, std::int64_t vocab_size,
                                        std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < n; ++i) {
    tokens.push_back(
        static_cast<std::int32_t>(rng.next() % static_cast<std::uint64_t>(vocab_size)));
  }
  return tokens;
}

// Documents with the next token of each position as its target.
struct Packed {
  Batch batch;
  Batch next;  // for the prediction module: the tokens that follow
  std::vector<std::int32_t> targets, targets_after;
  std::vector<float> weights, weights_after;

  void add(const std::vector<std::int32_t>& tokens) {
    const auto n = static_cast<std::int64_t>(tokens.size()) - 1;
    const std::span<const std::int32_t> all(tokens);
    batch.add(all.first(static_cast<std::size_t>(n)), 0, {}, 0);
    next.add(all.subspan(1), 0, {}, 0);
    for (std::int64_t i = 0; i < n; ++i) {
      targets.push_back(tokens[i + 1]);
      weights.push_back(0.01f);
      const bool exists = i + 2 <= n;
      targets_after.push_back(exists ? tokens[i + 2] : 0);
      weights_after.push_back(exists ? 0.005f : 0.0f);
    }
  }
};

double weighted(const Tensor& losses, const std::vector<float>& weights) {
  double sum = 0;
  for (std::int64_t t = 0; t < losses.n_tokens; ++t)
    sum += static_cast<double>(*losses.row(t)) * static_cast<double>(weights[t]);
  return sum;
}

// Loss and gradients of a step, on whatever options say.
struct StepResult {
  double loss = 0;
  std::vector<float> losses, gradients;
};

StepResult run_step(TrainableModel& trainable, const Packed& packed, const TrainingOptions& options,
                    int n_threads) {
  ThreadPool pool(n_threads);
  TrainingOps ops(*kernels::choose_table("").value(), pool, *trainable.parameters, options);
  const Model& model = *trainable.model;
  trainable.parameters->zero_gradients();
  StepResult result;
  Tensor hidden;
  const Tensor main = model.losses(ops, packed.batch, {packed.targets, packed.weights}, &hidden);
  result.loss = weighted(main, packed.weights);
  result.losses.assign(main.data, main.data + main.n_tokens);
  if (model.num_nextn_predict_layers() > 0) {
    const Tensor after =
        model.mtp_losses(ops, packed.next, hidden, {packed.targets_after, packed.weights_after});
    result.loss += weighted(after, packed.weights_after);
    result.losses.insert(result.losses.end(), after.data, after.data + after.n_tokens);
  }
  ops.backward();
  result.loss += ops.balance_loss() * static_cast<double>(options.balance_loss_scale);
  for (const Parameter& p : trainable.parameters->all())
    result.gradients.insert(result.gradients.end(), p.gradient.begin(), p.gradient.end());
  return result;
}

class TrainingModel : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto trainable = TrainableModel::load(golden(GetParam()));
    ASSERT_TRUE(trainable.ok()) << trainable.error().message;
    trainable_ = std::move(trainable).value();
    for (const std::int64_t n : {70, 2, 33})
      packed_.add(random_tokens(n, trainable_.model->vocab_size(), static_cast<std::uint64_t>(n)));
  }
  TrainableModel trainable_;
  Packed packed_;
};

TEST_P(TrainingModel, LogitsAreThoseOfInference) {
  const LoadedModel loaded = load_model(golden(GetParam())).value();
  const auto tokens = random_tokens(90, loaded.model->vocab_size(), 1);
  for (const kernels::KernelTable* table : kernels::all_tables()) {
    if (!table->supported()) continue;
    RunOptions run;
    run.isa = table->name;
    ModelRunner runner(*loaded.model, run);
    const std::vector<float> expected = runner.run(tokens);
    ThreadPool pool(2);
    TrainingOps ops(*table, pool, *trainable_.parameters, {TrainingPrecision::kFloat32});
    Batch batch;
    batch.add(tokens, 0, {}, 0);
    const Tensor logits = trainable_.model->forward(ops, batch);
    const std::vector<float> actual(logits.data, logits.data + logits.size());
    const double difference = max_difference(actual, expected);
    EXPECT_LE(difference, 5e-5) << table->name;
    RecordProperty("largest_logit_difference", fmt::format("{:.2g}", difference));
  }
}

// More rows than either makes logits of at once.
TEST_P(TrainingModel, LossesAreThoseOfInference) {
  constexpr std::size_t kRows = 600;
  const LoadedModel loaded = load_model(golden(GetParam())).value();
  const auto tokens = random_tokens(kRows + 1, loaded.model->vocab_size(), 1);
  ModelRunner runner(*loaded.model, {}, 1, kRows);
  std::vector<std::int32_t> blocks;
  for (std::int32_t i = 0; i * 64 < static_cast<std::int32_t>(kRows); ++i) blocks.push_back(i);
  Batch cached;
  cached.add(std::span(tokens).first(kRows), 0, blocks, 0);
  const std::vector<std::int32_t> targets(tokens.begin() + 1, tokens.end());
  const Tensor expected = loaded.model->losses(runner.ops(), cached, {targets, {}});
  const std::vector<float> copy(expected.data, expected.data + kRows);
  ThreadPool pool(2);
  TrainingOps ops(*kernels::choose_table("").value(), pool, *trainable_.parameters,
                  {TrainingPrecision::kFloat32});
  Batch batch;
  batch.add(std::span(tokens).first(kRows), 0, {}, 0);
  const Tensor losses = trainable_.model->losses(ops, batch, {targets, {}});
  EXPECT_LE(max_difference(std::vector<float>(losses.data, losses.data + kRows), copy), 1e-4);
}

TEST_P(TrainingModel, ThreadsAndCheckpointsChangeNoBit) {
  for (const TrainingPrecision precision :
       {TrainingPrecision::kFloat32, TrainingPrecision::kBfloat16}) {
    TrainingOptions options{precision};
    options.balance_loss_alpha = 0.01f;
    const StepResult expected = run_step(trainable_, packed_, options, 1);
    for (const int n_threads : {1, 2, 3}) {
      for (const bool checkpoint : {false, true}) {
        options.checkpoint_layers = checkpoint;
        const StepResult actual = run_step(trainable_, packed_, options, n_threads);
        EXPECT_EQ(actual.losses, expected.losses) << n_threads << " threads, " << checkpoint;
        EXPECT_EQ(actual.gradients, expected.gradients) << n_threads << " threads, " << checkpoint;
      }
    }
  }
}

TEST_P(TrainingModel, DocumentsDoNotSeeEachOther) {
  for (const TrainingPrecision precision :
       {TrainingPrecision::kFloat32, TrainingPrecision::kBfloat16}) {
    const StepResult together = run_step(trainable_, packed_, {precision}, 2);
    std::vector<float> apart, apart_after;
    std::vector<double> sum(together.gradients.size(), 0.0);
    for (const std::int64_t n : {70, 2, 33}) {
      Packed one;
      one.add(random_tokens(n, trainable_.model->vocab_size(), static_cast<std::uint64_t>(n)));
      const StepResult result = run_step(trainable_, one, {precision}, 2);
      apart.insert(apart.end(), result.losses.begin(), result.losses.begin() + (n - 1));
      apart_after.insert(apart_after.end(), result.losses.begin() + (n - 1), result.losses.end());
      for (std::size_t i = 0; i < sum.size(); ++i)
        sum[i] += static_cast<double>(result.gradients[i]);
    }
    apart.insert(apart.end(), apart_after.begin(), apart_after.end());
    EXPECT_EQ(apart, together.losses);
    // Gradients are sums over all tokens, in another order and, in bfloat16, of the same numbers.
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < sum.size(); ++i) {
      difference += std::pow(sum[i] - static_cast<double>(together.gradients[i]), 2);
      norm += sum[i] * sum[i];
    }
    EXPECT_LE(std::sqrt(difference / norm), 1e-5);
  }
}

// A step along the gradient changes the loss by the square of its length.
TEST_P(TrainingModel, TheGradientPointsUphill) {
  TrainingOptions options{TrainingPrecision::kFloat32};
  options.balance_loss_alpha = 0.01f;
  const StepResult at = run_step(trainable_, packed_, options, 2);
  double square = 0;
  for (const float g : at.gradients) square += static_cast<double>(g) * static_cast<double>(g);
  const double step = 2e-4 / square;  // small: the choice of experts must stay
  const auto moved = [&](double by) {
    std::size_t i = 0;
    for (Parameter& p : trainable_.parameters->all()) {
      for (float& v : p.value)
        v = static_cast<float>(static_cast<double>(v) +
                               by * static_cast<double>(at.gradients[i++]));
    }
    trainable_.parameters->changed();
    return run_step(trainable_, packed_, options, 2).loss;
  };
  const double above = moved(step), below = moved(-2 * step);
  EXPECT_NEAR((above - below) / (2 * step) / square, 1, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Case, TrainingModel,
                         testing::Values("deepseek-v3-tiny", "deepseek-v2-lite-tiny",
                                         "deepseek-v2-tiny", "deepseek-v3-mtp-tiny", "qwen2-tiny",
                                         "qwen2-tied-tiny", "llama3-tiny", "llama3-tiny/bf16"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return c == '-' || c == '/'; }, '_');
                           return name;
                         });

TEST(TrainingMtp, LossesAreThoseOfTheGoldenLogits) {
  TrainableModel trainable = TrainableModel::load(golden("deepseek-v3-mtp-tiny")).value();
  const SafetensorsFile expected =
      SafetensorsFile::open(golden("deepseek-v3-mtp-tiny/expected.safetensors")).value();
  const auto tokens = expected.values<std::int32_t>("p33.tokens").value();
  const auto logits = expected.values<float>("p33.mtp.logits").value();
  const std::int64_t vocab = trainable.model->vocab_size();
  Packed packed;
  packed.add(tokens);
  const StepResult result = run_step(trainable, packed, {TrainingPrecision::kFloat32}, 2);
  const std::int64_t n = packed.batch.n_tokens();
  for (std::int64_t i = 0; i + 1 < n; ++i) {
    double sum = 0;
    for (std::int64_t v = 0; v < vocab; ++v)
      sum += std::exp(static_cast<double>(logits[i * vocab + v]));
    const double loss =
        std::log(sum) - static_cast<double>(logits[i * vocab + packed.targets_after[i]]);
    EXPECT_NEAR(result.losses[n + i], loss, 1e-4) << i;
  }
}

nlohmann::json tiny_config() {
  return {{"model_type", "deepseek_v3"},
          {"vocab_size", 64},
          {"hidden_size", 32},
          {"intermediate_size", 48},
          {"num_hidden_layers", 2},
          {"num_nextn_predict_layers", 1},
          {"first_k_dense_replace", 1},
          {"num_attention_heads", 2},
          {"qk_nope_head_dim", 8},
          {"qk_rope_head_dim", 4},
          {"v_head_dim", 8},
          {"q_lora_rank", 16},
          {"kv_lora_rank", 16},
          {"n_routed_experts", 4},
          {"num_experts_per_tok", 2},
          {"n_shared_experts", 1},
          {"moe_intermediate_size", 16},
          {"n_group", 2},
          {"topk_group", 1},
          {"topk_method", "noaux_tc"},
          {"scoring_func", "sigmoid"},
          {"norm_topk_prob", true},
          {"routed_scaling_factor", 1.0},
          {"max_position_embeddings", 512},
          {"rope_theta", 10000.0},
          {"rms_norm_eps", 1e-6},
          {"tie_word_embeddings", false}};
}

TEST(TrainableModel, ANewModelHasEveryWeightOfItsConfiguration) {
  TrainableModel trainable = TrainableModel::create(tiny_config(), {0.02, 7}).value();
  EXPECT_EQ(trainable.model->num_nextn_predict_layers(), 1);
  ASSERT_NE(trainable.parameters->find("lm_head.weight"), nullptr);
  ASSERT_NE(trainable.parameters->find("model.layers.2.eh_proj.weight"), nullptr);
  const Parameter* bias =
      trainable.parameters->find("model.layers.1.mlp.gate.e_score_correction_bias");
  ASSERT_NE(bias, nullptr);
  EXPECT_FALSE(bias->is_trained);
  EXPECT_TRUE(trainable.parameters->find("model.layers.1.mlp.gate.weight")->is_router);
  std::int64_t n = 0;
  for (const Weight* w : trainable.model->weights()) n += w->rows * w->cols;
  EXPECT_EQ(trainable.parameters->n_values(), n);

  double sum = 0, square = 0;
  const std::span<float> head = trainable.parameters->find("lm_head.weight")->value;
  for (const float v : head) {
    sum += static_cast<double>(v);
    square += static_cast<double>(v) * static_cast<double>(v);
  }
  const auto count = static_cast<double>(head.size());
  EXPECT_NEAR(sum / count, 0, 4 * 0.02 / std::sqrt(count));
  EXPECT_NEAR(std::sqrt(square / count), 0.02, 0.002);
  EXPECT_EQ(trainable.parameters->find("model.norm.weight")->value[5], 1.0f);
  const TrainableModel other = TrainableModel::create(tiny_config(), {0.02, 8}).value();
  EXPECT_NE(other.parameters->find("lm_head.weight")->value[0], head[0]);
}

TEST(TrainableModel, TiedEmbeddingsAreOneParameter) {
  nlohmann::json config = tiny_config();
  config["tie_word_embeddings"] = true;
  config["num_nextn_predict_layers"] = 0;
  TrainableModel trainable = TrainableModel::create(config, {}).value();
  EXPECT_EQ(trainable.parameters->find("lm_head.weight"), nullptr);
  EXPECT_EQ(trainable.model->num_nextn_predict_layers(), 0);
}

TEST(TrainableModel, WhatCannotBeTrainedIsRefusedWithItsName) {
  const auto fp8 = TrainableModel::load(golden("deepseek-v3-fp8-tiny"));
  ASSERT_FALSE(fp8.ok());
  EXPECT_EQ(fp8.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(fp8.error().message.find("F8_E4M3"), std::string::npos) << fp8.error().message;
  nlohmann::json config = tiny_config();
  config["hidden_size"] = 0;
  EXPECT_FALSE(TrainableModel::create(config, {}).ok());
}

}  // namespace
}  // namespace sputnik
