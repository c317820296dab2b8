#include "autograd/training_state.h"

#include <algorithm>

namespace sputnik {
namespace {

using kernels::kPanelColumns;
using kernels::panel_width;

constexpr std::int64_t kRowBlock = 192;     // rows of a product that one thread takes at a time
constexpr std::int64_t kColumnBlock = 128;  // columns of a weight's gradient, likewise

std::byte* at(void* base, std::int64_t elements, const GemmKernels& g) {
  return static_cast<std::byte*>(base) + elements * g.element_bytes;
}
const std::byte* at(const void* base, std::int64_t elements, const GemmKernels& g) {
  return static_cast<const std::byte*>(base) + elements * g.element_bytes;
}

}  // namespace

Tensor TrainingOps::State::make(std::int64_t n_tokens, std::int64_t n_heads, std::int64_t dim,
                                bool keep) {
  Arena& arena = keep ? kept : activations();
  Tensor y{arena.allocate_span<float>(n_tokens * n_heads * dim).data(),
           n_tokens,
           n_heads,
           dim,
           n_heads * dim,
           dim};
  y.variable = static_cast<std::int32_t>(variables.size());
  Variable& v = variables.emplace_back();
  v.data = y.data;
  v.n_tokens = n_tokens;
  v.width = n_heads * dim;
  v.segment = segment;
  return y;
}

void TrainingOps::State::zero(float* data, std::int64_t n) {
  pool.parallel_for(n, 1 << 16, [&](std::int64_t begin, std::int64_t end, int) {
    std::fill(data + begin, data + end, 0.0f);
  });
}

// ------------------------------------------------------------------------------------------------
// gradients

Tensor TrainingOps::State::gradient_of(const Tensor& y) {
  const Variable& v = variable(y);
  Tensor dy = y;
  dy.variable = -1;
  dy.data = v.gradient == nullptr ? nullptr : v.gradient + (y.data - v.data);
  return dy;
}

GradientTarget TrainingOps::State::target_of(const Tensor& x) {
  Variable& v = variable(x);
  const bool is_new = v.gradient == nullptr;
  if (is_new) {
    // A variable of an earlier segment than the one before lives on, and so must its gradient.
    const bool outlives = v.is_input || !is_undoing || v.segment < segment - 1;
    Arena& arena = outlives ? kept : gradients[v.segment % 2];
    v.gradient = arena.allocate_span<float>(v.n_tokens * v.width).data();
  }
  GradientTarget target{gradient_of(x), !is_new};
  if (is_new && !is_whole(x)) {
    zero(v.gradient, v.n_tokens * v.width);
    target.accumulate = true;
  }
  return target;
}

bool TrainingOps::State::hand_over(const Tensor& y, const Tensor& x) {
  Variable &from = variable(y), &to = variable(x);
  if (to.gradient != nullptr || to.is_input || from.is_input || to.segment != from.segment ||
      from.segment != segment || !is_whole(x) || !is_whole(y))
    return false;
  to.gradient = from.gradient;
  from.gradient = nullptr;
  return true;
}

// ------------------------------------------------------------------------------------------------
// weights

Parameter& TrainingOps::State::parameter(const Weight& w) {
  Parameter* p = parameters.find_by_value(w.data);
  SPUTNIK_ASSERT(p != nullptr && p->rows == w.rows && p->cols == w.cols);
  return *p;
}

const PackedWeight& TrainingOps::State::packed_weight(const Weight& w) {
  Parameter& p = parameter(w);
  std::unique_ptr<PackedWeight>& entry = packed[&p];
  if (entry == nullptr) {
    const GemmKernels& g = gemm_of(p);
    entry = std::make_unique<PackedWeight>();
    entry->parameter = &p;
    entry->gemm = &g;
    entry->forward =
        static_cast<std::byte*>(packed_memory.allocate(g.panels_bytes(p.rows, p.cols)));
    entry->backward =
        static_cast<std::byte*>(packed_memory.allocate(g.panels_bytes(p.cols, p.rows)));
    pack({entry.get()});
  }
  return *entry;
}

void TrainingOps::State::pack(const std::vector<PackedWeight*>& weights) {
  // Pieces: blocks of 64 rows into forward panels, then blocks of 64 columns into backward panels.
  struct Piece {
    PackedWeight* weight;
    std::int64_t block;
    std::byte* rows;
  };
  const ScratchScope scope(scratch);
  std::vector<Piece> by_rows, by_columns;
  for (PackedWeight* w : weights) {
    const Parameter& p = *w->parameter;
    const GemmKernels& g = *w->gemm;
    auto* rows = is_float32(g) ? reinterpret_cast<std::byte*>(p.value.data())
                               : static_cast<std::byte*>(scratch.allocate(
                                     p.rows * g.rounded(p.cols) * g.element_bytes));
    for (std::int64_t b = 0; b * kPanelColumns < p.rows; ++b) by_rows.push_back({w, b, rows});
    for (std::int64_t b = 0; b * kPanelColumns < p.cols; ++b) by_columns.push_back({w, b, rows});
  }
  const auto n = [](const std::vector<Piece>& pieces) {
    return static_cast<std::int64_t>(pieces.size());
  };
  pool.parallel_for(n(by_rows), 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Piece& piece = by_rows[static_cast<std::size_t>(i)];
      const Parameter& p = *piece.weight->parameter;
      const GemmKernels& g = *piece.weight->gemm;
      const std::int64_t first = piece.block * kPanelColumns, stride = g.rounded(p.cols);
      const std::int64_t n_rows = std::min(kPanelColumns, p.rows - first);
      std::byte* rows = at(piece.rows, first * stride, g);
      if (!is_float32(g))
        g.to_rows(p.value.data() + first * p.cols, p.cols, n_rows, p.cols, rows, stride,
                  stride - p.cols);
      g.pack_transposed(rows, stride, n_rows, p.cols,
                        at(piece.weight->forward, piece.block * g.panel_stride(p.cols), g));
    }
  });
  pool.parallel_for(n(by_columns), 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Piece& piece = by_columns[static_cast<std::size_t>(i)];
      const Parameter& p = *piece.weight->parameter;
      const GemmKernels& g = *piece.weight->gemm;
      const std::int64_t first = piece.block * kPanelColumns;
      g.pack_rows(at(piece.rows, first, g), g.rounded(p.cols), p.rows,
                  std::min(kPanelColumns, p.cols - first),
                  at(piece.weight->backward, piece.block * g.panel_stride(p.rows), g));
    }
  });
}

// ------------------------------------------------------------------------------------------------
// products

void* TrainingOps::State::rows_to_fill(const Tensor& x) {
  const GemmKernels& g = gemm();
  if (is_float32(g)) return nullptr;
  Variable& v = variable(x);
  SPUTNIK_ASSERT(v.rows == nullptr && is_whole(x));
  v.rows = activations().allocate(v.n_tokens * g.rounded(v.width) * g.element_bytes);
  v.rows_segment = segment;
  return v.rows;
}

Rows TrainingOps::State::rows_of(const Tensor& x, const GemmKernels& g, void** to_fill) {
  *to_fill = nullptr;
  SPUTNIK_ASSERT(x.rows_are_contiguous());
  if (is_float32(g)) return {x.data, x.token_stride};
  Variable& v = variable(x);
  const std::int64_t stride = g.rounded(x.width());
  if (is_whole(x) && v.rows_segment == segment) return {v.rows, stride};
  *to_fill = activations().allocate(x.n_tokens * stride * g.element_bytes);
  if (is_whole(x)) {
    v.rows = *to_fill;
    v.rows_segment = segment;
  }
  return {*to_fill, stride};
}

void TrainingOps::State::fill_row_block(const Tensor& x, const GemmKernels& g, void* rows,
                                        std::int64_t first, std::int64_t n) const {
  const std::int64_t stride = g.rounded(x.width());
  g.to_rows(x.row(first), x.token_stride, n, x.width(), at(rows, first * stride, g), stride,
            stride - x.width());
}

void TrainingOps::State::fill_rows(const Tensor& x, const GemmKernels& g, void* rows) {
  if (rows == nullptr) return;
  for_row_blocks(x.n_tokens,
                 [&](std::int64_t first, std::int64_t n) { fill_row_block(x, g, rows, first, n); });
}

void TrainingOps::State::for_row_blocks(std::int64_t n_rows,
                                        FunctionRef<void(std::int64_t, std::int64_t)> f) {
  // Even, so that blocks of panels do not share a pair of rows, and whole tiles of products.
  const std::int64_t fair = (n_rows + pool.n_threads() - 1) / pool.n_threads();
  const std::int64_t block = std::clamp<std::int64_t>((fair + 5) / 6 * 6, 6, kRowBlock);
  pool.parallel_for(n_rows, block, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; row += block) f(row, std::min(block, end - row));
  });
}

void TrainingOps::State::pack_panels(const GemmKernels& g, const Rows& rows, std::int64_t n_rows,
                                     std::int64_t n_cols, std::byte* panels) {
  const std::int64_t n_panels = (n_cols + kPanelColumns - 1) / kPanelColumns;
  pool.parallel_for(n_panels, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t p = begin; p < end; ++p) {
      g.pack_rows(at(rows.data, p * kPanelColumns, g), rows.stride, n_rows,
                  std::min(kPanelColumns, n_cols - p * kPanelColumns),
                  at(panels, p * g.panel_stride(n_rows), g));
    }
  });
}

void TrainingOps::State::add_outer(const GemmKernels& g, const std::byte* dy_panels,
                                   const std::byte* x_panels, std::int64_t n_rows, std::int64_t n,
                                   std::int64_t k, float* dw) {
  const std::int64_t n_down = (n + kPanelColumns - 1) / kPanelColumns;
  const std::int64_t n_across = (k + kColumnBlock - 1) / kColumnBlock;
  pool.parallel_for(n_down * n_across, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t panel = i / n_across, column = i % n_across * kColumnBlock;
      const std::int64_t row = panel * kPanelColumns;
      g.multiply({at(dy_panels, panel * g.panel_stride(n_rows), g), g.group,
                  panel_width(n, panel) * g.group},
                 at(x_panels, column / kPanelColumns * g.panel_stride(n_rows), g),
                 g.panel_stride(n_rows), std::min(kPanelColumns, n - row),
                 std::min(kColumnBlock, k - column), n_rows, dw + row * k + column, k, true);
    }
  });
}

void TrainingOps::State::pack_row_block(const GemmKernels& g, const Rows& rows, std::int64_t n_rows,
                                        std::int64_t n_cols, void* panels, std::int64_t first,
                                        std::int64_t n) const {
  for (std::int64_t p = 0; p * kPanelColumns < n_cols; ++p) {
    g.pack_rows(at(rows.data, first * rows.stride + p * kPanelColumns, g), rows.stride, n,
                std::min(kPanelColumns, n_cols - p * kPanelColumns),
                at(panels, p * g.panel_stride(n_rows) + first * panel_width(n_cols, p), g));
  }
}

void TrainingOps::State::linear_backward(const Tensor& x, const Rows& x_rows, const PackedWeight& w,
                                         const Tensor& dy) {
  const ScratchScope scope(scratch);
  const GemmKernels& g = *w.gemm;
  const std::int64_t n = w.parameter->rows, k = w.parameter->cols, n_rows = x.n_tokens;
  Rows dy_rows{dy.data, dy.token_stride};
  void* dy_to_fill = nullptr;
  if (!is_float32(g)) {
    dy_to_fill = scratch.allocate(n_rows * g.rounded(n) * g.element_bytes);
    dy_rows = {dy_to_fill, g.rounded(n)};
  }
  const GradientTarget dx = target_of(x);
  auto* const dy_panels = static_cast<std::byte*>(scratch.allocate(g.panels_bytes(n, n_rows)));
  // Several products may read x: its panels are kept until the segment is done.
  Variable& v = variable(x);
  const bool shared = is_whole(x) && &g == &gemm();
  void* x_panels = shared ? v.panels : nullptr;
  const bool pack_x = x_panels == nullptr;
  if (pack_x) {
    Arena& arena = shared ? gradients[segment % 2] : scratch;
    x_panels = arena.allocate(g.panels_bytes(k, n_rows));
    if (shared) v.panels = x_panels;
  }
  for_row_blocks(n_rows, [&](std::int64_t first, std::int64_t m) {
    if (dy_to_fill != nullptr) fill_row_block(dy, g, dy_to_fill, first, m);
    pack_row_block(g, dy_rows, n_rows, n, dy_panels, first, m);
    if (pack_x) pack_row_block(g, x_rows, n_rows, k, x_panels, first, m);
    g.multiply({at(dy_rows.data, first * dy_rows.stride, g), dy_rows.stride, g.group}, w.backward,
               g.panel_stride(n), m, k, n, dx.tensor.row(first), dx.tensor.token_stride,
               dx.accumulate);
  });
  add_outer(g, dy_panels, static_cast<const std::byte*>(x_panels), n_rows, n, k,
            w.parameter->gradient.data());
}

}  // namespace sputnik
