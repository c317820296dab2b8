// Loss, gradients and parameters of published implementations with torch's autograd.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "autograd/trainable_model.h"
#include "autograd/training_ops.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "kernels/dispatch.h"
#include "train/adamw.h"

namespace sputnik {
namespace {

std::filesystem::path golden(const std::string& path) {
  return std::filesystem::path(SPUTNIK_SOURCE_DIR) / "tests/golden" / path;
}

struct GoldenCase {
  const char* name;
  const char* model;
  const char* expected;
};

void PrintTo(const GoldenCase& c, std::ostream* out) {
  *out << c.name;
}

// Two documents of 33 tokens each, and what follows each of them.
struct Step {
  Batch batch;
  std::vector<std::int32_t> targets;
  std::vector<float> weights;
};

class GoldenTraining : public testing::TestWithParam<GoldenCase> {
 protected:
  void SetUp() override {
    auto model = TrainableModel::load(golden(GetParam().model));
    ASSERT_TRUE(model.ok()) << model.error().message;
    model_ = std::move(model).value();
  }

  SafetensorsFile file(const std::string& name) const {
    return SafetensorsFile::open(golden(std::string(GetParam().expected) + "/" + name)).value();
  }

  Step step(int index) const {
    constexpr std::size_t kRow = 34;
    const auto tokens = file("batches.safetensors")
                            .values<std::int32_t>(fmt::format("step{}.tokens", index))
                            .value();
    Step step;
    for (std::size_t row = 0; row < tokens.size(); row += kRow) {
      step.batch.add(std::span(tokens).subspan(row, kRow - 1), 0, {}, 0);
      step.targets.insert(step.targets.end(), tokens.begin() + static_cast<std::ptrdiff_t>(row + 1),
                          tokens.begin() + static_cast<std::ptrdiff_t>(row + kRow));
    }
    step.weights.assign(step.targets.size(), 1 / static_cast<float>(step.targets.size()));
    return step;
  }

  double run(TrainingOps& ops, const Step& step, std::vector<float>* losses = nullptr) {
    model_.parameters->zero_gradients();
    const Tensor y = model_.model->losses(ops, step.batch, {step.targets, step.weights}, nullptr);
    double mean = 0;
    for (std::int64_t t = 0; t < y.n_tokens; ++t)
      mean += static_cast<double>(*y.row(t)) / static_cast<double>(y.n_tokens);
    if (losses != nullptr) losses->assign(y.data, y.data + y.n_tokens);
    ops.backward();
    return mean;
  }

  // The relative L2 distance of the worst parameter's gradient.
  double worst_gradient() {
    const SafetensorsFile expected = file("grads.safetensors");
    double worst = 0;
    for (const Parameter& p : model_.parameters->all()) {
      if (!p.is_trained) continue;
      const auto want = expected.values<float>(p.name).value();
      double difference = 0, norm = 0;
      for (std::size_t i = 0; i < want.size(); ++i) {
        const double d = static_cast<double>(p.gradient[i]) - static_cast<double>(want[i]);
        difference += d * d;
        norm += static_cast<double>(want[i]) * static_cast<double>(want[i]);
      }
      worst = std::max(worst, std::sqrt(difference / std::max(norm, 1e-30)));
    }
    return worst;
  }

  TrainableModel model_;
};

const TrainingOptions kExact{TrainingPrecision::kFloat32};

TEST_P(GoldenTraining, LossAndGradients) {
  const auto expected =
      parse_json(
          read_file(golden(std::string(GetParam().expected) + "/expected.json"), 1 << 20).value())
          .value();
  const auto token_losses = file("batches.safetensors").values<float>("step0.token_losses").value();
  const Step first = step(0);
  for (const kernels::KernelTable* table : kernels::all_tables()) {
    if (!table->supported()) continue;
    for (const bool checkpoint : {false, true}) {
      SCOPED_TRACE(testing::Message() << table->name << " checkpoint=" << checkpoint);
      ThreadPool pool(2);
      TrainingOptions options = kExact;
      options.checkpoint_layers = checkpoint;
      TrainingOps ops(*table, pool, *model_.parameters, options);
      std::vector<float> losses;
      const double loss = run(ops, first, &losses);
      ASSERT_EQ(losses.size(), token_losses.size());
      for (std::size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], token_losses[i], 5e-5);
      const double expected_loss = expected["losses"][0].get<double>();
      EXPECT_NEAR(loss, expected_loss, 1e-5);
      const double worst = worst_gradient();
      EXPECT_LE(worst, 1e-4);
      fmt::print("{} {}: loss off by {:.1e}, worst gradient by {:.1e}\n", GetParam().name,
                 table->name, std::abs(loss - expected_loss), worst);
    }
  }
}

// Bfloat16 cannot match to many digits, and flips a near-tie of the router now and then; it must go
// the same way.
TEST_P(GoldenTraining, Bfloat16GradientsAreClose) {
  ThreadPool pool(2);
  TrainingOps ops(*kernels::choose_table("").value(), pool, *model_.parameters, {});
  (void)run(ops, step(0));
  const SafetensorsFile expected = file("grads.safetensors");
  double dot = 0, norm = 0, expected_norm = 0;
  for (const Parameter& p : model_.parameters->all()) {
    if (!p.is_trained) continue;
    const auto want = expected.values<float>(p.name).value();
    for (std::size_t i = 0; i < want.size(); ++i) {
      dot += static_cast<double>(p.gradient[i]) * static_cast<double>(want[i]);
      norm += std::pow(static_cast<double>(p.gradient[i]), 2);
      expected_norm += std::pow(static_cast<double>(want[i]), 2);
    }
  }
  const double cosine = dot / std::sqrt(norm * expected_norm);
  EXPECT_GE(cosine, 0.97);
  EXPECT_NEAR(std::sqrt(norm / expected_norm), 1, 0.05);
  fmt::print("{}: bfloat16 gradients have cosine {:.5f}\n", GetParam().name, cosine);
}

TEST_P(GoldenTraining, ParametersAfterThreeStepsOfAdamW) {
  ThreadPool pool(2);
  TrainingOps ops(*kernels::choose_table("").value(), pool, *model_.parameters, kExact);
  AdamW optimizer(*model_.parameters, {});
  std::vector<float> bias_before;
  for (const Parameter& p : model_.parameters->all()) {
    if (!p.is_trained) bias_before.insert(bias_before.end(), p.value.begin(), p.value.end());
  }
  for (int i = 0; i < 3; ++i) {
    (void)run(ops, step(i));
    optimizer.step(pool, 1e-3);
  }
  const SafetensorsFile expected = file("params_after_3_steps.safetensors");
  std::int64_t n = 0, n_off = 0;
  double largest = 0;
  for (const Parameter& p : model_.parameters->all()) {
    if (expected.find_tensor(p.name) == nullptr) continue;
    const auto want = expected.values<float>(p.name).value();
    ASSERT_EQ(want.size(), p.value.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      const double difference =
          std::abs(static_cast<double>(p.value[i]) - static_cast<double>(want[i]));
      largest = std::max(largest, difference);
      n_off += difference > 2e-6 ? 1 : 0;
      ++n;
    }
  }
  EXPECT_GT(n, 100'000);
  EXPECT_LE(largest, 1e-4);
  EXPECT_LE(n_off, n / 1000);
  std::vector<float> bias_after;
  for (const Parameter& p : model_.parameters->all()) {
    if (!p.is_trained) bias_after.insert(bias_after.end(), p.value.begin(), p.value.end());
  }
  EXPECT_EQ(bias_after, bias_before);
  fmt::print(
      "{}: after three steps {} of {} parameters are off by more than 2e-6, at most {:.1e}\n",
      GetParam().name, n_off, n, largest);
}

INSTANTIATE_TEST_SUITE_P(Case, GoldenTraining,
                         testing::Values(GoldenCase{"deepseek_v3", "deepseek-v3-tiny",
                                                    "train-deepseek-v3-tiny"},
                                         GoldenCase{"llama3", "llama3-tiny", "train-llama3-tiny"}),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace sputnik
