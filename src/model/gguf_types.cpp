#include "model/gguf_types.h"

#include <algorithm>
#include <string>
#include <vector>

#include "formats/printable.h"

namespace sputnik {
namespace {

constexpr GgufQuantization kQuantizations[] = {
    {"f32", DType::kF32, DType::kF32, 0},     {"f16", DType::kF16, DType::kF16, 1},
    {"bf16", DType::kBF16, DType::kBF16, 32}, {"q8_0", DType::kQ8_0, DType::kQ8_0, 7},
    {"q6_k", DType::kQ6_K, DType::kQ6_K, 18}, {"q4_k_m", DType::kQ4_K, DType::kQ6_K, 15},
    {"q4_0", DType::kQ4_0, DType::kQ4_0, 2},
};

// The mixture that llama.cpp calls "M": the first and the last eighth of the layers, and every
// third between them.
bool is_sensitive_layer(std::int64_t layer, std::int64_t n_layers) {
  const std::int64_t eighth = n_layers / 8;
  return layer < eighth || layer >= 7 * n_layers / 8 || (layer - eighth) % 3 == 2;
}

bool has_part(std::string_view name, std::string_view part) {
  return name.find(part) != name.npos;
}

bool is_sensitive(const GgufTensorKind& tensor) {
  if (tensor.name == "output.weight" || tensor.is_tied_head) return true;
  return (has_part(tensor.name, ".attn_v.") || has_part(tensor.name, ".attn_v_b.") ||
          has_part(tensor.name, ".ffn_down")) &&
         is_sensitive_layer(tensor.layer, tensor.n_layers);
}

}  // namespace

std::span<const GgufQuantization> gguf_quantizations() {
  return kQuantizations;
}

Result<GgufQuantization> gguf_quantization(std::string_view name) {
  std::string names;
  for (const GgufQuantization& quantization : kQuantizations) {
    if (quantization.name == name) return quantization;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", quantization.name);
  }
  return invalid_argument("\"{}\" is none of {}", printable(name), names);
}

DType gguf_type_of(const GgufQuantization& quantization, const GgufTensorKind& tensor) {
  if (tensor.is_vector || has_part(tensor.name, ".ffn_gate_inp.")) return DType::kF32;
  const DType wanted =
      is_sensitive(tensor) ? quantization.sensitive_matrices : quantization.matrices;
  if (tensor.n_cols % traits(wanted).block_size == 0) return wanted;
  if (traits(wanted).block_size > 32 && tensor.n_cols % 32 == 0) return DType::kQ8_0;
  return DType::kF16;
}

}  // namespace sputnik
