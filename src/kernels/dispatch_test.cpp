#include "kernels/dispatch.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sputnik::kernels {
namespace {

TEST(Dispatch, TheReferenceIsTheLowestTableAndRunsEverywhere) {
  ASSERT_FALSE(all_tables().empty());
  EXPECT_EQ(all_tables().front(), &reference_table());
  EXPECT_TRUE(reference_table().supported());
  EXPECT_STREQ(reference_table().name, "reference");
}

TEST(Dispatch, EveryEntryOfEveryTableIsFilled) {
  std::set<std::string> names;
  for (const KernelTable* table : all_tables()) {
    SCOPED_TRACE(table->name);
    EXPECT_TRUE(names.insert(table->name).second) << "two tables of one name";
    EXPECT_NE(table->rms_norm, nullptr);
    EXPECT_NE(table->add, nullptr);
    EXPECT_NE(table->add_scaled, nullptr);
    EXPECT_NE(table->scale, nullptr);
    EXPECT_NE(table->dot, nullptr);
    EXPECT_NE(table->silu_mul, nullptr);
    EXPECT_NE(table->rope_interleaved, nullptr);
    EXPECT_NE(table->rope_half, nullptr);
    EXPECT_NE(table->dequantize_row, nullptr);
    EXPECT_NE(table->matmul_f32, nullptr);
    EXPECT_NE(table->matmul_f32_transposed, nullptr);
    EXPECT_NE(table->quantize_activations, nullptr);
    EXPECT_NE(table->attention, nullptr);
    EXPECT_NE(table->float_to_half, nullptr);
    for (const GemmKernels* gemm : {&table->gemm_f32, &table->gemm_bf16}) {
      EXPECT_EQ(gemm->group * gemm->element_bytes, 4);
      EXPECT_NE(gemm->to_rows, nullptr);
      EXPECT_NE(gemm->pack_rows, nullptr);
      EXPECT_NE(gemm->pack_transposed, nullptr);
      EXPECT_NE(gemm->multiply, nullptr);
    }
    EXPECT_NE(table->rms_norm_backward, nullptr);
    EXPECT_NE(table->silu_mul_backward, nullptr);
    EXPECT_NE(table->cross_entropy_row, nullptr);
    EXPECT_NE(table->softmax_tile, nullptr);
    EXPECT_NE(table->softmax_tile_backward, nullptr);
    for (int i = 0; i < kNumDTypes; ++i) {
      const auto dtype = static_cast<DType>(i);
      EXPECT_EQ(table->matmul_int8[i] != nullptr, is_quantized_block(dtype)) << name(dtype);
      EXPECT_EQ(activation_block(dtype) != 0, is_quantized_block(dtype)) << name(dtype);
    }
  }
}

TEST(Dispatch, WithoutANameTheHighestSupportedTableIsChosen) {
  const auto chosen = choose_table("");
  ASSERT_TRUE(chosen.ok());
  const KernelTable* highest = nullptr;
  for (const KernelTable* table : all_tables()) {
    if (table->supported()) highest = table;
  }
  EXPECT_EQ(chosen.value(), highest);
}

TEST(Dispatch, ANamedTableIsChosenOrRefusedNeverReplaced) {
  for (const KernelTable* table : all_tables()) {
    const auto chosen = choose_table(table->name);
    EXPECT_EQ(chosen.ok(), table->supported());
    if (chosen.ok()) {
      EXPECT_EQ(chosen.value(), table);
    } else {
      EXPECT_EQ(chosen.error().code, ErrorCode::kUnsupported);
    }
  }
}

TEST(Dispatch, AnUnknownNameIsAnErrorThatListsTheChoices) {
  const auto chosen = choose_table("sse9");
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(chosen.error().message.find("sse9"), std::string::npos);
  EXPECT_NE(chosen.error().message.find("reference"), std::string::npos);
}

}  // namespace
}  // namespace sputnik::kernels
