#include "cost/training_cost_ops.h"

#include <algorithm>

#include "kernels/dispatch.h"
#include "tensor/arena.h"

namespace sputnik {
namespace {

using kernels::GemmKernels;
using kernels::kPanelColumns;

// As in the parts of TrainingOps; memory_test compares the sums with its.
constexpr std::int64_t kTile = kPanelColumns;  // training_attention.cpp
constexpr std::int64_t kLossChunk = 512;       // training_loss.cpp
constexpr std::int64_t kLossRowBlock = 36;
constexpr std::int64_t kExpertRowBlock = 96;  // training_moe.cpp
constexpr std::int64_t kNormBlock = 256;      // training_ops.cpp

std::int64_t round_up(std::int64_t n, std::int64_t to) {
  return (n + to - 1) / to * to;
}
std::int64_t ceil_div(std::int64_t n, std::int64_t d) {
  return (n + d - 1) / d;
}
double product(std::int64_t a, std::int64_t b, std::int64_t c) {
  return 2 * static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
}

// Of one document and head: forward_memory and backward_memory of training_attention.cpp.
struct AttentionBytes {
  std::int64_t forward, backward;
};
AttentionBytes attention_bytes(const GemmKernels& g, std::int64_t length, std::int64_t key_dim,
                               std::int64_t value_dim) {
  const auto sum = [](std::initializer_list<std::int64_t> pieces) {
    std::int64_t total = 0;
    for (const std::int64_t n : pieces) total += round_up(n, 64);
    return total;
  };
  const std::int64_t e = g.element_bytes, n_tiles = ceil_div(length, kTile);
  const std::int64_t keys = length * g.rounded(key_dim) * e,
                     values = length * g.rounded(value_dim) * e;
  const std::int64_t key_tiles = n_tiles * g.panels_bytes(key_dim, kTile);
  const std::int64_t value_tiles = n_tiles * g.panels_bytes(value_dim, kTile);
  const std::int64_t tile = kTile * kTile;
  return {sum({keys, keys, values, g.panels_bytes(length, key_dim), value_tiles, tile * e, tile * 4,
               kTile * 4, kTile * 4, kTile * value_dim * 4}),
          sum({keys, keys, values, values, g.panels_bytes(length, key_dim),
               g.panels_bytes(length, value_dim), key_tiles, key_tiles, value_tiles, tile * e,
               tile * e, tile * e, tile * e, tile * 4, tile * 4, length * 4, length * key_dim * 4,
               kTile * key_dim * 4, kTile * value_dim * 4})};
}

}  // namespace

TrainingFlops& TrainingFlops::operator+=(const TrainingFlops& other) {
  forward += other.forward;
  backward += other.backward;
  again += other.again;
  return *this;
}

TrainingFlops operator*(double factor, const TrainingFlops& flops) {
  return {factor * flops.forward, factor * flops.backward, factor * flops.again};
}

void TrainingCostOps::CountingArena::allocate(std::int64_t n_bytes) {
  const std::int64_t size = round_up(std::max<std::int64_t>(n_bytes, 1), Arena::kAlignment);
  std::int64_t before = 0, capacity = 0;
  for (const std::int64_t block : blocks_) capacity += block;
  while (position_.block < blocks_.size() &&
         blocks_[position_.block] - position_.used_bytes < size) {
    position_ = {position_.block + 1, 0};
  }
  if (position_.block == blocks_.size()) blocks_.push_back(std::max(size, capacity));
  for (std::size_t i = 0; i < position_.block; ++i) before += blocks_[i];
  position_.used_bytes += size;
  peak_bytes_ = std::max(peak_bytes_, before + position_.used_bytes);
}

void TrainingCostOps::CountingArena::merge() {
  position_ = {};
  blocks_ = {peak_bytes_};
}

// Every table has the same layouts.
TrainingCostOps::TrainingCostOps(TrainingPrecision precision, bool checkpoint_layers, int n_threads)
    : gemm_f32_(kernels::reference_table().gemm_f32),
      gemm_(precision == TrainingPrecision::kBfloat16 ? kernels::reference_table().gemm_bf16
                                                      : kernels::reference_table().gemm_f32),
      checkpoint_layers_(checkpoint_layers),
      n_threads_(n_threads) {}

// ------------------------------------------------------------------------------------------------
// sums

std::map<std::string, TrainingFlops> TrainingCostOps::flops_by_operation() const {
  std::map<std::string, TrainingFlops> sums;
  for (const Entry& entry : entries_) {
    if (entry.flops.forward == 0) continue;
    TrainingFlops flops = entry.flops;
    if (checkpoint_layers_ && entry.recomputed && entry.segment != segment_)
      flops.again += flops.forward;
    sums[entry.name] += flops;
  }
  return sums;
}

TrainingFlops TrainingCostOps::flops() const {
  TrainingFlops sum;
  for (const auto& [name, flops] : flops_by_operation()) sum += flops;
  return sum;
}

// The way back, as Tape and TrainingOps::backward() go it.
TrainingArenas TrainingCostOps::arenas() const {
  CountingArena kept = kept_, scratch = scratch_, gradients[2];
  std::vector<bool> has_gradient(variables_.size(), false), has_panels(variables_.size(), false);
  std::int64_t segment = segment_;
  const auto target = [&](const Tensor& x) {
    const auto id = static_cast<std::size_t>(x.variable);
    if (has_gradient[id]) return;
    has_gradient[id] = true;
    const Variable& v = variables_[id];
    CountingArena& arena = v.segment < segment - 1 ? kept : gradients[v.segment % 2];
    arena.allocate(v.n_tokens * v.width * 4);
  };
  const auto hand_over = [&](std::int32_t y, const Tensor& x) {
    const auto from = static_cast<std::size_t>(y), to = static_cast<std::size_t>(x.variable);
    if (has_gradient[to] || variables_[to].segment != variables_[from].segment ||
        variables_[from].segment != segment || !is_whole(x))
      return false;
    has_gradient[to] = true;
    has_gradient[from] = false;
    return true;
  };
  std::size_t i = entries_.size();
  for (; segment >= 0; --segment) {
    for (; i > 0 && entries_[i - 1].segment == segment; --i) {
      const Entry& entry = entries_[i - 1];
      if (entry.kind == Kind::kNoGradient) continue;
      const CountingArena::Mark mark = scratch.mark();
      for (const std::int64_t n_bytes : entry.scratch) scratch.allocate(n_bytes);
      if (entry.panel_columns > 0) {
        const auto id = static_cast<std::size_t>(entry.inputs.front().variable);
        if (!has_panels[id]) {
          gradients[segment % 2].allocate(
              gemm_.panels_bytes(entry.panel_columns, variables_[id].n_tokens));
        }
        has_panels[id] = true;
      }
      bool is_second = false;
      for (const Tensor& x : entry.inputs) {
        const bool handed = entry.kind == Kind::kAdd && is_second &&
                            x.variable != entry.inputs.front().variable &&
                            hand_over(entry.output, x);
        if (!handed) target(x);
        is_second = true;
      }
      scratch.reset(mark);
    }
    if (segment == 0 || segment == segment_) continue;
    has_panels.assign(has_panels.size(), false);
    gradients[segment % 2].reset({});
  }
  scratch.merge();
  for (const std::int64_t n_bytes : repacked_) scratch.allocate(n_bytes);
  return {kept.peak_bytes() + layer_.peak_bytes(),
          gradients[0].peak_bytes() + gradients[1].peak_bytes(), scratch.peak_bytes(),
          packed_memory_.peak_bytes()};
}

// ------------------------------------------------------------------------------------------------
// what TrainingOps::State does

Tensor TrainingCostOps::make(std::int64_t n_tokens, std::int64_t n_heads, std::int64_t dim,
                             bool keep) {
  (keep ? kept_ : activations()).allocate(n_tokens * n_heads * dim * 4);
  Tensor y{nullptr, n_tokens, n_heads, dim, n_heads * dim, dim};
  y.variable = static_cast<std::int32_t>(variables_.size());
  variables_.push_back({n_tokens, n_heads * dim, segment_, -1});
  return y;
}

bool TrainingCostOps::is_whole(const Tensor& x) const {
  return variables_[static_cast<std::size_t>(x.variable)].width == x.width();
}

const GemmKernels& TrainingCostOps::gemm_of(const Weight& w) const {
  return w.name.ends_with(".mlp.gate.weight") ? gemm_f32_ : gemm_;
}

void TrainingCostOps::pack(const Weight& w) {
  if (!packed_.insert(w.data).second) return;
  const GemmKernels& g = gemm_of(w);
  packed_memory_.allocate(g.panels_bytes(w.rows, w.cols));
  packed_memory_.allocate(g.panels_bytes(w.cols, w.rows));
  if (is_bf16(g)) repacked_.push_back(w.rows * g.rounded(w.cols) * g.element_bytes);
}

void TrainingCostOps::need_rows(const Tensor& x, const GemmKernels& g) {
  Variable& v = variables_[static_cast<std::size_t>(x.variable)];
  if (!is_bf16(g) || (is_whole(x) && v.rows_segment == segment_)) return;
  activations().allocate(x.n_tokens * g.rounded(x.width()) * g.element_bytes);
  if (is_whole(x)) v.rows_segment = segment_;
}

void TrainingCostOps::fill_rows(const Tensor& x) {
  need_rows(x, gemm_);
}

TrainingCostOps::Entry& TrainingCostOps::record(const char* name, std::vector<Tensor> inputs,
                                                const Tensor& output) {
  Entry& entry = entries_.emplace_back();
  entry.name = name;
  entry.segment = segment_;
  entry.inputs = std::move(inputs);
  entry.output = output.variable;
  return entry;
}

void TrainingCostOps::use_scratch(std::initializer_list<std::int64_t> n_bytes) {
  const CountingArena::Mark mark = scratch_.mark();
  for (const std::int64_t n : n_bytes) scratch_.allocate(n);
  scratch_.reset(mark);
}

std::int64_t TrainingCostOps::per_thread(std::int64_t n_bytes) const {
  return round_up(n_bytes, 64) * n_threads_;
}

// ------------------------------------------------------------------------------------------------
// operations

void TrainingCostOps::begin(const Batch& /*batch*/) {
  for (CountingArena* arena : {&kept_, &layer_, &scratch_}) *arena = {};
  variables_.clear();
  entries_.clear();
  rope_tables_.clear();
  segment_ = 0;
}

Tensor TrainingCostOps::embed(const Weight& weight, std::span<const std::int32_t> tokens) {
  const Tensor y = make(static_cast<std::int64_t>(tokens.size()), 1, weight.cols);
  record("embed", {}, y).kind = Kind::kNoGradient;
  return y;
}

Tensor TrainingCostOps::linear(const Tensor& x, const Weight& weight, const Weight* /*bias*/) {
  const GemmKernels& g = gemm_of(weight);
  pack(weight);
  const Tensor y = make(x.n_tokens, 1, weight.rows);
  need_rows(x, g);
  Entry& entry = record("linear", {x}, y);
  const double flops = product(x.n_tokens, weight.rows, weight.cols);
  entry.flops = {flops, 2 * flops, 0};
  if (is_bf16(g)) entry.scratch.push_back(x.n_tokens * g.rounded(weight.rows) * g.element_bytes);
  entry.scratch.push_back(g.panels_bytes(weight.rows, x.n_tokens));
  if (is_whole(x) && &g == &gemm_) {
    entry.panel_columns = weight.cols;
  } else {
    entry.scratch.push_back(g.panels_bytes(weight.cols, x.n_tokens));
  }
  return y;
}

Tensor TrainingCostOps::rms_norm(const Tensor& x, const Weight& /*weight*/, float /*eps*/) {
  const Tensor y = make(x.n_tokens, x.n_heads, x.dim);
  fill_rows(y);
  record("rms_norm", {x}, y).scratch = {ceil_div(x.n_tokens, kNormBlock) * x.dim * 4};
  return y;
}

Tensor TrainingCostOps::rope(const Tensor& x, std::span<const std::int64_t> positions,
                             const Rope& rope) {
  const std::pair table{&rope, positions.data()};
  if (std::find(rope_tables_.begin(), rope_tables_.end(), table) == rope_tables_.end()) {
    for (int i = 0; i < 3; ++i) kept_.allocate(x.n_tokens * rope.n_pairs() * 4);
    rope_tables_.push_back(table);
  }
  const Tensor y = make(x.n_tokens, x.n_heads, x.dim);
  record("rope", {x}, y);
  return y;
}

// Scores and their product with values on the way there, five such products on the way back: the
// scores are computed again.
Tensor TrainingCostOps::attention(const AttentionShape& shape, const Batch& batch) {
  double pairs = 0;
  std::int64_t longest = 0;
  for (const BatchSequence& sequence : batch.sequences) {
    const auto n = static_cast<double>(sequence.n_tokens);
    pairs += n * (n + 1) / 2;
    longest = std::max(longest, sequence.n_tokens);
  }
  Tensor y = make(shape.n_tokens, shape.n_heads, shape.value_dim);
  y.n_heads = 1;
  y.dim = y.head_stride = y.token_stride;
  fill_rows(y);
  activations().allocate(shape.n_tokens * shape.n_heads * 4);  // logarithms of sums
  Entry& entry = record("attention", shape.inputs, y);
  const double per_dim = 2 * pairs * static_cast<double>(shape.n_heads);
  const double forward = per_dim * static_cast<double>(shape.key_dim + shape.value_dim);
  entry.flops = {forward, 2 * forward, per_dim * static_cast<double>(shape.key_dim)};
  const AttentionBytes bytes = attention_bytes(gemm_, longest, shape.key_dim, shape.value_dim);
  use_scratch({per_thread(bytes.forward)});
  for (const Tensor& x : shape.shared)
    entry.scratch.push_back(x.n_tokens * shape.n_heads * x.dim * 4);
  entry.scratch.push_back(per_thread(bytes.backward));
  return y;
}

Tensor TrainingCostOps::gqa_attention(const GqaInputs& in, float /*softmax_scale*/,
                                      const Batch& batch) {
  std::vector<Tensor> shared;
  if (in.k.n_heads != in.q.n_heads) shared = {in.k, in.v};
  return attention({{in.q, in.k, in.v}, in.q.n_tokens, in.q.n_heads, in.q.dim, in.v.dim, shared},
                   batch);
}

// Expanded, as TrainingOps computes it.
Tensor TrainingCostOps::mla_attention(const MlaInputs& in, float /*softmax_scale*/,
                                      const Batch& batch) {
  SPUTNIK_ASSERT(in.kv_b_proj != nullptr);
  const Tensor kv = linear(in.c_kv, *in.kv_b_proj, nullptr);
  return attention({{in.q_nope, in.q_pe, in.k_pe, kv},
                    in.q_nope.n_tokens,
                    in.q_nope.n_heads,
                    in.q_nope.dim + in.q_pe.dim,
                    in.v_head_dim,
                    {in.k_pe}},
                   batch);
}

Tensor TrainingCostOps::silu_mul(const Tensor& gate, const Tensor& up) {
  const Tensor y = make(gate.n_tokens, 1, gate.width());
  fill_rows(y);
  record("silu_mul", {gate, up}, y);
  return y;
}

Tensor TrainingCostOps::add(const Tensor& a, const Tensor& b) {
  const Tensor y = make(a.n_tokens, 1, a.width());
  record("add", {a, b}, y).kind = Kind::kAdd;
  return y;
}

Routing TrainingCostOps::route(const Tensor& scores, const Weight* /*bias*/,
                               const RouterConfig& config, const Batch& batch) {
  activations().allocate(scores.n_tokens * config.num_experts_per_tok * 4);
  const Tensor weights = make(scores.n_tokens, 1, config.num_experts_per_tok);
  record("route", {scores}, weights).scratch = {
      static_cast<std::int64_t>(batch.sequences.size()) * scores.dim * 8, scores.n_tokens * 4,
      per_thread(2 * scores.dim * 8)};
  return {{}, {}, config.num_experts_per_tok, weights.variable};
}

Tensor TrainingCostOps::moe_ffn(const Tensor& x, const Routing& routing,
                                const ExpertWeights& experts) {
  const GemmKernels& g = gemm_;
  const std::int64_t k = routing.num_experts_per_tok, n_rows = x.n_tokens * k;
  const auto n_experts = static_cast<std::int64_t>(experts.gate_proj.size());
  const std::int64_t hidden = x.width(), inner = experts.gate_proj.front().rows;
  const std::int64_t hidden_bytes = n_rows * g.rounded(hidden) * g.element_bytes;
  const std::int64_t inner_bytes = n_rows * g.rounded(inner) * g.element_bytes;
  for (const auto* projection : {&experts.gate_proj, &experts.up_proj, &experts.down_proj}) {
    for (const Weight& w : *projection) pack(w);
  }
  CountingArena& arena = activations();
  arena.allocate((n_experts + 1) * 4);
  for (int i = 0; i < 3; ++i) arena.allocate(n_rows * 4);
  need_rows(x, g);
  arena.allocate(hidden_bytes);
  const Tensor y = make(x.n_tokens, 1, hidden);
  for (int i = 0; i < 2; ++i) arena.allocate(n_rows * inner * 4);
  arena.allocate(inner_bytes);
  use_scratch({n_rows * hidden * 4, per_thread(inner * 4)});

  Tensor weights{nullptr, x.n_tokens, 1, k, k, k};
  weights.variable = routing.variable;
  Entry& entry = record("moe_ffn", {x, weights}, y);
  const double flops = 3 * product(n_rows, hidden, inner);
  entry.flops = {flops, 2 * flops, 0};
  const std::int64_t most = ceil_div(n_rows, n_experts), widest = std::max(hidden, inner);
  if (is_bf16(g)) entry.scratch.push_back(hidden_bytes / k);
  for (const std::int64_t n_bytes :
       {hidden_bytes, inner_bytes, inner_bytes, n_rows * hidden * 4,
        per_thread((kExpertRowBlock + 3) * inner * 4),
        per_thread(g.panels_bytes(widest, most) + g.panels_bytes(kPanelColumns, most))})
    entry.scratch.push_back(n_bytes);
  return y;
}

Tensor TrainingCostOps::concat_last(const Tensor& a, const Tensor& b) {
  const Tensor y = make(a.n_tokens, 1, a.dim + b.dim);
  record("concat_last", {a, b}, y);
  return y;
}

Tensor TrainingCostOps::select_rows(const Tensor& x, std::span<const std::int64_t> rows) {
  if (static_cast<std::int64_t>(rows.size()) == x.n_tokens) return x;
  const Tensor y = make(static_cast<std::int64_t>(rows.size()), x.n_heads, x.dim);
  record("select_rows", {x}, y);
  return y;
}

// Whose weights are known: all of it is done on the way there.
Tensor TrainingCostOps::cross_entropy(const Tensor& h, const Weight& lm_head,
                                      const LossTargets& /*targets*/) {
  const GemmKernels& g = gemm_;
  pack(lm_head);
  const std::int64_t vocab = lm_head.rows, width = h.width();
  const Tensor losses = make(h.n_tokens, 1, 1, /*keep=*/true);
  need_rows(h, g);
  (void)make(h.n_tokens, 1, width, /*keep=*/true);
  const std::int64_t chunk = std::min(kLossChunk, h.n_tokens);
  use_scratch({per_thread(kLossRowBlock * vocab * 4), chunk * g.rounded(vocab) * g.element_bytes,
               g.panels_bytes(width, chunk), per_thread(g.panels_bytes(kPanelColumns, chunk))});
  Entry& entry = record("cross_entropy", {h}, losses);
  entry.recomputed = false;
  const double flops = product(h.n_tokens, vocab, width);
  entry.flops = {flops, 2 * flops, 0};
  return losses;
}

Tensor TrainingCostOps::layer_boundary(const Tensor& h) {
  Tensor out = h;
  if (checkpoint_layers_) {
    out = make(h.n_tokens, h.n_heads, h.dim, /*keep=*/true);
    record("layer_boundary", {h}, out).recomputed = false;
    layer_.reset({});
  }
  ++segment_;
  return out;
}

}  // namespace sputnik
