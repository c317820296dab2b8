#include "model/gguf_types.h"

#include <gtest/gtest.h>

namespace sputnik {
namespace {

DType type_of(std::string_view quantization, const GgufTensorKind& tensor) {
  return gguf_type_of(gguf_quantization(quantization).value(), tensor);
}

DType type_of(std::string_view quantization, std::string_view name, std::int64_t n_cols,
              std::int64_t layer = 10) {
  return type_of(quantization, {.name = name, .n_cols = n_cols, .layer = layer, .n_layers = 32});
}

TEST(GgufTypes, MatricesGetTheTypeThatIsAskedFor) {
  for (const char* name : {"token_embd.weight", "output.weight", "blk.10.attn_q.weight",
                           "blk.10.ffn_down_exps.weight", "blk.10.attn_k_b.weight"}) {
    EXPECT_EQ(type_of("f32", name, 192), DType::kF32) << name;
    EXPECT_EQ(type_of("f16", name, 192), DType::kF16) << name;
    EXPECT_EQ(type_of("bf16", name, 192), DType::kBF16) << name;
    EXPECT_EQ(type_of("q8_0", name, 192), DType::kQ8_0) << name;
    EXPECT_EQ(type_of("q4_0", name, 192), DType::kQ4_0) << name;
    EXPECT_EQ(type_of("q6_k", name, 512), DType::kQ6_K) << name;
  }
}

TEST(GgufTypes, VectorsAndRoutersStayFloat) {
  for (const GgufQuantization& quantization : gguf_quantizations()) {
    EXPECT_EQ(gguf_type_of(quantization,
                           {.name = "blk.3.attn_norm.weight", .n_cols = 256, .is_vector = true}),
              DType::kF32);
    EXPECT_EQ(gguf_type_of(quantization, {.name = "blk.3.ffn_gate_inp.weight", .n_cols = 256}),
              DType::kF32);
    EXPECT_EQ(gguf_type_of(quantization,
                           {.name = "blk.3.exp_probs_b.bias", .n_cols = 256, .is_vector = true}),
              DType::kF32);
  }
}

TEST(GgufTypes, RowsThatAreNoWholeBlocksFallBack) {
  EXPECT_EQ(type_of("q8_0", "blk.10.attn_q.weight", 48), DType::kF16);
  EXPECT_EQ(type_of("q4_0", "blk.10.attn_q.weight", 48), DType::kF16);
  EXPECT_EQ(type_of("q4_k_m", "blk.10.attn_q.weight", 192), DType::kQ8_0);
  EXPECT_EQ(type_of("q6_k", "blk.10.attn_q.weight", 96), DType::kQ8_0);
  EXPECT_EQ(type_of("q4_k_m", "blk.10.attn_q.weight", 48), DType::kF16);
}

TEST(GgufTypes, TheMixtureKeepsMoreOfWhatLosesMost) {
  EXPECT_EQ(type_of("q4_k_m", "blk.10.ffn_up.weight", 512), DType::kQ4_K);
  EXPECT_EQ(type_of("q4_k_m", "output.weight", 512), DType::kQ6_K);
  EXPECT_EQ(type_of("q4_k_m", "token_embd.weight", 512), DType::kQ4_K);
  EXPECT_EQ(type_of("q4_k_m", {.name = "token_embd.weight", .n_cols = 512, .is_tied_head = true}),
            DType::kQ6_K);
  // Of 32 layers: 0..3, 28..31 and every third between.
  for (const char* part : {"ffn_down", "attn_v", "ffn_down_exps", "ffn_down_shexp", "attn_v_b"}) {
    const std::string name = fmt::format("blk.0.{}.weight", part);
    for (const std::int64_t layer : {0, 3, 6, 9, 27, 28, 31})
      EXPECT_EQ(type_of("q4_k_m", name, 512, layer), DType::kQ6_K) << name << layer;
    for (const std::int64_t layer : {4, 5, 7, 8, 26})
      EXPECT_EQ(type_of("q4_k_m", name, 512, layer), DType::kQ4_K) << name << layer;
  }
}

TEST(GgufTypes, AnUnknownNameIsRefusedWithTheListOfNames) {
  const auto result = gguf_quantization("q3_k\x1b");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(result.error().message.find("f32, f16, bf16, q8_0, q6_k, q4_k_m, q4_0"),
            std::string::npos);
}

}  // namespace
}  // namespace sputnik
