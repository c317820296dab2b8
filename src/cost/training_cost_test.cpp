// Counts by hand, counts of the real operations' memory, and DeepSeek-V3's published sizes.
#include "cost/training_cost.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "autograd/trainable_model.h"
#include "base/memory.h"
#include "base/rng.h"
#include "cost/presets.h"
#include "cost/published.h"
#include "kernels/dispatch.h"
#include "train/micro_model_testing.h"

namespace sputnik {
namespace {

constexpr auto kBf16 = TrainingPrecision::kBfloat16;

std::map<std::string, TrainingFlops> count(const nlohmann::json& config, bool checkpoint_layers,
                                           const std::vector<std::int64_t>& lengths, bool mtp) {
  const ShapeModel shape = ShapeModel::create(config).value();
  TrainingWork work;
  for (const std::int64_t n : lengths) {
    const auto x = static_cast<double>(n);
    work.main += {x, x * (x + 1) / 2};
    if (mtp) work.mtp += {x, x * (x + 1) / 2};
  }
  return TrainingCost(*shape.model, kBf16, checkpoint_layers).flops_by_operation(work);
}

// micro_config: hidden 32, 2 heads of 16 + 8 and 16, q latent 24, kv latent 16, dense 48, 8 experts
// of 16, 2 of them and a shared one per token, 512 tokens, one layer dense and one of experts.
// Sequences of 10 and 6 tokens: 16 tokens, 55 + 21 = 76 pairs.
TEST(TrainingCost, IsWhatACountByHandSays) {
  const auto flops = count(micro_config(), false, {10, 6}, false);
  const double attention_weights =
      32 * 24 + 24 * 2 * (16 + 8) + 32 * (16 + 8) + 16 * 2 * (16 + 16) + 2 * 16 * 32;
  const double dense = 3 * 32 * 48, shared = 3 * 32 * 16, router = 8 * 32;
  const double linear = 2 * 16 * (2 * attention_weights + dense + shared + router);
  ASSERT_EQ(flops.size(), 4u);
  EXPECT_EQ(flops.at("linear").forward, linear);
  EXPECT_EQ(flops.at("linear").backward, 2 * linear);  // for the input and for the weight
  EXPECT_EQ(flops.at("linear").again, 0);
  const double experts = 2 * 16 * 2 * 3 * 32 * 16;  // two of them
  EXPECT_EQ(flops.at("moe_ffn").forward, experts);
  EXPECT_EQ(flops.at("moe_ffn").backward, 2 * experts);
  EXPECT_EQ(flops.at("moe_ffn").again, 0);
  // 2 layers, 2 heads: q k over 24, p v over 16. Back: dv, dp over 16, dq, dk over 24, and q k
  // again.
  EXPECT_EQ(flops.at("attention").forward, 2 * 76 * 2 * 2 * (24 + 16));
  EXPECT_EQ(flops.at("attention").backward, 2 * 76 * 2 * 2 * 2 * (24 + 16));
  EXPECT_EQ(flops.at("attention").again, 2 * 76 * 2 * 2 * 24);
  EXPECT_EQ(flops.at("cross_entropy").forward, 2 * 16 * 512 * 32);
  EXPECT_EQ(flops.at("cross_entropy").backward, 2 * 2 * 16 * 512 * 32);
  EXPECT_EQ(flops.at("cross_entropy").again, 0);
}

TEST(TrainingCost, ThePredictionModuleIsALayerAProductAndTheHead) {
  const auto without = count(micro_config(), false, {10, 6}, false);
  const auto with = count(micro_config(), false, {10, 6}, true);
  const double attention_weights =
      32 * 24 + 24 * 2 * (16 + 8) + 32 * (16 + 8) + 16 * 2 * (16 + 16) + 2 * 16 * 32;
  EXPECT_EQ(with.at("linear").forward - without.at("linear").forward,
            2 * 16 * (attention_weights + 3 * 32 * 16 + 8 * 32 + 64 * 32));
  EXPECT_EQ(with.at("moe_ffn").forward, 2 * without.at("moe_ffn").forward);
  EXPECT_EQ(with.at("attention").forward, 1.5 * without.at("attention").forward);
  EXPECT_EQ(with.at("cross_entropy").forward, 2 * without.at("cross_entropy").forward);
}

TEST(TrainingCost, CheckpointedLayersAreComputedTwice) {
  const auto plain = count(micro_config(), false, {10, 6}, false);
  const auto checkpointed = count(micro_config(), true, {10, 6}, false);
  for (const auto& [name, flops] : checkpointed) {
    EXPECT_EQ(flops.forward, plain.at(name).forward) << name;
    EXPECT_EQ(flops.backward, plain.at(name).backward) << name;
    const double twice = name == "cross_entropy" ? 0 : flops.forward;
    EXPECT_EQ(flops.again, plain.at(name).again + twice) << name;
  }
}

TEST(TrainingCost, GroupedQueriesAndADenseModelAreCountedToo) {
  const nlohmann::json config = {
      {"model_type", "llama"},         {"vocab_size", 100},      {"hidden_size", 32},
      {"intermediate_size", 48},       {"num_hidden_layers", 3}, {"num_attention_heads", 4},
      {"num_key_value_heads", 2},      {"head_dim", 8},          {"rms_norm_eps", 1e-6},
      {"max_position_embeddings", 64}, {"rope_theta", 10000.0},  {"tie_word_embeddings", true}};
  const auto flops = count(config, false, {5}, false);
  EXPECT_EQ(flops.at("linear").forward, 2 * 5 * 3 * (32 * 32 * 2 + 32 * 16 * 2 + 3 * 32 * 48));
  EXPECT_EQ(flops.at("attention").forward, 2 * 15 * 3 * 4 * (8 + 8));
  EXPECT_EQ(flops.at("cross_entropy").forward, 2 * 5 * 100 * 32);
  const ShapeModel shape = ShapeModel::create(config).value();
  EXPECT_EQ(shape.n_parameters,
            100 * 32 + 32 + 3 * (2 * 32 + 32 * 32 * 2 + 32 * 16 * 2 + 3 * 32 * 48));
}

TEST(TrainingCost, IsTheSameForABatchAsForTheSumOfItsSequences) {
  const ShapeModel shape = ShapeModel::create(micro_config()).value();
  const std::vector<std::int64_t> lengths = {1, 17, 64, 3};
  PackedBatch packed;
  for (const std::int64_t n : lengths) {
    const PackedBatch one = blank_batch(n, n);
    packed.batch.add(one.batch.tokens, 0, {}, 0);
    packed.targets.insert(packed.targets.end(), one.targets.begin(), one.targets.end());
    packed.counts.insert(packed.counts.end(), one.counts.begin(), one.counts.end());
  }
  TrainingCostOps ops(kBf16, true, 2);
  (void)shape.model->losses(ops, packed.batch, {packed.targets, packed.counts}, nullptr);
  const TrainingFlops direct = ops.flops();
  const TrainingFlops sum =
      TrainingCost(*shape.model, kBf16, true).flops({sums_of(packed.batch), {}});
  EXPECT_EQ(sum.forward, direct.forward);
  EXPECT_EQ(sum.backward, direct.backward);
  EXPECT_EQ(sum.again, direct.again);
}

// A model that is large enough for its sizes to say something; its expert loads are even.
nlohmann::json larger_config(bool mtp) {
  nlohmann::json config = micro_config();
  config["hidden_size"] = 96;
  config["intermediate_size"] = 256;
  config["moe_intermediate_size"] = 64;
  config["num_hidden_layers"] = 4;
  config["vocab_size"] = 1000;
  config["num_nextn_predict_layers"] = mtp ? 1 : 0;
  return config;
}

TEST(TrainingMemory, IsWhatTrainingOpsTakes) {
  for (const double mtp_share : {0.0, 0.3, 1.0}) {
    for (const bool checkpoint_layers : {false, true}) {
      for (const auto precision : {kBf16, TrainingPrecision::kFloat32}) {
        SCOPED_TRACE(testing::Message() << "mtp " << mtp_share << ", layers checkpointed "
                                        << checkpoint_layers << ", bf16 " << (precision == kBf16));
        const nlohmann::json config = larger_config(mtp_share > 0);
        TrainableModel trainable = TrainableModel::create(config, {0.02, 1}).value();
        ThreadPool pool(2);
        TrainingOptions options;
        options.precision = precision;
        options.checkpoint_layers = checkpoint_layers;
        options.balance_loss_alpha = 1e-4f;
        TrainingOps ops(*kernels::choose_table("").value(), pool, *trainable.parameters, options);
        PackedBatch packed = blank_batch(1000, 130, mtp_share);
        Rng rng(1);
        for (std::int32_t& token : packed.batch.tokens)
          token = static_cast<std::int32_t>(rng.next() % 1000);
        for (int step = 0; step < 2; ++step) {
          Tensor hidden;
          (void)trainable.model->losses(ops, packed.batch, {packed.targets, packed.counts},
                                        &hidden);
          if (mtp_share > 0) {
            (void)trainable.model->mtp_losses(ops, packed.next,
                                              ops.select_rows(hidden, packed.rows_before),
                                              {packed.targets_after, packed.counts_after});
          }
          ops.backward();
          trainable.parameters->changed();
        }
        ops.begin(packed.batch);
        TrainerOptions trainer;
        trainer.precision = precision;
        trainer.checkpoint_layers = checkpoint_layers;
        trainer.micro_batch_tokens = trainer.batch.last_tokens = 1000;
        const ShapeModel shape = ShapeModel::create(config).value();
        const TrainingMemory memory = training_memory(shape, trainer, 130, mtp_share, 2);
        EXPECT_NEAR(memory.of_ops() / static_cast<double>(ops.memory_bytes()), 1, 0.03);
        EXPECT_EQ(shape.n_parameters, trainable.parameters->n_values());
      }
    }
  }
}

TEST(TrainingMemory, HoldsTheMomentsOfTheOptimizer) {
  TrainableModel trainable = TrainableModel::create(larger_config(true), {0.02, 1}).value();
  ThreadPool pool(1);
  const auto& table = *kernels::choose_table("").value();
  const auto bytes_of = [](Optimizer& optimizer) {
    std::size_t bytes = 0;
    for (const Optimizer::StateArray& array : optimizer.state()) bytes += array.values.size_bytes();
    return static_cast<double>(bytes);
  };
  const ShapeModel shape = ShapeModel::create(larger_config(true)).value();
  TrainerOptions options;
  AdamW adamw(*trainable.parameters, {});
  EXPECT_EQ(training_memory(shape, options, 64, 1, 1).moments, bytes_of(adamw));
  options.optimizer = OptimizerKind::kMuon;
  Muon muon(*trainable.parameters, table.gemm_f32, {}, {});
  EXPECT_EQ(training_memory(shape, options, 64, 1, 1).moments, bytes_of(muon));
}

// The published sizes: 671 billion parameters, 37 billion of them for a token; the prediction
// module has 11.5 billion of its own beside embedding and head (DeepSeek-V3's README_WEIGHTS).
TEST(DeepseekV3, HasThePublishedSizes) {
  const ShapeModel v3 = ShapeModel::create(preset_config("deepseek-v3").value()).value();
  nlohmann::json without = preset_config("deepseek-v3").value();
  without["num_nextn_predict_layers"] = 0;
  const ShapeModel main = ShapeModel::create(without).value();
  EXPECT_NEAR(static_cast<double>(main.n_parameters), 671e9, 0.5e9);
  EXPECT_NEAR(static_cast<double>(v3.n_parameters - main.n_parameters), 11.5e9, 0.15e9);
  EXPECT_NEAR(static_cast<double>(v3.model->n_active_parameters()), 37e9, 0.7e9);
}

// Three figures of "Insights into DeepSeek-V3" (arXiv:2505.09343, table 4), of 2048 H800s in
// training: 272.80 billion tokens a day, and 385 TFLOPS each if attention counts causally, 432 if
// it does not. None went into our count, and all agree with it, if the prediction module is left
// out.
TEST(DeepseekV3, NeedsTheFlopsThatItsThroughputAndItsTflopsImply) {
  const double tokens_per_s = published::kV3TokensPerDay / 86400 / published::kV3Gpus;
  const ShapeModel v3 = ShapeModel::create(preset_config("deepseek-v3").value()).value();
  const TrainingCost cost(*v3.model, kBf16, false);
  const double causal = cost.flops(1, 4096, /*mtp_share=*/0).model();
  EXPECT_NEAR(causal * tokens_per_s / published::kV3CausalFlopsPerS, 1, 0.005);
  const double attention = cost.flops_by_operation({{1, 4097.0 / 2}, {}}).at("attention").model();
  EXPECT_NEAR((causal + attention) * tokens_per_s / published::kV3NonCausalFlopsPerS, 1, 0.005);
}

TEST(DeepseekV3, TheBillKnowsWhatItsPretrainingComputed) {
  const ShapeModel v3 = ShapeModel::create(preset_config("deepseek-v3").value()).value();
  const double flops =
      TrainingCost(*v3.model, kBf16, false).flops(published::kV3PretrainingTokens, 4096).model();
  EXPECT_NEAR(flops / published::kV3PretrainingFlops, 1, 0.005);
}

TEST(ShapeModel, AConfigurationThatIsNoneIsOneError) {
  for (const char* text : {"[]", "{}", R"({"model_type":"bert"})",
                           R"({"model_type":"deepseek_v3","tie_word_embeddings":"yes"})",
                           R"({"model_type":"deepseek_v3","num_nextn_predict_layers":1.5})"}) {
    EXPECT_FALSE(ShapeModel::create(nlohmann::json::parse(text)).ok()) << text;
  }
}

}  // namespace
}  // namespace sputnik
