// Private to TrainingOps: what its parts share.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "autograd/training_ops.h"
#include "ops/router.h"
#include "tensor/arena.h"

namespace sputnik {

using kernels::GemmA;
using kernels::GemmKernels;

// An activation: a [n_tokens, width] matrix in an arena, what its gradient is, and the forms of
// both that matrix products take.
struct Variable {
  float* data = nullptr;
  std::int64_t n_tokens = 0;
  std::int64_t width = 0;
  std::int64_t segment = 0;  // that made it
  bool is_input = false;
  float* gradient = nullptr;  // null: nothing has been added to it yet
  void* rows = nullptr;       // bfloat16, for products of rows_segment that read it
  std::int64_t rows_segment = -1;
  void* panels = nullptr;  // while the segment's backward pass runs
};

// Where an operation writes a gradient: like the tensor it belongs to, in the gradient's memory.
struct GradientTarget {
  Tensor tensor;
  bool accumulate;  // false: nothing is there yet, write
};

// A weight in the forms that products take. Both are panels: of its rows, for x W^T, and of its
// columns, for dy W.
struct PackedWeight {
  Parameter* parameter;
  const GemmKernels* gemm;
  std::byte* forward = nullptr;
  std::byte* backward = nullptr;
};

// Elements of rows that products read.
struct Rows {
  const void* data;
  std::int64_t stride;
};

struct TrainingOps::State {
  State(const kernels::KernelTable& k, ThreadPool& p, ParameterStore& params,
        const TrainingOptions& o)
      : kernels(k), pool(p), parameters(params), options(o) {
    router_scratch.resize(static_cast<std::size_t>(pool.n_threads()));
  }

  const kernels::KernelTable& kernels;
  ThreadPool& pool;
  ParameterStore& parameters;
  TrainingOptions options;
  Tape tape;

  // ---- memory
  // Lives until the next begin(): what crosses segments, and everything if layers are not
  // checkpointed.
  Arena kept;
  // The segment that is computed now, if layers are checkpointed. Segments use the same memory one
  // after the other, and again when they are recomputed.
  Arena layer;
  Arena& activations() { return options.checkpoint_layers ? layer : kept; }
  // Gradients of activations, by parity of the segment: those of segment s are dropped when its
  // backward pass is done, while segment s - 1 has received its own.
  Arena gradients[2];
  Arena scratch;                   // of one operation
  Arena packed_memory;             // of weights
  std::deque<Variable> variables;  // by id
  std::int64_t segment = 0;        // being recorded, or undone
  bool is_undoing = false;

  Tensor make(std::int64_t n_tokens, std::int64_t n_heads, std::int64_t dim, bool keep = false);
  Variable& variable(const Tensor& x) {
    SPUTNIK_ASSERT(x.variable >= 0);
    return variables[static_cast<std::size_t>(x.variable)];
  }
  // x is all of its variable, not a part of its columns.
  bool is_whole(const Tensor& x) {
    const Variable& v = variable(x);
    return x.data == v.data && x.width() == v.width && x.rows_are_contiguous();
  }

  struct ScratchScope {
    explicit ScratchScope(Arena& a) : arena(a), mark(a.mark()) {}
    ~ScratchScope() { arena.reset(mark); }
    ScratchScope(const ScratchScope&) = delete;
    ScratchScope& operator=(const ScratchScope&) = delete;
    Arena& arena;
    Arena::Mark mark;
  };
  // n bytes for every worker.
  struct PerThread {
    std::byte* base;
    std::int64_t stride;
    template <class T = std::byte>
    T* of(int worker) const {
      return reinterpret_cast<T*>(base + worker * stride);
    }
  };
  PerThread per_thread(std::int64_t n_bytes) {
    const std::int64_t stride = (n_bytes + 63) / 64 * 64;
    return {static_cast<std::byte*>(scratch.allocate(stride * pool.n_threads())), stride};
  }

  // ---- the tape
  void record(const char* name, std::function<void()> forward, std::function<void()> backward,
              bool recompute = true) {
    tape.record(name, std::move(forward), std::move(backward),
                recompute && options.checkpoint_layers);
  }

  // The gradient of y, or data = null if nothing depends on y.
  Tensor gradient_of(const Tensor& y);
  // Gives the memory of y's gradient, which nobody needs any more, to x, whose gradient it is.
  // False: x cannot take it.
  bool hand_over(const Tensor& y, const Tensor& x);
  // Where to write the gradient of x.
  GradientTarget target_of(const Tensor& x);

  // ---- matrix products
  const GemmKernels& gemm() const {
    return options.precision == TrainingPrecision::kBfloat16 ? kernels.gemm_bf16 : kernels.gemm_f32;
  }
  bool is_float32(const GemmKernels& g) const { return g.group == 1; }
  const GemmKernels& gemm_of(const Parameter& p) const {
    return p.is_router ? kernels.gemm_f32 : gemm();
  }

  std::unordered_map<const Parameter*, std::unique_ptr<PackedWeight>> packed;
  std::int64_t packed_version = 0;  // of the parameters
  Parameter& parameter(const Weight& w);
  // Valid now and, at the same place, after parameters changed and begin() was called.
  const PackedWeight& packed_weight(const Weight& w);
  void pack(const std::vector<PackedWeight*>& weights);

  // Rows of x for products. to_fill is what a forward function must fill before it reads the rows:
  // nothing (null) if another operation fills them or if they are x itself.
  Rows rows_of(const Tensor& x, const GemmKernels& g, void** to_fill);
  // For an operation that makes x row by row: rows that it fills itself. Null if none are needed.
  void* rows_to_fill(const Tensor& x);
  void fill_rows(const Tensor& x, const GemmKernels& g, void* rows);

  // f(first row, rows) for blocks of rows that are worked on while they are in a core's cache.
  void for_row_blocks(std::int64_t n_rows, FunctionRef<void(std::int64_t, std::int64_t)> f);
  void fill_row_block(const Tensor& x, const GemmKernels& g, void* rows, std::int64_t first,
                      std::int64_t n) const;
  // Some rows' part of the panels of the columns of all rows.
  void pack_row_block(const GemmKernels& g, const Rows& rows, std::int64_t n_rows,
                      std::int64_t n_cols, void* panels, std::int64_t first, std::int64_t n) const;
  // The sum over rows of dy_i x_j, added to a [n, k] matrix, from panels of both.
  void add_outer(const GemmKernels& g, const std::byte* dy_panels, const std::byte* x_panels,
                 std::int64_t n_rows, std::int64_t n, std::int64_t k, float* dw);
  // Panels of the columns of rows, in parallel.
  void pack_panels(const GemmKernels& g, const Rows& rows, std::int64_t n_rows, std::int64_t n_cols,
                   std::byte* panels);
  // The way back through y = x W^T given dy.
  void linear_backward(const Tensor& x, const Rows& x_rows, const PackedWeight& w,
                       const Tensor& dy);

  // ---- attention
  struct AttentionParts {
    Tensor q[2], k[2], v;  // heads of k and v, or one for all heads of q; q[1], k[1] may be empty
    Tensor out;            // [T, H, value_dim]
    float scale;
    const Batch* batch;
    void* out_rows;  // of out, for the product that follows; may be null
    float* log_sum;  // [T, H]: log of the sum of exp of a query's scores
    std::int64_t key_dim() const { return q[0].dim + q[1].dim; }
  };
  void attention_forward(const AttentionParts& parts);
  void attention_backward(const AttentionParts& parts);
  Tensor attention(AttentionParts parts);

  // ---- others
  struct RopeTable {
    const Rope* rope;
    const std::int64_t* positions;
    std::int64_t n_positions;
    float *cos, *sin, *minus_sin;
  };
  std::vector<RopeTable> rope_tables;
  std::vector<RouterScratch> router_scratch;  // per thread
  std::vector<ExpertLoad> expert_loads;
  double balance_loss = 0;

  void zero(float* data, std::int64_t n);
};

// Tokens that a thread takes at a time in element-wise operations.
constexpr std::int64_t kTrainingGrain = 64;

}  // namespace sputnik
