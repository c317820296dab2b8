// Which tensor of a GGUF file gets which type.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tensor/dtype.h"

namespace sputnik {

// As llama.cpp names them, with the number by which general.file_type says it.
struct GgufQuantization {
  std::string_view name;     // "q4_k_m"
  DType matrices;            // of most matrices
  DType sensitive_matrices;  // of those that lose most; see gguf_type_of
  std::uint32_t file_type;
};

std::span<const GgufQuantization> gguf_quantizations();
// kInvalidArgument lists the names.
Result<GgufQuantization> gguf_quantization(std::string_view name);

// What a type is chosen by.
struct GgufTensorKind {
  std::string_view name;  // "blk.3.ffn_down.weight"
  std::int64_t n_cols;    // length of a row
  bool is_vector = false;
  std::int64_t layer = 0;  // counted from 0 among n_layers; outside of layers: 0
  std::int64_t n_layers = 1;
  bool is_tied_head = false;  // the embedding, which is the head too
};

// Vectors, the router (ffn_gate_inp) and its biases are F32: they are small and decide much. Rows
// that are no whole number of K-quant blocks (256) become Q8_0, rows that are no whole number of
// its blocks (32) F16.
DType gguf_type_of(const GgufQuantization& quantization, const GgufTensorKind& tensor);

}  // namespace sputnik
