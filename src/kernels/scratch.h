// How the matrix and attention kernels cut their work into tiles, and with it how much scratch
// memory they need. One set of sizes for all tables, chosen so that what is reused lies in an L2 of
// 1 MB (and mostly of 512 KB).
#pragma once

#include <cstdint>

#include "kernels/kernels.h"

namespace sputnik::kernels {

// matmul_f32 decodes kMatmulRows rows of kMatmulDepth weights at a time and applies them to
// kMatmulTokens tokens. The 16 partial sums of every output wait in scratch between one stretch of
// kMatmulDepth inputs and the next.
constexpr std::int64_t kMatmulRows = 32;
constexpr std::int64_t kMatmulDepth = 512;
constexpr std::int64_t kMatmulTokens = 96;
constexpr std::int64_t kMatmulLanes = 16;
constexpr std::int64_t kMatmulWeightFloats = kMatmulRows * kMatmulDepth;
constexpr std::int64_t kMatmulPartialFloats = kMatmulRows * kMatmulTokens * kMatmulLanes;

// matmul_f32_transposed decodes kTransposedRows rows of kTransposedCols weights at a time. A column
// tile is a whole number of blocks of every type and lies within few 128x128 blocks of F8_E4M3.
constexpr std::int64_t kTransposedRows = 32;
constexpr std::int64_t kTransposedCols = 256;
static_assert(kTransposedRows * kTransposedCols <= kMatmulWeightFloats);

// attention converts kAttentionDepth elements of one block of keys or values at a time and uses
// them for up to kAttentionQueries query rows, whose scores with that block are kept.
constexpr std::int64_t kAttentionQueries = 256;
constexpr std::int64_t kAttentionDepth = 64;

}  // namespace sputnik::kernels
