// The tensors of a GGUF file, and how their rows come out of a checkpoint's: what llama.cpp wants
// otherwise than the published weights have it.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/kernels.h"
#include "model/weight_store.h"
#include "ops/weight.h"

namespace sputnik {

// One tensor. Its rows are those of parts, one below the other, but for the order.
struct GgufTensorSource {
  enum class Form {
    kSame,
    // Llama's q and k: halves of a head's rows become pairs, because the rotation that GGUF means
    // turns neighbours.
    kPairedRows,
    // The halves of kv_b_proj [n_heads * (qk_nope_head_dim + v_head_dim), kv_lora_rank]. The keys'
    // is transposed within each head, so that it can be applied to the query.
    kKeyHalf,    // [n_heads, kv_lora_rank, qk_nope_head_dim]
    kValueHalf,  // [n_heads, v_head_dim, kv_lora_rank]
  };

  std::string name;                 // "blk.3.attn_q.weight"
  std::vector<std::int64_t> shape;  // row-major, outermost first
  bool is_vector = false;
  std::int64_t layer = 0;
  Form form = Form::kSame;
  std::int64_t head_rows = 0;  // kPairedRows: rows of a head; the halves: rows of one in parts
  std::int64_t key_rows = 0;   // the halves: qk_nope_head_dim
  std::vector<Weight> parts;   // of equal size and type
  std::shared_ptr<const std::vector<float>> owned;  // what parts point into, if no file holds it

  std::int64_t n_cols() const { return is_vector ? parts.front().cols : shape.back(); }
  std::int64_t n_rows() const;
  DType dtype() const { return parts.front().dtype; }
  // Rows that are made together: reading begins and ends at multiples of it.
  std::int64_t row_group() const { return form == Form::kKeyHalf ? shape[1] : 1; }

  // The row as it lies in the file, or null if it lies there otherwise: transposed, or with scales
  // beside it.
  const std::byte* stored_row(std::int64_t row) const;
  // Rows [first, first + n) as floats, [n, n_cols()].
  void read_rows(const kernels::KernelTable& kernels, std::int64_t first, std::int64_t n,
                 float* out) const;

 private:
  struct Place {
    const Weight* part;
    std::int64_t row;
  };
  Place place_of(std::int64_t row) const;
};

// All tensors of a model of config, which has been loaded from store. The tensors borrow from it.
Result<std::vector<GgufTensorSource>> gguf_tensors(const nlohmann::json& config, WeightStore& store,
                                                   bool with_mtp);

// Whether the checkpoint holds weights of prediction modules.
bool has_mtp(const nlohmann::json& config, const WeightStore& store);

}  // namespace sputnik
