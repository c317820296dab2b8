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
  // Integer weights; their offset is still to be taken off.
  std::uint8_t w[kInt8TileCols / 4][kLanes][4];
  std::int32_t scale[kInt8TileCols / 16][kLanes];  // of 256-blocks: per sub
  // Of 256-blocks: minima of subs 2i and 2i + 1.
  std::int16_t min_pairs[kInt8TileCols / 32][kLanes][2];
  float d[kInt8TileCols / 32][kLanes];  // per block
  float m[kInt8TileCols / 32][kLanes];  // per block: dmin of 256-blocks, m of 32-blocks
};

constexpr std::int64_t kInt8TileBytes = 2 * static_cast<std::int64_t>(sizeof(Int8Tile<16>));
// Rows that do not fill the lanes are copied first: 16 rows of 512 weights, at most 34 bytes per 32
// weights.
constexpr std::int64_t kInt8TailBytes = 16 * kInt8TileCols / 32 * 34;
constexpr std::int64_t kInt8ScratchBytes = kInt8TileBytes + (kInt8TailBytes + 63) / 64 * 64;

}  // namespace sputnik::kernels
