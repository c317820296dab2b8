// Against values that torch's autograd computed in float64 from the published formulas.
#include "train/grpo_loss.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "autograd/training_ops.h"
#include "base/mapped_file.h"
#include "formats/json.h"
#include "kernels/dispatch.h"

namespace sputnik {
namespace {

using nlohmann::json;
using Doubles = std::vector<double>;

const json& golden() {
  static const json file = parse_json(read_file(std::filesystem::path(SPUTNIK_SOURCE_DIR) /
                                                "tests/golden/grpo/grpo.json")
                                          .value())
                               .value();
  return file;
}

// The file's arrays are padded; what the mask leaves out holds junk.
Doubles unmasked(const json& row, const json& mask) {
  Doubles values;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (mask[i].get<double>() > 0) values.push_back(row[i].get<double>());
  }
  return values;
}

struct Answers {
  std::vector<Doubles> logp_new, logp_old, logp_ref;
  std::vector<GrpoSequence> sequences;

  Answers(const json& new_rows, const json& old_rows, const json& ref_rows, const json& mask,
          const json& advantages) {
    for (std::size_t i = 0; i < mask.size(); ++i) {
      logp_new.push_back(unmasked(new_rows[i], mask[i]));
      logp_old.push_back(unmasked(old_rows[i], mask[i]));
      logp_ref.push_back(unmasked(ref_rows[i], mask[i]));
    }
    for (std::size_t i = 0; i < mask.size(); ++i)
      sequences.push_back({logp_new[i], logp_old[i], logp_ref[i], advantages[i].get<double>()});
  }
};

GrpoOptions options_of(const json& params) {
  GrpoOptions options;
  options.ratio = params["level"] == "sequence" ? GrpoRatio::kSequence : GrpoRatio::kToken;
  const auto aggregate = params["aggregate"].get<std::string>();
  options.aggregation = aggregate == "seq_mean"     ? GrpoAggregation::kSequenceMean
                        : aggregate == "token_mean" ? GrpoAggregation::kTokenMean
                        : aggregate == "const"      ? GrpoAggregation::kConstant
                                                    : GrpoAggregation::kSequenceSum;
  options.clip_low = params["clip_low"];
  options.clip_high = params["clip_high"];
  options.kl_coef = params["beta"];
  options.max_length = params.value("max_len", 0.0);
  return options;
}

TEST(GrpoAdvantages, AreThoseOfEveryDefinition) {
  const std::map<std::string, AdvantageOptions> definitions = {
      {"population_std", {true, false, 0}},
      {"unbiased_std_eps1e-4", {true, true, 1e-4}},
      {"unbiased_std_eps1e-6", {true, true, 1e-6}},
      {"population_std_eps1e-6", {true, false, 1e-6}},
      {"mean_only", {false, false, 0}}};
  ASSERT_EQ(golden()["advantages"].size(), definitions.size());
  const Doubles rewards = golden()["inputs"]["rewards"];
  const std::vector<int> groups = golden()["inputs"]["group_of_sequence"];
  for (const auto& [name, options] : definitions) {
    const Doubles expected = golden()["advantages"][name]["values"];
    for (int group = 0; group <= groups.back(); ++group) {
      const auto begin = std::lower_bound(groups.begin(), groups.end(), group) - groups.begin();
      const auto end = std::upper_bound(groups.begin(), groups.end(), group) - groups.begin();
      const auto size = static_cast<std::size_t>(end - begin);
      const Doubles actual = group_advantages(
          std::span(rewards).subspan(static_cast<std::size_t>(begin), size), options);
      for (std::size_t i = 0; i < size; ++i)
        EXPECT_NEAR(actual[i], expected[static_cast<std::size_t>(begin) + i], 1e-12) << name;
    }
  }
}

TEST(GrpoLoss, LossAndGradientAreThoseOfEveryVariant) {
  const json& in = golden()["inputs"];
  ASSERT_EQ(golden()["losses"].size(), 8u);
  for (const auto& [name, expected] : golden()["losses"].items()) {
    SCOPED_TRACE(name);
    const auto adv = expected["params"]["adv"].get<std::string>();
    const Answers answers(in["logp_new"], in["logp_old"], in["logp_ref"], in["mask"],
                          golden()["advantages"][adv]["values"]);
    const GrpoResult actual = grpo_loss(answers.sequences, options_of(expected["params"]));
    EXPECT_NEAR(actual.loss, expected["loss"].get<double>(), 1e-12);
    EXPECT_NEAR(actual.mean_kl, expected["mean_kl"].get<double>(), 1e-12);
    EXPECT_NEAR(actual.clip_fraction, expected["clip_fraction"].get<double>(), 1e-12);
    for (std::size_t i = 0; i < actual.gradient.size(); ++i) {
      const Doubles want = unmasked(expected["grad_logp_new"][i], in["mask"][i]);
      ASSERT_EQ(actual.gradient[i].size(), want.size());
      for (std::size_t j = 0; j < want.size(); ++j)
        EXPECT_NEAR(actual.gradient[i][j], want[j], 1e-12) << i << " " << j;
    }
  }
}

// From logits to log-probabilities to the loss and all the way back, through the operation that a
// trainer uses: an output head that is the identity makes the hidden state the logits.
TEST(GrpoLoss, ReachesTheLogitsThroughCrossEntropy) {
  const json& in = golden()["from_logits"];
  constexpr std::int64_t kVocab = 7;
  std::vector<float> logits;
  std::vector<std::int32_t> actions;
  for (std::size_t i = 0; i < in["actions"].size(); ++i) {
    for (std::size_t j = 0; j < in["actions"][i].size(); ++j) {
      actions.push_back(in["actions"][i][j]);
      for (const json& v : in["logits"][i][j]) logits.push_back(v);
    }
  }
  const auto n = static_cast<std::int64_t>(actions.size());
  ParameterStore parameters;
  Parameter& identity = parameters.add("lm_head.weight", kVocab, kVocab);
  for (std::int64_t i = 0; i < kVocab; ++i) identity.value[i * kVocab + i] = 1;
  const Weight weight{identity.name,
                      DType::kF32,
                      reinterpret_cast<const std::byte*>(identity.value.data()),
                      kVocab,
                      kVocab,
                      nullptr,
                      0};
  ThreadPool pool(1);
  TrainingOps ops(*kernels::choose_table("").value(), pool, parameters,
                  {TrainingPrecision::kFloat32});
  const Batch batch;
  ops.begin(batch);
  const Tensor h = ops.input(logits, n, 1, kVocab);
  const Tensor losses = ops.cross_entropy(h, weight, {actions, {}});
  json logp_new = in["logp_old"];  // of the same shape
  for (std::int64_t t = 0; t < n; ++t) {
    json& at = logp_new[static_cast<std::size_t>(t / 3)][static_cast<std::size_t>(t % 3)];
    at = -static_cast<double>(*losses.row(t));
    EXPECT_NEAR(at.get<double>(),
                in["logp_new"][static_cast<std::size_t>(t / 3)][static_cast<std::size_t>(t % 3)]
                    .get<double>(),
                2e-6);
  }
  const Answers answers(logp_new, in["logp_old"], in["logp_ref"], in["mask"], in["advantages"]);
  const GrpoResult result =
      grpo_loss(answers.sequences, options_of(golden()["losses"]["grpo"]["params"]));
  EXPECT_NEAR(result.loss, in["loss"].get<double>(), 1e-6);
  std::vector<float> gradient(static_cast<std::size_t>(n), 0.0f);  // masked tokens get none
  for (std::size_t i = 0; i < result.gradient.size(); ++i) {
    for (std::size_t j = 0; j < result.gradient[i].size(); ++j)
      gradient[3 * i + j] = static_cast<float>(-result.gradient[i][j]);
  }
  ops.seed(losses, gradient);
  ops.backward();
  for (std::int64_t t = 0; t < n; ++t) {
    for (std::int64_t v = 0; v < kVocab; ++v) {
      const json& row = in["grad_logits"][static_cast<std::size_t>(t / 3)];
      EXPECT_NEAR(ops.gradient(h)[t * kVocab + v],
                  row[static_cast<std::size_t>(t % 3)][static_cast<std::size_t>(v)].get<double>(),
                  1e-6);
    }
  }
}

}  // namespace
}  // namespace sputnik
