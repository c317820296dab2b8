// Scratch memory of the int8 products: a tile of weights, unpacked from its blocks once and then
// applied to all activation rows. Rows lie side by side in vector lanes, so that one instruction
// multiplies four columns of every row with four broadcast activations, and nothing has to be
// summed across lanes.
#pragma once

#include <cstdint>

namespace sputnik::kernels {

// A tile is this wide: with its 32 rows it fills half of a 48 KB L1, and leaves room for the
// activations.
constexpr int kInt8TileCols = 512;

// kLanes rows of a tile. A "sub" is what has one scale: a sub-block of a 256-block, or a block
// of 32.
template <int kLanes>
struct alignas(64) Int8Tile {
  std::uint8_t w[kInt8TileCols / 4][kLanes]
                [4];  // integer weights; their offset is still to be taken off
  float scale[kInt8TileCols / 16][kLanes];                // per sub: d_w * scale_s
  std::int16_t min_pairs[kInt8TileCols / 32][kLanes][2];  // 256-blocks: minima of subs 2i, 2i + 1
  float min[kInt8TileCols / 32][kLanes];                  // -dmin_w per 256-block, m_w per 32-block
};

constexpr std::int64_t kInt8TileBytes = 2 * static_cast<std::int64_t>(sizeof(Int8Tile<16>));
// Rows that do not fill the lanes are copied first: 16 rows of 512 weights, at most 34 bytes per 32
// weights.
constexpr std::int64_t kInt8TailBytes = 16 * kInt8TileCols / 32 * 34;
constexpr std::int64_t kInt8ScratchBytes = kInt8TileBytes + (kInt8TailBytes + 63) / 64 * 64;

}  // namespace sputnik::kernels
