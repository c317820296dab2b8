#include "train/adamw.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace sputnik {
namespace {

// Two parameters of more than one piece of work, and one that is not trained.
void fill(ParameterStore& store) {
  Rng rng(1);
  store.add("a", 300, 100);
  store.add("b", 1, 7);
  store.add("model.layers.0.mlp.gate.e_score_correction_bias", 1, 5);
  for (Parameter& p : store.all()) {
    for (std::size_t i = 0; i < p.value.size(); ++i) {
      p.value[i] = static_cast<float>(rng.uniform() - 0.5);
      p.gradient[i] = static_cast<float>(rng.uniform() - 0.5);
    }
  }
}

std::vector<float> values(const ParameterStore& store) {
  std::vector<float> all;
  for (const Parameter& p : store.all()) all.insert(all.end(), p.value.begin(), p.value.end());
  return all;
}

TEST(AdamW, ThreadsChangeNoBit) {
  std::vector<std::vector<float>> results;
  for (const int n_threads : {1, 3}) {
    ThreadPool pool(n_threads);
    ParameterStore store;
    fill(store);
    AdamW optimizer(store, {});
    for (int i = 0; i < 3; ++i) optimizer.step(pool, 1e-2);
    EXPECT_EQ(optimizer.n_steps(), 3);
    results.push_back(values(store));
  }
  EXPECT_EQ(results[0], results[1]);
}

TEST(AdamW, AScaledGradientIsTheScaleTimesTheGradient) {
  ThreadPool pool(1);
  ParameterStore scaled, multiplied;
  fill(scaled);
  fill(multiplied);
  for (Parameter& p : multiplied.all()) {
    for (float& g : p.gradient) g *= 0.25f;
  }
  AdamW(scaled, {}).step(pool, 1e-2, 0.25);
  AdamW(multiplied, {}).step(pool, 1e-2);
  EXPECT_EQ(values(scaled), values(multiplied));
}

// The first step of Adam moves every value by the learning rate, against its gradient, after decay.
TEST(AdamW, TheFirstStepIsTheSignOfTheGradient) {
  ThreadPool pool(1);
  ParameterStore store;
  fill(store);
  const std::vector<float> before = values(store);
  const std::int64_t version = store.version();
  AdamW(store, {}).step(pool, 1e-2);
  EXPECT_GT(store.version(), version);
  std::size_t i = 0;
  for (const Parameter& p : store.all()) {
    for (std::size_t j = 0; j < p.value.size(); ++j, ++i) {
      const double moved = p.is_trained ? (p.gradient[j] > 0 ? -1e-2 : 1e-2) : 0.0;
      const double decayed = static_cast<double>(before[i]) * (p.is_trained ? 1 - 1e-3 : 1.0);
      EXPECT_NEAR(p.value[j], decayed + moved, 1e-5) << p.name;
    }
  }
}

TEST(GradientNorm, IsTheLengthOfAllGradients) {
  ParameterStore store;
  store.add("a", 2, 2).gradient[3] = 3;
  store.add("b", 1, 1).gradient[0] = -4;
  EXPECT_DOUBLE_EQ(gradient_norm(store), 5);
  store.zero_gradients();
  EXPECT_DOUBLE_EQ(gradient_norm(store), 0);
}

}  // namespace
}  // namespace sputnik
