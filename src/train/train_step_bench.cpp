// A step of training of models of four sizes, on random tokens: forward, backward, AdamW or Muon.
// Prints tokens/s, FLOP/s and its share of the machine's measured bfloat16 peak, then where the
// time went. FLOPs are those of the model: 6 per active weight and token (2 of them forward),
// products of queries, keys and values at causal positions only; what is computed twice counts
// once.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "autograd/trainable_model.h"
#include "autograd/training_ops.h"
#include "base/memory.h"
#include "base/rng.h"
#include "kernels/dispatch.h"
#include "kernels/machine_limits.h"
#include "ops/cost_ops.h"
#include "train/muon.h"

namespace sputnik {
namespace {

constexpr std::int64_t kLength = 512;  // tokens per document

struct Size {
  const char* name;
  std::int64_t hidden_size, intermediate_size, num_hidden_layers, num_attention_heads;
  std::int64_t qk_nope_head_dim, qk_rope_head_dim, v_head_dim, q_lora_rank, kv_lora_rank;
  std::int64_t moe_intermediate_size, vocab_size;
};
constexpr Size kSizes[] = {{"nano", 96, 256, 4, 4, 32, 16, 32, 48, 32, 64, 1024},
                           {"tiny", 192, 512, 6, 6, 32, 16, 32, 96, 64, 128, 4096},
                           {"small", 256, 704, 6, 8, 32, 16, 32, 128, 64, 192, 4096},
                           {"medium", 512, 1408, 8, 8, 64, 32, 64, 256, 128, 352, 8192}};

nlohmann::json preset(const std::string& name) {
  const Size& size = *std::find_if(std::begin(kSizes), std::end(kSizes),
                                   [&](const Size& other) { return name == other.name; });
  return {{"model_type", "deepseek_v3"},
          {"vocab_size", size.vocab_size},
          {"hidden_size", size.hidden_size},
          {"intermediate_size", size.intermediate_size},
          {"num_hidden_layers", size.num_hidden_layers},
          {"first_k_dense_replace", 1},
          {"num_attention_heads", size.num_attention_heads},
          {"qk_nope_head_dim", size.qk_nope_head_dim},
          {"qk_rope_head_dim", size.qk_rope_head_dim},
          {"v_head_dim", size.v_head_dim},
          {"q_lora_rank", size.q_lora_rank},
          {"kv_lora_rank", size.kv_lora_rank},
          {"n_routed_experts", 16},
          {"num_experts_per_tok", 2},
          {"n_shared_experts", 1},
          {"moe_intermediate_size", size.moe_intermediate_size},
          {"n_group", 4},
          {"topk_group", 2},
          {"topk_method", "noaux_tc"},
          {"scoring_func", "sigmoid"},
          {"norm_topk_prob", true},
          {"routed_scaling_factor", 1.0},
          {"max_position_embeddings", 512},
          {"rope_theta", 10000.0},
          {"rms_norm_eps", 1e-6},
          {"tie_word_embeddings", false}};
}

// The same model, counted: experts and head with every token, attention expanded and causal.
double model_flops(const nlohmann::json& c, const Model& model, std::int64_t n_tokens) {
  const auto number = [&](const char* key) { return c[key].get<double>(); };
  const double t = static_cast<double>(n_tokens), heads = number("num_attention_heads");
  const double embedding = number("vocab_size") * number("hidden_size");
  const double weights = static_cast<double>(model.n_active_parameters()) - embedding;
  const double pairs = t / static_cast<double>(kLength) * kLength * (kLength + 1) / 2;
  const double per_pair =
      2 * heads * (number("qk_nope_head_dim") + number("qk_rope_head_dim") + number("v_head_dim"));
  return 3 * (2 * weights * t + number("num_hidden_layers") * pairs * per_pair);
}

void print_profile(const TapeProfile& profile, std::int64_t n_steps) {
  const auto print = [&](const char* direction, const std::map<std::string, double>& seconds) {
    for (const auto& [name, s] : seconds) {
      if (s > 0)
        fmt::print("  {:<10} {:<16} {:8.1f} ms\n", direction, name,
                   1e3 * s / static_cast<double>(n_steps));
    }
  };
  print("forward", profile.forward_s);
  print("again", profile.recomputed_s);
  print("backward", profile.backward_s);
}

void bench_step(benchmark::State& state, const std::string& name, const TrainingOptions& options,
                std::int64_t n_tokens, bool is_muon) {
  const nlohmann::json config = preset(name);
  TrainableModel trainable = TrainableModel::create(config, {0.03, 1}).value();
  const int n_threads = available_processors();
  // The best that was seen: other work, and threads that share a core at first, can only lower it.
  static double peak = 1;
  for (int i = 0; i < 3; ++i)
    peak = std::max(peak, kernels::measure_machine_limits(n_threads).bf16_flops_per_s);
  ThreadPool pool(n_threads);
  const kernels::KernelTable& kernels = *kernels::choose_table("").value();
  TrainingOps ops(kernels, pool, *trainable.parameters, options);
  AdamW adamw(*trainable.parameters, {});
  Muon muon(*trainable.parameters, kernels.gemm_bf16, {}, {});
  Optimizer& optimizer = is_muon ? static_cast<Optimizer&>(muon) : adamw;
  Rng rng(1);
  Batch batch;
  std::vector<std::int32_t> targets;
  std::vector<float> weights(static_cast<std::size_t>(n_tokens), 1 / static_cast<float>(n_tokens));
  for (std::int64_t first = 0; first < n_tokens; first += kLength) {
    std::vector<std::int32_t> tokens;
    for (std::int64_t i = 0; i < kLength; ++i)
      tokens.push_back(static_cast<std::int32_t>(rng.next() % 1024));
    batch.add(tokens, 0, {}, 0);
    targets.insert(targets.end(), tokens.begin(), tokens.end());  // any task will do
  }
  double optimizer_s = 0;
  const auto step = [&] {
    trainable.parameters->zero_gradients();
    (void)trainable.model->losses(ops, batch, {targets, weights}, nullptr);
    ops.backward();
    const auto start = std::chrono::steady_clock::now();
    optimizer.step(pool, 1e-3, 1);
    optimizer_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  step();
  step();
  ops.clear_profile();
  optimizer_s = 0;
  for (auto _ : state) step();
  const double flops = model_flops(config, *trainable.model, n_tokens);
  using benchmark::Counter;
  state.counters["tokens/s"] =
      Counter(static_cast<double>(n_tokens), Counter::kIsIterationInvariantRate);
  state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
  state.counters["of_peak"] = Counter(flops / peak, Counter::kIsIterationInvariantRate);
  state.counters["parameters"] = static_cast<double>(trainable.parameters->n_values());
  state.counters["MB"] = static_cast<double>(ops.memory_bytes()) / 1e6;
  state.counters["peak_MB"] = static_cast<double>(peak_resident_bytes()) / 1e6;
  if (std::getenv("SPUTNIK_PROFILE") != nullptr) {
    fmt::print("\n{}: {:.1f} GFLOP per step, peak {:.0f} GFLOP/s\n", name, flops / 1e9, peak / 1e9);
    print_profile(ops.profile(), state.iterations());
    fmt::print("  optimizer {:.1f} ms\n",
               1e3 * optimizer_s / static_cast<double>(state.iterations()));
  }
}

const bool kRegistered = [] {
  struct Variant {
    const char* name;
    TrainingOptions options;
    std::int64_t n_tokens;
    bool is_muon = false;
  };
  const TrainingOptions bf16{}, f32{TrainingPrecision::kFloat32},
      checkpoint{TrainingPrecision::kBfloat16, true};
  const auto add = [](const char* model, const Variant& v) {
    benchmark::RegisterBenchmark(fmt::format("train_step/{}/{}", model, v.name).c_str(),
                                 [=](benchmark::State& state) {
                                   bench_step(state, model, v.options, v.n_tokens, v.is_muon);
                                 })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->Iterations(4);
  };
  for (const Size& size : kSizes) {
    for (const Variant& v : {Variant{"bf16/8192", bf16, 8192}, Variant{"bf16/4096", bf16, 4096},
                             Variant{"bf16/2048", bf16, 2048}, Variant{"bf16/1024", bf16, 1024}})
      add(size.name, v);
  }
  for (const char* model : {"tiny", "small"}) {
    for (const Variant& v :
         {Variant{"bf16_muon/8192", bf16, 8192, true}, Variant{"f32/8192", f32, 8192},
          Variant{"bf16_checkpoint/8192", checkpoint, 8192}})
      add(model, v);
  }
  return true;
}();

}  // namespace
}  // namespace sputnik
