// Every operation's forward pass against a plain one in double, and its way back against central
// differences of that one: on every table of kernels in float32, and roughly in bfloat16.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "autograd/training_ops.h"
#include "base/rng.h"
#include "kernels/dispatch.h"

namespace sputnik {
namespace {

using Doubles = std::vector<double>;
using Leaves = std::vector<Doubles>;  // what an operation depends on: inputs, then parameters

std::vector<float> random_floats(std::int64_t n, std::uint64_t seed, double scale = 1) {
  Rng rng(seed);
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = static_cast<float>(scale * (2 * rng.uniform() - 1));
  return x;
}

struct InputShape {
  std::int64_t n_tokens, n_heads, dim;
  std::int64_t size() const { return n_tokens * n_heads * dim; }
};
struct ParameterShape {
  std::string name;
  std::int64_t rows, cols;
};

using Tensors = std::vector<Tensor>;
using Weights = std::vector<Weight>;

struct Operation {
  std::vector<InputShape> inputs;
  std::vector<ParameterShape> parameters;
  std::function<Tensor(Ops&, const Tensors&, const Weights&)> run;
  std::function<Doubles(const Leaves&)> in_double;
  double scale = 1;  // of the random inputs
};

// Largest differences, relative to the largest number.
struct Errors {
  double forward = 0, backward = 0;
};

Errors measure(const Operation& op, const kernels::KernelTable& table,
               const TrainingOptions& options, int n_threads) {
  ThreadPool pool(n_threads);
  ParameterStore parameters;
  Leaves leaves;
  std::uint64_t seed = 1;
  std::vector<std::vector<float>> values;
  for (const InputShape& s : op.inputs) {
    values.push_back(random_floats(s.size(), ++seed, op.scale));
    leaves.emplace_back(values.back().begin(), values.back().end());
  }
  Weights weights;
  for (const ParameterShape& s : op.parameters) {
    Parameter& p = parameters.add(s.name, s.rows, s.cols);
    const auto random = random_floats(s.rows * s.cols, ++seed);
    std::copy(random.begin(), random.end(), p.value.begin());
    leaves.emplace_back(random.begin(), random.end());
    const auto* bytes = reinterpret_cast<const std::byte*>(p.value.data());
    weights.push_back({s.name, DType::kF32, bytes, s.rows, s.cols, nullptr, 0});
  }
  TrainingOps ops(table, pool, parameters, options);
  const Batch batch;
  ops.begin(batch);
  Tensors inputs;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const InputShape& s = op.inputs[i];
    inputs.push_back(ops.input(values[i], s.n_tokens, s.n_heads, s.dim));
  }
  const Tensor y = op.run(ops, inputs, weights);
  const Doubles expected = op.in_double(leaves);
  Errors errors;
  EXPECT_EQ(y.size(), static_cast<std::int64_t>(expected.size()));
  if (y.size() != static_cast<std::int64_t>(expected.size())) return errors;
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(y.data[i]) - expected[i]);
    errors.forward = std::max(errors.forward, difference);
    largest = std::max(largest, std::abs(expected[i]));
  }
  errors.forward /= largest;

  const auto dy = random_floats(y.size(), ++seed);
  ops.seed(y, dy);
  ops.backward();
  const auto objective = [&] {
    const Doubles out = op.in_double(leaves);
    double sum = 0;
    for (std::size_t i = 0; i < out.size(); ++i) sum += out[i] * static_cast<double>(dy[i]);
    return sum;
  };
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    const float* actual = l < inputs.size() ? ops.gradient(inputs[l])
                                            : parameters.all()[l - inputs.size()].gradient.data();
    EXPECT_NE(actual, nullptr) << "leaf " << l << " has no gradient";
    if (actual == nullptr) continue;
    double most = 1e-3, off = 0;
    for (std::size_t i = 0; i < leaves[l].size(); ++i) {
      constexpr double kStep = 1e-5;
      const double at = leaves[l][i];
      leaves[l][i] = at + kStep;
      const double above = objective();
      leaves[l][i] = at - kStep;
      const double below = objective();
      leaves[l][i] = at;
      const double slope = (above - below) / (2 * kStep);
      most = std::max(most, std::abs(slope));
      off = std::max(off, std::abs(static_cast<double>(actual[i]) - slope));
    }
    errors.backward = std::max(errors.backward, off / most);
  }
  return errors;
}

class GradientCheck : public testing::TestWithParam<const kernels::KernelTable*> {
 protected:
  void check(const Operation& op) {
    const Errors exact = measure(op, *GetParam(), {TrainingPrecision::kFloat32}, 2);
    EXPECT_LE(exact.forward, 5e-6);
    EXPECT_LE(exact.backward, 2e-5);
    const Errors rounded = measure(op, *GetParam(), {TrainingPrecision::kBfloat16}, 2);
    EXPECT_LE(rounded.forward, 0.03);
    EXPECT_LE(rounded.backward, 0.05);
  }
};

// -------------------------------------------------------------------------------------------------
// operations in double, by their formulas

// [n, in] -> [n, out]
Doubles linear(const Doubles& x, const Doubles& w, std::int64_t in, std::int64_t out) {
  const auto n = static_cast<std::int64_t>(x.size()) / in;
  Doubles y(static_cast<std::size_t>(n * out), 0.0);
  for (std::int64_t t = 0; t < n; ++t) {
    for (std::int64_t r = 0; r < out; ++r) {
      for (std::int64_t c = 0; c < in; ++c) y[t * out + r] += x[t * in + c] * w[r * in + c];
    }
  }
  return y;
}

double silu(double z) {
  return z / (1 + std::exp(-z));
}

// w x / sqrt(mean(x^2) + 1e-3) for rows of n.
Doubles normalised(const Doubles& x, const Doubles& w) {
  const std::size_t n = w.size();
  Doubles y(x.size());
  for (std::size_t row = 0; row < y.size(); row += n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += x[row + i] * x[row + i];
    const double scale = 1 / std::sqrt(sum / static_cast<double>(n) + static_cast<double>(1e-3f));
    for (std::size_t i = 0; i < n; ++i) y[row + i] = w[i] * x[row + i] * scale;
  }
  return y;
}

// Each head of [n, H, dim] rotated, pairs (2i, 2i+1) or (i, i + dim/2).
Doubles rotated(const Doubles& x, const Rope& rope, std::span<const std::int64_t> positions,
                std::int64_t n_heads) {
  const std::int64_t n_pairs = rope.n_pairs();
  const bool interleaved = rope.pairs == RopePairs::kInterleaved;
  Doubles y(x.size());
  for (std::int64_t row = 0; row < static_cast<std::int64_t>(positions.size()) * n_heads; ++row) {
    for (std::int64_t i = 0; i < n_pairs; ++i) {
      const std::int64_t first = row * 2 * n_pairs + (interleaved ? 2 * i : i);
      const std::int64_t second = first + (interleaved ? 1 : n_pairs);
      const double angle = static_cast<double>(positions[row / n_heads]) * rope.inv_freq[i];
      y[first] = x[first] * std::cos(angle) - x[second] * std::sin(angle);
      y[second] = x[first] * std::sin(angle) + x[second] * std::cos(angle);
    }
  }
  return y;
}

// q, k and v are functions of (token, head, element).
template <class Q, class K, class V>
Doubles attention(const Batch& batch, std::int64_t n_heads, std::int64_t key_dim,
                  std::int64_t value_dim, double scale, Q q, K k, V v) {
  Doubles out(static_cast<std::size_t>(batch.n_tokens() * n_heads * value_dim), 0.0);
  for (const BatchSequence& sequence : batch.sequences) {
    for (std::int64_t i = 0; i < sequence.n_tokens; ++i) {
      for (std::int64_t h = 0; h < n_heads; ++h) {
        const std::int64_t t = sequence.first_row + i;
        Doubles p(static_cast<std::size_t>(i + 1));
        double sum = 0;
        for (std::int64_t j = 0; j <= i; ++j) {
          double dot = 0;
          for (std::int64_t d = 0; d < key_dim; ++d)
            dot += q(t, h, d) * k(sequence.first_row + j, h, d);
          sum += p[j] = std::exp(scale * dot);
        }
        for (std::int64_t j = 0; j <= i; ++j) {
          for (std::int64_t d = 0; d < value_dim; ++d)
            out[(t * n_heads + h) * value_dim + d] += p[j] / sum * v(sequence.first_row + j, h, d);
        }
      }
    }
  }
  return out;
}

// Documents of these lengths, one after the other.
Batch documents(std::initializer_list<std::int64_t> lengths) {
  Batch batch;
  for (const std::int64_t n : lengths)
    batch.add(std::vector<std::int32_t>(static_cast<std::size_t>(n), 0), 0, {}, 0);
  return batch;
}

// -------------------------------------------------------------------------------------------------
// checks

TEST_P(GradientCheck, Linear) {
  for (const std::int64_t out : {3, 70}) {
    check({{{9, 1, 11}},
           {{"w", out, 11}},
           [](Ops& ops, const Tensors& x, const Weights& w) { return ops.linear(x[0], w[0]); },
           [=](const Leaves& l) { return linear(l[0], l[1], 11, out); }});
  }
}

TEST_P(GradientCheck, LinearWithBiasAndAnInputThatIsUsedTwice) {
  check({{{5, 1, 8}},
         {{"w", 6, 8}, {"b", 1, 6}, {"u", 6, 8}},
         [](Ops& ops, const Tensors& x, const Weights& w) {
           return ops.add(ops.linear(x[0], w[0], &w[1]), ops.linear(x[0], w[2]));
         },
         [](const Leaves& l) {
           Doubles y = linear(l[0], l[1], 8, 6);
           const Doubles z = linear(l[0], l[3], 8, 6);
           for (std::size_t i = 0; i < y.size(); ++i) y[i] += z[i] + l[2][i % 6];
           return y;
         }});
}

// The router is multiplied in float32 in either precision, so it is exact in both.
TEST_P(GradientCheck, TheRouterStaysFloat32) {
  const Operation op{
      {{7, 1, 20}},
      {{"model.layers.1.mlp.gate.weight", 12, 20}},
      [](Ops& ops, const Tensors& x, const Weights& w) { return ops.linear(x[0], w[0]); },
      [](const Leaves& l) { return linear(l[0], l[1], 20, 12); }};
  const Errors errors = measure(op, *GetParam(), {TrainingPrecision::kBfloat16}, 1);
  EXPECT_LE(errors.forward, 5e-6);
  EXPECT_LE(errors.backward, 2e-5);
}

TEST_P(GradientCheck, RmsNorm) {
  check(
      {{{300, 2, 5}},  // more rows than one block sums
       {{"w", 1, 5}},
       [](Ops& ops, const Tensors& x, const Weights& w) { return ops.rms_norm(x[0], w[0], 1e-3f); },
       [](const Leaves& l) { return normalised(l[0], l[1]); }});
}

TEST_P(GradientCheck, RmsNormOfAPart) {
  check({{{4, 1, 10}},
         {{"w", 1, 6}},
         [](Ops& ops, const Tensors& x, const Weights& w) {
           return ops.rms_norm(Ops::split_last(x[0], 4).second, w[0], 1e-3f);
         },
         [](const Leaves& l) {
           Doubles part;
           for (std::size_t i = 0; i < l[0].size(); ++i) {
             if (i % 10 >= 4) part.push_back(l[0][i]);
           }
           return normalised(part, l[1]);
         }});
}

TEST_P(GradientCheck, SiluMulAndAdd) {
  check({{{3, 1, 17}, {3, 1, 17}},
         {},
         [](Ops& ops, const Tensors& x, const Weights&) {
           return ops.add(ops.silu_mul(x[0], x[1]), ops.silu_mul(x[1], x[0]));
         },
         [](const Leaves& l) {
           Doubles y(l[0].size());
           for (std::size_t i = 0; i < y.size(); ++i)
             y[i] = silu(l[0][i]) * l[1][i] + silu(l[1][i]) * l[0][i];
           return y;
         },
         4});
}

TEST_P(GradientCheck, AddOfATensorToItself) {
  check({{{2, 1, 3}},
         {},
         [](Ops& ops, const Tensors& x, const Weights&) { return ops.add(x[0], x[0]); },
         [](const Leaves& l) {
           Doubles y = l[0];
           for (double& v : y) v *= 2;
           return y;
         }});
}

TEST_P(GradientCheck, Rope) {
  const std::vector<std::int64_t> positions = {0, 1, 2, 7, 100};
  for (const RopePairs pairs : {RopePairs::kInterleaved, RopePairs::kHalfSplit}) {
    const Rope rope{rope_inv_freq(6, 100.0), 1.0, pairs};
    check({{{5, 3, 6}},
           {},
           [&](Ops& ops, const Tensors& x, const Weights&) {
             return ops.rope(x[0], positions, rope);
           },
           [&](const Leaves& l) { return rotated(l[0], rope, positions, 3); }});
  }
}

TEST_P(GradientCheck, ConcatAndSelect) {
  const std::vector<std::int64_t> rows = {3, 0, 3};
  check({{{4, 1, 3}, {4, 1, 2}},
         {},
         [&](Ops& ops, const Tensors& x, const Weights&) {
           return ops.select_rows(ops.concat_last(x[0], x[1]), rows);
         },
         [&](const Leaves& l) {
           Doubles y;
           for (const std::int64_t row : rows) {
             for (std::int64_t i = 0; i < 3; ++i) y.push_back(l[0][row * 3 + i]);
             for (std::int64_t i = 0; i < 2; ++i) y.push_back(l[1][row * 2 + i]);
           }
           return y;
         }});
}

TEST_P(GradientCheck, Embedding) {
  const std::vector<std::int32_t> tokens = {2, 0, 2, 4};
  check({{},
         {{"w", 5, 70}},
         [&](Ops& ops, const Tensors&, const Weights& w) { return ops.embed(w[0], tokens); },
         [&](const Leaves& l) {
           Doubles y;
           for (const std::int32_t token : tokens)
             y.insert(y.end(), l[0].begin() + token * 70, l[0].begin() + (token + 1) * 70);
           return y;
         }});
}

// Documents of more than a tile, of one token, and of a few; two query heads share a key head.
TEST_P(GradientCheck, GroupedQueryAttention) {
  const Batch batch = documents({67, 1, 5});
  const std::int64_t n = batch.n_tokens();
  const auto in = [](const Doubles& x, std::int64_t heads, std::int64_t dim) {
    return [&x, heads, dim](std::int64_t t, std::int64_t h, std::int64_t d) {
      return x[(t * heads + h / (4 / heads)) * dim + d];
    };
  };
  check({{{n, 4, 3}, {n, 2, 3}, {n, 2, 2}},
         {},
         [&](Ops& ops, const Tensors& x, const Weights&) {
           return ops.gqa_attention({x[0], x[1], x[2], 0}, 0.8f, batch);
         },
         [&](const Leaves& l) {
           return attention(batch, 4, 3, 2, static_cast<double>(0.8f), in(l[0], 4, 3),
                            in(l[1], 2, 3), in(l[2], 2, 2));
         }});
}

TEST_P(GradientCheck, MultiHeadLatentAttention) {
  const Batch batch = documents({4, 66});
  const std::int64_t n = batch.n_tokens(), heads = 2, nope = 3, pe = 2, value = 2, latent = 4;
  check({{{n, heads, nope + pe}, {n, 1, latent}, {n, 1, pe}},
         {{"kv_b", heads * (nope + value), latent}},
         [&](Ops& ops, const Tensors& x, const Weights& w) {
           const auto [q_nope, q_pe] = Ops::split_last(x[0], nope);
           return ops.mla_attention({q_nope, q_pe, x[1], x[2], &w[0], nullptr, nullptr, value, 0},
                                    0.5f, batch);
         },
         [&](const Leaves& l) {
           using I = std::int64_t;
           const Doubles kv = linear(l[1], l[3], latent, heads * (nope + value));
           const auto in_kv = [&](I t, I h, I d) {
             return kv[(t * heads + h) * (nope + value) + d];
           };
           const auto q = [&](I t, I h, I d) { return l[0][(t * heads + h) * (nope + pe) + d]; };
           const auto k = [&](I t, I h, I d) {
             return d < nope ? in_kv(t, h, d) : l[2][t * pe + d - nope];
           };
           const auto v = [&](I t, I h, I d) { return in_kv(t, h, nope + d); };
           return attention(batch, heads, nope + pe, value, 0.5, q, k, v);
         }});
}

// Route and experts together. The choice of the first run is held fixed: it has no gradient.
TEST_P(GradientCheck, MixtureOfExperts) {
  const std::int64_t n = 6, hidden = 5, inner = 4, n_experts = 4, k = 2;
  const Batch batch = documents({n});
  for (const ScoringFunc func : {ScoringFunc::kSigmoid, ScoringFunc::kSoftmax}) {
    for (const bool norm : {false, true}) {
      RouterConfig config;
      config.scoring_func = func;
      config.topk_method = TopkMethod::kGreedy;
      config.num_experts_per_tok = k;
      config.norm_topk_prob = norm;
      config.routed_scaling_factor = 1.5f;
      std::vector<ParameterShape> shapes;
      for (std::int64_t e = 0; e < n_experts; ++e) {
        shapes.push_back({fmt::format("{}.gate", e), inner, hidden});
        shapes.push_back({fmt::format("{}.up", e), inner, hidden});
        shapes.push_back({fmt::format("{}.down", e), hidden, inner});
      }
      std::vector<std::int32_t> chosen;
      const auto one_expert = [&](const Doubles& x, const Leaves& l, std::int32_t e) {
        const Doubles gate = linear(x, l[2 + 3 * e], hidden, inner);
        const Doubles up = linear(x, l[3 + 3 * e], hidden, inner);
        Doubles h(gate.size());
        for (std::size_t i = 0; i < h.size(); ++i) h[i] = silu(gate[i]) * up[i];
        return linear(h, l[4 + 3 * e], inner, hidden);
      };
      check({{{n, 1, hidden}, {n, 1, n_experts}},
             shapes,
             [&](Ops& ops, const Tensors& x, const Weights& w) {
               ExpertWeights experts;
               for (std::int64_t e = 0; e < n_experts; ++e) {
                 experts.gate_proj.push_back(w[3 * e]);
                 experts.up_proj.push_back(w[3 * e + 1]);
                 experts.down_proj.push_back(w[3 * e + 2]);
               }
               const Routing routing = ops.route(x[1], nullptr, config, batch);
               chosen.assign(routing.experts.begin(), routing.experts.end());
               return ops.moe_ffn(x[0], routing, experts);
             },
             [&](const Leaves& l) {
               Doubles y(static_cast<std::size_t>(n * hidden), 0.0);
               for (std::int64_t t = 0; t < n; ++t) {
                 Doubles s;
                 double all = 0, picked = 0;
                 for (std::int64_t e = 0; e < n_experts; ++e) {
                   const double z = l[1][t * n_experts + e];
                   s.push_back(func == ScoringFunc::kSigmoid ? 1 / (1 + std::exp(-z))
                                                             : std::exp(z));
                   all += s.back();
                 }
                 for (double& v : s) v /= func == ScoringFunc::kSoftmax ? all : 1.0;
                 for (std::int64_t j = 0; j < k; ++j) picked += s[chosen[t * k + j]];
                 const Doubles x(l[0].begin() + t * hidden, l[0].begin() + (t + 1) * hidden);
                 for (std::int64_t j = 0; j < k; ++j) {
                   const std::int32_t e = chosen[t * k + j];
                   const Doubles down = one_expert(x, l, e);
                   for (std::int64_t i = 0; i < hidden; ++i)
                     y[t * hidden + i] += 1.5 * s[e] / (norm ? picked : 1.0) * down[i];
                 }
               }
               return y;
             }});
    }
  }
}

TEST_P(GradientCheck, CrossEntropy) {
  const std::vector<std::int32_t> targets = {0, 69, 3, 3, 12};
  check({{{5, 1, 4}},
         {{"lm_head", 70, 4}},
         [&](Ops& ops, const Tensors& x, const Weights& w) {
           return ops.cross_entropy(x[0], w[0], {targets, {}});
         },
         [&](const Leaves& l) {
           const Doubles logits = linear(l[0], l[1], 4, 70);
           Doubles losses;
           for (std::int64_t t = 0; t < 5; ++t) {
             double sum = 0;
             for (std::int64_t i = 0; i < 70; ++i) sum += std::exp(logits[t * 70 + i]);
             losses.push_back(std::log(sum) - logits[t * 70 + targets[t]]);
           }
           return losses;
         }});
}

// With weights given ahead all is done in the forward pass; the result is the same to the bit. More
// rows than one chunk.
TEST_P(GradientCheck, CrossEntropyWithWeightsGivenAheadIsTheSame) {
  const std::int64_t n = 1100, width = 6, vocab = 20;
  std::vector<std::int32_t> targets;
  for (std::int64_t i = 0; i < n; ++i) targets.push_back(static_cast<std::int32_t>(i * 7 % vocab));
  const auto h = random_floats(n * width, 1), w = random_floats(vocab * width, 2),
             weights = random_floats(n, 3);
  std::vector<std::vector<float>> results;
  for (const bool ahead : {false, true}) {
    ThreadPool pool(ahead ? 1 : 3);
    ParameterStore parameters;
    Parameter& p = parameters.add("lm_head", vocab, width);
    std::copy(w.begin(), w.end(), p.value.begin());
    const auto* bytes = reinterpret_cast<const std::byte*>(p.value.data());
    const Weight weight{p.name, DType::kF32, bytes, vocab, width, nullptr, 0};
    TrainingOps ops(*GetParam(), pool, parameters, {TrainingPrecision::kBfloat16});
    const Batch batch;
    ops.begin(batch);
    const Tensor x = ops.input(h, n, 1, width);
    LossTargets all{targets, {}};
    if (ahead) all.weights = weights;
    const Tensor y = ops.cross_entropy(x, weight, all);
    if (!ahead) ops.seed(y, weights);
    ops.backward();
    std::vector<float> result(y.data, y.data + n);
    result.insert(result.end(), ops.gradient(x), ops.gradient(x) + n * width);
    result.insert(result.end(), p.gradient.begin(), p.gradient.end());
    results.push_back(result);
  }
  EXPECT_EQ(results[0], results[1]);
}

// L = alpha sum_i f_i P_i per document, by central differences of the loss itself.
TEST_P(GradientCheck, BalanceLoss) {
  const Batch batch = documents({5, 3});
  const std::int64_t n = batch.n_tokens(), n_experts = 4, k = 2;
  RouterConfig config;
  config.topk_method = TopkMethod::kGreedy;
  config.num_experts_per_tok = k;
  const auto scores = random_floats(n * n_experts, 1);
  ThreadPool pool(1);
  ParameterStore parameters;
  TrainingOptions options{TrainingPrecision::kFloat32};
  options.balance_loss_alpha = 0.1f;
  options.balance_loss_scale = 0.5f;
  TrainingOps ops(*GetParam(), pool, parameters, options);
  ops.begin(batch);
  const Tensor x = ops.input(scores, n, 1, n_experts);
  const Routing routing = ops.route(x, nullptr, config, batch);
  const std::vector<std::int32_t> chosen(routing.experts.begin(), routing.experts.end());
  ops.backward();
  Doubles leaf(scores.begin(), scores.end());
  const auto sigmoid = [&](std::int64_t t, std::int64_t e) {
    return 1 / (1 + std::exp(-leaf[t * n_experts + e]));
  };
  const auto loss = [&] {
    double total = 0;
    for (const BatchSequence& sequence : batch.sequences) {
      const auto length = static_cast<double>(sequence.n_tokens);
      for (std::int64_t i = 0; i < n_experts; ++i) {
        double times = 0, share = 0;
        for (std::int64_t t = sequence.first_row; t < sequence.first_row + sequence.n_tokens; ++t) {
          double sum = 0;
          for (std::int64_t e = 0; e < n_experts; ++e) sum += sigmoid(t, e);
          share += sigmoid(t, i) / sum / length;
          for (std::int64_t j = 0; j < k; ++j) times += chosen[t * k + j] == i ? 1 : 0;
        }
        total += 0.1 * static_cast<double>(n_experts) / (static_cast<double>(k) * length) * times *
                 share;
      }
    }
    return total;
  };
  EXPECT_NEAR(ops.balance_loss(), loss(), 1e-7);
  for (std::size_t i = 0; i < leaf.size(); ++i) {
    const double at = leaf[i];
    leaf[i] = at + 1e-5;
    const double above = loss();
    leaf[i] = at - 1e-5;
    const double below = loss();
    leaf[i] = at;
    EXPECT_NEAR(ops.gradient(x)[i], 0.5 * (above - below) / 2e-5, 1e-7) << i;
  }
  std::int64_t n_choices = 0;
  for (const std::int64_t tokens : ops.expert_loads().front().tokens) n_choices += tokens;
  EXPECT_EQ(n_choices, n * k);
}

std::vector<const kernels::KernelTable*> supported() {
  std::vector<const kernels::KernelTable*> tables;
  for (const kernels::KernelTable* table : kernels::all_tables()) {
    if (table->supported()) tables.push_back(table);
  }
  return tables;
}

INSTANTIATE_TEST_SUITE_P(Table, GradientCheck, testing::ValuesIn(supported()),
                         [](const auto& instance) { return std::string(instance.param->name); });

}  // namespace
}  // namespace sputnik
