// Ops without data: counts what a step of training computes, and the memory that TrainingOps takes
// for it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "autograd/training_ops.h"
#include "ops/ops.h"

namespace sputnik {

// A multiply-add counts as two. Products alone are counted: with weights, and of queries, keys,
// probabilities and values at positions that see each other.
struct TrainingFlops {
  double forward = 0;
  double backward = 0;  // of a product: two, for the gradients of either factor
  double again = 0;     // forward once more, because results were not kept

  double model() const { return forward + backward; }  // what shares of a peak are told of
  double executed() const { return model() + again; }
  TrainingFlops& operator+=(const TrainingFlops& other);
};
TrainingFlops operator*(double factor, const TrainingFlops& flops);

// Bytes of the arenas of TrainingOps, laid out as it does it.
struct TrainingArenas {
  std::int64_t activations = 0;
  std::int64_t gradients = 0;  // of activations
  std::int64_t scratch = 0;    // of one operation
  std::int64_t packed = 0;     // weights in the form that products read
  std::int64_t total() const { return activations + gradients + scratch + packed; }
};

// Run a model's losses (and mtp_losses) through it, then ask. Experts are taken to be chosen
// equally often.
class TrainingCostOps final : public Ops {
 public:
  TrainingCostOps(TrainingPrecision precision, bool checkpoint_layers, int n_threads);

  // Of the pass since begin(), by name of operation as in TapeProfile.
  std::map<std::string, TrainingFlops> flops_by_operation() const;
  TrainingFlops flops() const;
  // What TrainingOps::memory_bytes() is after such a pass, its way back and a step.
  TrainingArenas arenas() const;

  void begin(const Batch& batch) override;
  Tensor embed(const Weight& weight, std::span<const std::int32_t> tokens) override;
  Tensor linear(const Tensor& x, const Weight& weight, const Weight* bias) override;
  Tensor rms_norm(const Tensor& x, const Weight& weight, float eps) override;
  Tensor rope(const Tensor& x, std::span<const std::int64_t> positions, const Rope& rope) override;
  Tensor gqa_attention(const GqaInputs& in, float softmax_scale, const Batch& batch) override;
  Tensor mla_attention(const MlaInputs& in, float softmax_scale, const Batch& batch) override;
  Tensor silu_mul(const Tensor& gate, const Tensor& up) override;
  Tensor add(const Tensor& a, const Tensor& b) override;
  Routing route(const Tensor& scores, const Weight* bias, const RouterConfig& config,
                const Batch& batch) override;
  Tensor moe_ffn(const Tensor& x, const Routing& routing, const ExpertWeights& experts) override;
  Tensor concat_last(const Tensor& a, const Tensor& b) override;
  Tensor select_rows(const Tensor& x, std::span<const std::int64_t> rows) override;
  Tensor cross_entropy(const Tensor& h, const Weight& lm_head, const LossTargets& targets) override;
  Tensor layer_boundary(const Tensor& h) override;

 private:
  // The same blocks and the same rounding as Arena's, without memory.
  class CountingArena {
   public:
    void allocate(std::int64_t n_bytes);
    struct Mark {
      std::size_t block = 0;
      std::int64_t used_bytes = 0;
    };
    Mark mark() const { return position_; }
    void reset(Mark mark) { position_ = mark; }
    void merge();  // Arena::reset()
    std::int64_t peak_bytes() const { return peak_bytes_; }

   private:
    std::vector<std::int64_t> blocks_;
    Mark position_;
    std::int64_t peak_bytes_ = 0;
  };
  // As in training_state.h.
  struct Variable {
    std::int64_t n_tokens = 0, width = 0, segment = 0;
    std::int64_t rows_segment = -1;
  };
  enum class Kind { kOther, kAdd, kNoGradient };
  struct Entry {
    std::string name;
    Kind kind = Kind::kOther;
    std::int64_t segment = 0;
    bool recomputed = true;  // if layers are checkpointed
    TrainingFlops flops;
    std::vector<Tensor> inputs;
    std::int32_t output = -1;
    std::vector<std::int64_t> scratch;  // bytes on the way back
    std::int64_t panel_columns = 0;     // of the input, if it is packed into shared panels
  };
  struct AttentionShape {
    std::vector<Tensor> inputs;
    std::int64_t n_tokens, n_heads, key_dim, value_dim;
    std::vector<Tensor> shared;  // one for several heads
  };

  CountingArena& activations() { return checkpoint_layers_ ? layer_ : kept_; }
  Tensor make(std::int64_t n_tokens, std::int64_t n_heads, std::int64_t dim, bool keep = false);
  bool is_whole(const Tensor& x) const;
  bool is_bf16(const kernels::GemmKernels& g) const { return g.group > 1; }
  const kernels::GemmKernels& gemm_of(const Weight& w) const;
  void pack(const Weight& w);
  void need_rows(const Tensor& x, const kernels::GemmKernels& g);
  void fill_rows(const Tensor& x);
  Entry& record(const char* name, std::vector<Tensor> inputs, const Tensor& output);
  void use_scratch(std::initializer_list<std::int64_t> n_bytes);
  std::int64_t per_thread(std::int64_t n_bytes) const;
  Tensor attention(const AttentionShape& shape, const Batch& batch);

  const kernels::GemmKernels &gemm_f32_, &gemm_;
  const bool checkpoint_layers_;
  const std::int64_t n_threads_;
  CountingArena kept_, layer_, scratch_, packed_memory_;
  std::vector<Variable> variables_;
  std::vector<Entry> entries_;
  std::vector<std::pair<const Rope*, const std::int64_t*>> rope_tables_;
  std::unordered_set<const void*> packed_;
  std::vector<std::int64_t> repacked_;  // bytes of scratch for each weight
  std::int64_t segment_ = 0;
};

}  // namespace sputnik
