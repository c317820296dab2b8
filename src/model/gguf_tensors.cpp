#include "model/gguf_tensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "formats/gguf_names.h"
#include "model/bind.h"
#include "model/config.h"

namespace sputnik {
namespace {

using Form = GgufTensorSource::Form;

// A row of a part as floats, FP8 with its scales.
void read_row(const kernels::KernelTable& kernels, const Weight& w, std::int64_t row, float* out) {
  kernels.dequantize_row(w.dtype, w.data + row * w.row_stride_bytes(), out, w.cols);
  if (w.scales == nullptr) return;
  const float* scales = w.scales + (w.first_row + row) / 128 * ((w.cols + 127) / 128);
  for (std::int64_t c = 0; c < w.cols; ++c) out[c] *= scales[c / 128];
}

class Collector {
 public:
  explicit Collector(WeightStore& store) : store_(store) {}

  bool has(const std::string& name) const { return store_.contains(name); }

  // A weight under its published name, as it is.
  Result<void> matrix(const std::string& name, std::int64_t rows, std::int64_t cols) {
    SPUTNIK_TRY(Weight weight, store_.matrix(name, rows, cols));
    add(name, {rows, cols}).parts.push_back(std::move(weight));
    return ok_result();
  }
  Result<void> vector(const std::string& name, std::int64_t n) {
    SPUTNIK_TRY(Weight weight, store_.vector(name, n));
    GgufTensorSource& tensor = add(name, {n});
    tensor.is_vector = true;
    tensor.parts.push_back(std::move(weight));
    return ok_result();
  }
  Result<void> matrices(const std::string& prefix, std::initializer_list<const char*> parts,
                        std::int64_t rows, std::int64_t cols) {
    for (const char* part : parts)
      SPUTNIK_CHECK_OK(matrix(fmt::format("{}.{}.weight", prefix, part), rows, cols));
    return ok_result();
  }

  // The last tensor is of q_proj or k_proj of Llama: a weight, or a bias, which is a column.
  void pair_rows(std::int64_t head_dim) {
    GgufTensorSource& tensor = tensors_.back();
    if (tensor.is_vector) std::swap(tensor.parts.front().rows, tensor.parts.front().cols);
    tensor.form = Form::kPairedRows;
    tensor.head_rows = head_dim;
  }

  void experts(const std::string& prefix, std::string_view projection,
               std::vector<Weight> weights) {
    const std::string name = fmt::format("{}.{}.weight", prefix, projection);
    const auto n_experts = static_cast<std::int64_t>(weights.size());
    add(name, {n_experts, weights.front().rows, weights.front().cols}).parts = std::move(weights);
  }

  // Numbers that no file holds.
  void values(const std::string& name, std::vector<float> values) {
    const auto n = static_cast<std::int64_t>(values.size());
    GgufTensorSource& tensor = add(name, {n});
    tensor.is_vector = true;
    tensor.owned = std::make_shared<const std::vector<float>>(std::move(values));
    tensor.parts.push_back({name, DType::kF32,
                            reinterpret_cast<const std::byte*>(tensor.owned->data()), 1, n, nullptr,
                            0});
  }

  // kv_b_proj as its two halves, which some files hold already.
  Result<void> kv_b(const std::string& attention, const DeepseekV3Config& c) {
    const std::int64_t heads = c.num_attention_heads, nope = c.qk_nope_head_dim, v = c.v_head_dim,
                       rank = c.kv_lora_rank;
    const std::string key = attention + ".k_b_proj.weight", value = attention + ".v_b_proj.weight";
    if (has(key) && has(value)) {
      SPUTNIK_TRY(Weight k_b, store_.matrix(key, heads * rank, nope));
      SPUTNIK_TRY(Weight v_b, store_.matrix(value, heads * v, rank));
      add(key, {heads, rank, nope}).parts.push_back(std::move(k_b));
      add(value, {heads, v, rank}).parts.push_back(std::move(v_b));
      return ok_result();
    }
    SPUTNIK_TRY(const Weight whole,
                store_.matrix(attention + ".kv_b_proj.weight", heads * (nope + v), rank));
    const auto add_half = [&](const std::string& name, std::vector<std::int64_t> shape, Form form) {
      GgufTensorSource& half = add(name, std::move(shape));
      half.form = form;
      half.head_rows = nope + v;
      half.key_rows = nope;
      half.parts.push_back(whole);
    };
    add_half(key, {heads, rank, nope}, Form::kKeyHalf);
    add_half(value, {heads, v, rank}, Form::kValueHalf);
    return ok_result();
  }

  void begin_layer(std::int64_t layer) { layer_ = layer; }
  std::vector<GgufTensorSource> take() && { return std::move(tensors_); }
  WeightStore& store() { return store_; }

 private:
  GgufTensorSource& add(const std::string& name, std::vector<std::int64_t> shape) {
    const auto gguf_name = gguf_name_from_hf(name);
    SPUTNIK_ASSERT(gguf_name.has_value());  // the names are ours
    GgufTensorSource& tensor = tensors_.emplace_back();
    tensor.name = *gguf_name;
    tensor.shape = std::move(shape);
    tensor.layer = layer_;
    return tensor;
  }

  WeightStore& store_;
  std::int64_t layer_ = 0;
  std::vector<GgufTensorSource> tensors_;
};

Result<void> collect_ends(Collector& out, std::int64_t vocab_size, std::int64_t hidden_size,
                          bool tied) {
  SPUTNIK_CHECK_OK(out.matrix("model.embed_tokens.weight", vocab_size, hidden_size));
  SPUTNIK_CHECK_OK(out.vector("model.norm.weight", hidden_size));
  if (!tied && out.has("lm_head.weight"))
    SPUTNIK_CHECK_OK(out.matrix("lm_head.weight", vocab_size, hidden_size));
  return ok_result();
}

Result<void> collect_mlp(Collector& out, const std::string& prefix, std::int64_t intermediate_size,
                         std::int64_t hidden_size) {
  SPUTNIK_CHECK_OK(out.matrices(prefix, {"gate_proj", "up_proj"}, intermediate_size, hidden_size));
  return out.matrices(prefix, {"down_proj"}, hidden_size, intermediate_size);
}

Result<void> collect_moe(Collector& out, const std::string& mlp, const DeepseekV3Config& c) {
  SPUTNIK_CHECK_OK(out.matrix(mlp + ".gate.weight", c.n_routed_experts, c.hidden_size));
  const std::string bias = mlp + ".gate.e_score_correction_bias";
  if (out.has(bias)) {
    SPUTNIK_CHECK_OK(out.vector(bias, c.n_routed_experts));
  } else if (c.router.scoring_func == ScoringFunc::kSigmoid) {
    // Readers expect one with sigmoid.
    out.values(bias, std::vector<float>(static_cast<std::size_t>(c.n_routed_experts), 0.0f));
  }
  const std::string experts = mlp + ".experts";
  SPUTNIK_TRY(ExpertWeights weights, bind_experts(out.store(), experts, c.n_routed_experts,
                                                  c.moe_intermediate_size, c.hidden_size));
  out.experts(experts, "gate_proj", std::move(weights.gate_proj));
  out.experts(experts, "up_proj", std::move(weights.up_proj));
  out.experts(experts, "down_proj", std::move(weights.down_proj));
  if (c.n_shared_experts == 0) return ok_result();
  return collect_mlp(out, mlp + ".shared_experts", c.n_shared_experts * c.moe_intermediate_size,
                     c.hidden_size);
}

Result<void> collect_deepseek_layer(Collector& out, const DeepseekV3Config& c, std::int64_t index) {
  out.begin_layer(index);
  const std::string layer = fmt::format("model.layers.{}", index);
  const std::string attention = layer + ".self_attn";
  const std::int64_t q_dim = c.num_attention_heads * c.qk_head_dim();
  SPUTNIK_CHECK_OK(out.vector(layer + ".input_layernorm.weight", c.hidden_size));
  if (c.q_lora_rank > 0) {
    SPUTNIK_CHECK_OK(out.matrix(attention + ".q_a_proj.weight", c.q_lora_rank, c.hidden_size));
    SPUTNIK_CHECK_OK(out.vector(attention + ".q_a_layernorm.weight", c.q_lora_rank));
    SPUTNIK_CHECK_OK(out.matrix(attention + ".q_b_proj.weight", q_dim, c.q_lora_rank));
  } else {
    SPUTNIK_CHECK_OK(out.matrix(attention + ".q_proj.weight", q_dim, c.hidden_size));
  }
  SPUTNIK_CHECK_OK(
      out.matrix(attention + ".kv_a_proj_with_mqa.weight", c.kv_cache_dim(), c.hidden_size));
  SPUTNIK_CHECK_OK(out.vector(attention + ".kv_a_layernorm.weight", c.kv_lora_rank));
  SPUTNIK_CHECK_OK(out.kv_b(attention, c));
  SPUTNIK_CHECK_OK(out.matrix(attention + ".o_proj.weight", c.hidden_size,
                              c.num_attention_heads * c.v_head_dim));
  SPUTNIK_CHECK_OK(out.vector(layer + ".post_attention_layernorm.weight", c.hidden_size));
  if (c.is_moe_layer(index)) return collect_moe(out, layer + ".mlp", c);
  return collect_mlp(out, layer + ".mlp", c.intermediate_size, c.hidden_size);
}

Result<void> collect_mtp(Collector& out, const DeepseekV3Config& c, std::int64_t index) {
  SPUTNIK_CHECK_OK(collect_deepseek_layer(out, c, index));
  const std::string layer = fmt::format("model.layers.{}", index);
  SPUTNIK_CHECK_OK(out.matrix(layer + ".eh_proj.weight", c.hidden_size, 2 * c.hidden_size));
  for (const char* norm : {"enorm", "hnorm", "shared_head.norm"})
    SPUTNIK_CHECK_OK(out.vector(fmt::format("{}.{}.weight", layer, norm), c.hidden_size));
  for (const char* part : {"embed_tokens", "shared_head.head"}) {
    const std::string name = fmt::format("{}.{}.weight", layer, part);
    if (out.has(name)) SPUTNIK_CHECK_OK(out.matrix(name, c.vocab_size, c.hidden_size));
  }
  return ok_result();
}

Result<void> collect_llama(Collector& out, const LlamaConfig& c, bool pairs_rows) {
  SPUTNIK_CHECK_OK(collect_ends(out, c.vocab_size, c.hidden_size, c.tie_word_embeddings));
  if (out.has("rope_freqs.weight")) {
    SPUTNIK_CHECK_OK(out.vector("rope_freqs.weight", c.head_dim / 2));
  } else if (c.rope_scaling) {
    const auto plain = rope_inv_freq(c.head_dim, c.rope_theta);
    const auto scaled = llama3_inv_freq(c.head_dim, c.rope_theta, *c.rope_scaling);
    std::vector<float> divisors;
    for (std::size_t i = 0; i < plain.size(); ++i)
      divisors.push_back(static_cast<float>(plain[i] / scaled[i]));
    out.values("rope_freqs.weight", std::move(divisors));
  }
  const std::int64_t q_dim = c.num_attention_heads * c.head_dim,
                     kv_dim = c.num_key_value_heads * c.head_dim;
  for (std::int64_t i = 0; i < c.num_hidden_layers; ++i) {
    out.begin_layer(i);
    const std::string layer = fmt::format("model.layers.{}", i);
    const auto attention = [&](std::string_view part) {
      return fmt::format("{}.self_attn.{}", layer, part);
    };
    SPUTNIK_CHECK_OK(out.vector(layer + ".input_layernorm.weight", c.hidden_size));
    for (const auto& [part, rows] : {std::pair("q_proj", q_dim), std::pair("k_proj", kv_dim)}) {
      SPUTNIK_CHECK_OK(out.matrix(attention(fmt::format("{}.weight", part)), rows, c.hidden_size));
      if (pairs_rows) out.pair_rows(c.head_dim);
      if (!c.attention_bias) continue;
      SPUTNIK_CHECK_OK(out.vector(attention(fmt::format("{}.bias", part)), rows));
      if (pairs_rows) out.pair_rows(c.head_dim);
    }
    SPUTNIK_CHECK_OK(out.matrix(attention("v_proj.weight"), kv_dim, c.hidden_size));
    if (c.attention_bias) SPUTNIK_CHECK_OK(out.vector(attention("v_proj.bias"), kv_dim));
    SPUTNIK_CHECK_OK(out.matrix(attention("o_proj.weight"), c.hidden_size, q_dim));
    SPUTNIK_CHECK_OK(out.vector(layer + ".post_attention_layernorm.weight", c.hidden_size));
    SPUTNIK_CHECK_OK(collect_mlp(out, layer + ".mlp", c.intermediate_size, c.hidden_size));
  }
  return ok_result();
}

}  // namespace

std::int64_t GgufTensorSource::n_rows() const {
  std::int64_t n = 1;
  for (const std::int64_t size : shape) n *= size;
  return n / n_cols();
}

GgufTensorSource::Place GgufTensorSource::place_of(std::int64_t row) const {
  switch (form) {
    case Form::kPairedRows: {
      const std::int64_t half = head_rows / 2, in_head = row % head_rows;
      row = row - in_head + in_head % 2 * half + in_head / 2;
      break;
    }
    case Form::kValueHalf: {
      const std::int64_t value_rows = head_rows - key_rows;
      row = row / value_rows * head_rows + key_rows + row % value_rows;
      break;
    }
    case Form::kSame:
    case Form::kKeyHalf:
      break;
  }
  const std::int64_t part_rows = parts.front().rows;
  return {&parts[static_cast<std::size_t>(row / part_rows)], row % part_rows};
}

const std::byte* GgufTensorSource::stored_row(std::int64_t row) const {
  if (form == Form::kKeyHalf || parts.front().scales != nullptr) return nullptr;
  const Place place = place_of(row);
  return place.part->data + place.row * place.part->row_stride_bytes();
}

void GgufTensorSource::read_rows(const kernels::KernelTable& kernels, std::int64_t first,
                                 std::int64_t n, float* out) const {
  if (form != Form::kKeyHalf) {
    for (std::int64_t i = 0; i < n; ++i) {
      const Place place = place_of(first + i);
      read_row(kernels, *place.part, place.row, out + i * n_cols());
    }
    return;
  }
  const std::int64_t rank = shape[1];
  SPUTNIK_ASSERT(first % rank == 0 && n % rank == 0);
  std::vector<float> column(static_cast<std::size_t>(rank));
  for (std::int64_t head = first / rank; head < (first + n) / rank; ++head) {
    for (std::int64_t i = 0; i < key_rows; ++i) {
      read_row(kernels, parts.front(), head * head_rows + i, column.data());
      for (std::int64_t r = 0; r < rank; ++r)
        out[r * key_rows + i] = column[static_cast<std::size_t>(r)];
    }
    out += rank * key_rows;
  }
}

bool has_mtp(const nlohmann::json& config, const WeightStore& store) {
  const auto modules = config.find("num_nextn_predict_layers");
  if (modules == config.end() || !modules->is_number_integer() || *modules <= 0) return false;
  return store.contains(fmt::format("model.layers.{}.eh_proj.weight",
                                    config["num_hidden_layers"].get<std::int64_t>()));
}

Result<std::vector<GgufTensorSource>> gguf_tensors(const nlohmann::json& config, WeightStore& store,
                                                   bool with_mtp) {
  Collector out(store);
  const std::string type = config["model_type"].get<std::string>();
  if (type == "llama" || type == "qwen2") {
    SPUTNIK_TRY(const LlamaConfig c, LlamaConfig::from_json(config));
    const bool pairs_rows = type == "llama" && c.rope_pairs == RopePairs::kHalfSplit;
    SPUTNIK_CHECK_OK(collect_llama(out, c, pairs_rows));
    return std::move(out).take();
  }
  SPUTNIK_TRY(const DeepseekV3Config c, DeepseekV3Config::from_json(config));
  SPUTNIK_CHECK_OK(collect_ends(out, c.vocab_size, c.hidden_size, c.tie_word_embeddings));
  for (std::int64_t i = 0; i < c.num_hidden_layers; ++i)
    SPUTNIK_CHECK_OK(collect_deepseek_layer(out, c, i));
  for (std::int64_t i = 0; with_mtp && i < c.num_nextn_predict_layers; ++i)
    SPUTNIK_CHECK_OK(collect_mtp(out, c, c.num_hidden_layers + i));
  return std::move(out).take();
}

}  // namespace sputnik
