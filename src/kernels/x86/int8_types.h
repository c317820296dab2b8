// How the blocks of every type are unpacked into a tile (int8_tile.h), all rows of the tile side by
// side: a vector holds the same four bytes of as many rows as it has lanes. Written once for all
// instruction sets; Simd supplies the operations (int8_simd_*.h). Block layouts: quant_blocks.h.
//
// A type says
//   kBlock       weights per block, 32 or 256
//   kBlockBytes
//   kSub         weights that share a scale: 16 or 32
//   kHasMin      whether it has minima
//   kLargest     the largest weight in the tile, a byte without sign
//   kOffset      what every one of them is too large by
//   unpack(rows, stride, tile, b)    fills block b of the tile from blocks in kLanes rows
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/int8_tile.h"
#include "tensor/quant_blocks.h"

namespace sputnik::kernels {

// 16 bytes of every row, as four vectors of four bytes each.
template <class Simd>
struct Columns {
  typename Simd::Ints column[4];
};

template <class Simd>
struct Int8TypeBase {
  using Ints = typename Simd::Ints;
  using Floats = typename Simd::Floats;
  using Tile = Int8Tile<Simd::kLanes>;
  using Rows = const std::uint8_t*;

  [[gnu::always_inline]] static inline Ints low_nibbles(Ints v) {
    return Simd::bit_and(v, Simd::bytes(15));
  }
  [[gnu::always_inline]] static inline Ints high_nibbles(Ints v) {
    return low_nibbles(Simd::shift_right16(v, 4));
  }
  // Byte i of every dword.
  [[gnu::always_inline]] static inline Ints byte_of(Ints v, int i) {
    return Simd::bit_and(Simd::shift_right32(v, 8 * i), Simd::dwords(255));
  }
  [[gnu::always_inline]] static inline Ints signed_byte_of(Ints v, int i) {
    return Simd::shift_right_signed32(Simd::shift_left32(v, 24 - 8 * i), 24);
  }
  // The low or high half of every dword, read as a half-precision number.
  [[gnu::always_inline]] static inline Floats low_halves(Ints v) { return Simd::low_halves(v); }
  [[gnu::always_inline]] static inline Floats high_halves(Ints v) {
    return Simd::low_halves(Simd::shift_right32(v, 16));
  }

  [[gnu::always_inline]] static inline void put_scale(Tile& tile, int sub, Ints scale) {
    Simd::store(tile.scale[sub], scale);
  }
  // Minima of four subs, one per byte; the first of them is sub 4 * i.
  [[gnu::always_inline]] static inline void put_min_pairs(Tile& tile, int i, Ints mins) {
    Simd::store(tile.min_pairs[2 * i], Simd::low_byte_pair(mins));
    Simd::store(tile.min_pairs[2 * i + 1], Simd::low_byte_pair(Simd::shift_right32(mins, 16)));
  }

  // Four columns of weights of all rows.
  [[gnu::always_inline]] static inline void put(Tile& tile, int column4, Ints w) {
    Simd::store(tile.w[column4], w);
  }
};

// Types with blocks of 32 weights.

template <class Simd, class Block>
struct Int8TypeOf32 : Int8TypeBase<Simd> {
  using Base = Int8TypeBase<Simd>;
  using typename Base::Ints;
  using typename Base::Tile;
  static constexpr int kBlock = 32, kSub = 32, kBlockBytes = sizeof(Block);

  // d, from the first dword of the block.
  [[gnu::always_inline]] static inline void put_d(Tile& tile, int b, Ints head) {
    Simd::store(tile.d[b], Base::low_halves(head));
  }
  // m, of types that have it.
  [[gnu::always_inline]] static inline void put_m(Tile& tile, int b, Ints head) {
    Simd::store(tile.m[b], Base::high_halves(head));
  }
  // The low nibbles of v are weights 0..15 of the block, the high ones 16..31.
  [[gnu::always_inline]] static inline void put_nibbles(Tile& tile, int b, const Columns<Simd>& v) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      Base::put(tile, 8 * b + k, Base::low_nibbles(v.column[k]));
      Base::put(tile, 8 * b + 4 + k, Base::high_nibbles(v.column[k]));
    }
  }
  // Nibbles with a fifth bit. qh: the fifth bits of 32 weights in every dword.
  [[gnu::always_inline]] static inline void put_five_bits(Tile& tile, int b, const Columns<Simd>& v,
                                                          Ints qh) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      const Ints low = Base::low_nibbles(v.column[k]), high = Base::high_nibbles(v.column[k]);
      Base::put(tile, 8 * b + k, Simd::masked_or(Simd::fifth_bits(qh, k), 0x10, low));
      Base::put(tile, 8 * b + 4 + k, Simd::masked_or(Simd::fifth_bits(qh, k + 4), 0x10, high));
    }
  }
};

template <class Simd>
struct Q4_0 : Int8TypeOf32<Simd, BlockQ4_0> {
  using Base = Int8TypeOf32<Simd, BlockQ4_0>;
  static constexpr bool kHasMin = false;
  static constexpr int kLargest = 15, kOffset = 8;
  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    Base::put_d(tile, b, Simd::load_columns(rows, stride).column[0]);
    Base::put_nibbles(tile, b, Simd::load_columns(rows + offsetof(BlockQ4_0, qs), stride));
  }
};

template <class Simd>
struct Q4_1 : Int8TypeOf32<Simd, BlockQ4_1> {
  using Base = Int8TypeOf32<Simd, BlockQ4_1>;
  static constexpr bool kHasMin = true;
  static constexpr int kLargest = 15, kOffset = 0;
  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    const auto head = Simd::load_columns(rows, stride).column[0];
    Base::put_d(tile, b, head);
    Base::put_m(tile, b, head);
    Base::put_nibbles(tile, b, Simd::load_columns(rows + offsetof(BlockQ4_1, qs), stride));
  }
};

template <class Simd>
struct Q5_0 : Int8TypeOf32<Simd, BlockQ5_0> {
  using Base = Int8TypeOf32<Simd, BlockQ5_0>;
  static constexpr bool kHasMin = false;
  static constexpr int kLargest = 31, kOffset = 16;
  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    const Columns<Simd> head = Simd::load_columns(rows, stride);
    Base::put_d(tile, b, head.column[0]);
    const auto qh = Simd::bit_or(Simd::shift_right32(head.column[0], 16),
                                 Simd::shift_left32(head.column[1], 16));
    Base::put_five_bits(tile, b, Simd::load_columns(rows + offsetof(BlockQ5_0, qs), stride), qh);
  }
};

template <class Simd>
struct Q5_1 : Int8TypeOf32<Simd, BlockQ5_1> {
  using Base = Int8TypeOf32<Simd, BlockQ5_1>;
  static constexpr bool kHasMin = true;
  static constexpr int kLargest = 31, kOffset = 0;
  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    const Columns<Simd> head = Simd::load_columns(rows, stride);
    Base::put_d(tile, b, head.column[0]);
    Base::put_m(tile, b, head.column[0]);
    Base::put_five_bits(tile, b, Simd::load_columns(rows + offsetof(BlockQ5_1, qs), stride),
                        head.column[1]);
  }
};

template <class Simd>
struct Q8_0 : Int8TypeOf32<Simd, BlockQ8_0> {
  using Base = Int8TypeOf32<Simd, BlockQ8_0>;
  static constexpr bool kHasMin = false;
  static constexpr int kLargest = 255, kOffset = 128;
  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    Base::put_d(tile, b, Simd::load_columns(rows, stride).column[0]);
#pragma GCC unroll 2
    for (int piece = 0; piece < 2; ++piece) {
      const Columns<Simd> v =
          Simd::load_columns(rows + offsetof(BlockQ8_0, qs) + 16 * piece, stride);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        Base::put(tile, 8 * b + 4 * piece + k, Simd::from_signed(v.column[k]));
      }
    }
  }
};

// 32 weights of IQ4_NL or IQ4_XS from 16 bytes of indices.
template <class Simd>
[[gnu::always_inline]] static inline void put_iq4_weights(Int8Tile<Simd::kLanes>& tile, int sub,
                                                          const Columns<Simd>& v) {
  using Base = Int8TypeBase<Simd>;
  const auto levels = Simd::from_signed(Simd::broadcast16(kIq4Values));
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    const auto low = Base::low_nibbles(v.column[k]), high = Base::high_nibbles(v.column[k]);
    Base::put(tile, 8 * sub + k, Simd::shuffle(levels, low));
    Base::put(tile, 8 * sub + 4 + k, Simd::shuffle(levels, high));
  }
}

template <class Simd>
struct IQ4_NL : Int8TypeOf32<Simd, BlockIQ4_NL> {
  using Base = Int8TypeOf32<Simd, BlockIQ4_NL>;
  static constexpr bool kHasMin = false;
  static constexpr int kLargest = 255, kOffset = 128;
  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    Base::put_d(tile, b, Simd::load_columns(rows, stride).column[0]);
    put_iq4_weights<Simd>(tile, b, Simd::load_columns(rows + offsetof(BlockIQ4_NL, qs), stride));
  }
};

// Types with blocks of 256 weights.

// Scales and minima of Q4_K and Q5_K from the first 16 bytes of the block: d, dmin, scales[12].
template <class Simd>
[[gnu::always_inline]] static inline void put_six_bit_scales(const Columns<Simd>& head,
                                                             Int8Tile<Simd::kLanes>& tile, int b) {
  using Base = Int8TypeBase<Simd>;
  using Ints = typename Simd::Ints;
  const Ints* const h = head.column;
  const Ints six_bits = Simd::bytes(63);
  const Ints scales[2] = {
      Simd::bit_and(h[1], six_bits),
      Simd::masked_or(Simd::shift_right16(h[1], 2), 0x30, Base::low_nibbles(h[3]))};
  const Ints mins[2] = {
      Simd::bit_and(h[2], six_bits),
      Simd::masked_or(Simd::shift_right16(h[2], 2), 0x30, Base::high_nibbles(h[3]))};
#pragma GCC unroll 8
  for (int s = 0; s < 8; ++s) {
    Base::put_scale(tile, 8 * b + s, Base::byte_of(scales[s / 4], s % 4));
  }
  Base::put_min_pairs(tile, 2 * b, mins[0]);
  Base::put_min_pairs(tile, 2 * b + 1, mins[1]);
  Simd::store(tile.d[b], Base::low_halves(h[0]));
  Simd::store(tile.m[b], Base::high_halves(h[0]));
}

template <class Simd>
struct Q4_K : Int8TypeBase<Simd> {
  using Base = Int8TypeBase<Simd>;
  static constexpr int kBlock = 256, kSub = 32, kBlockBytes = sizeof(BlockQ4_K);
  static constexpr bool kHasMin = true;
  static constexpr int kLargest = 15, kOffset = 0;

  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    put_six_bit_scales<Simd>(Simd::load_columns(rows, stride), tile, b);
    const std::uint8_t* qs = rows + offsetof(BlockQ4_K, qs);
    for (int s = 8 * b; s < 8 * b + 8; s += 2, qs += 32) {
#pragma GCC unroll 2
      for (int piece = 0; piece < 2; ++piece) {
        const Columns<Simd> v = Simd::load_columns(qs + 16 * piece, stride);
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          Base::put(tile, 8 * s + 4 * piece + k, Base::low_nibbles(v.column[k]));
          Base::put(tile, 8 * s + 8 + 4 * piece + k, Base::high_nibbles(v.column[k]));
        }
      }
    }
  }
};

template <class Simd>
struct Q5_K : Int8TypeBase<Simd> {
  using Base = Int8TypeBase<Simd>;
  static constexpr int kBlock = 256, kSub = 32, kBlockBytes = sizeof(BlockQ5_K);
  static constexpr bool kHasMin = true;
  static constexpr int kLargest = 31, kOffset = 0;

  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    put_six_bit_scales<Simd>(Simd::load_columns(rows, stride), tile, b);
    const std::uint8_t* const qh = rows + offsetof(BlockQ5_K, qh);
    Columns<Simd> fifth[2] = {Simd::load_columns(qh, stride), Simd::load_columns(qh + 16, stride)};
    const std::uint8_t* qs = rows + offsetof(BlockQ5_K, qs);
    for (int s = 8 * b; s < 8 * b + 8; s += 2, qs += 32) {
#pragma GCC unroll 2
      for (int piece = 0; piece < 2; ++piece) {
        const Columns<Simd> v = Simd::load_columns(qs + 16 * piece, stride);
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          // The fifth bits of this pair of subs are the lowest two; those of the next pair come
          // down for it.
          auto& bits = fifth[piece].column[k];
          Base::put(
              tile, 8 * s + 4 * piece + k,
              Simd::masked_or(Simd::shift_left16(bits, 4), 0x10, Base::low_nibbles(v.column[k])));
          Base::put(
              tile, 8 * s + 8 + 4 * piece + k,
              Simd::masked_or(Simd::shift_left16(bits, 3), 0x10, Base::high_nibbles(v.column[k])));
          bits = Simd::shift_right16(bits, 2);
        }
      }
    }
  }
};

template <class Simd>
struct Q6_K : Int8TypeBase<Simd> {
  using Base = Int8TypeBase<Simd>;
  static constexpr int kBlock = 256, kSub = 16, kBlockBytes = sizeof(BlockQ6_K);
  static constexpr bool kHasMin = false;
  static constexpr int kLargest = 63, kOffset = 32;

  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    const Columns<Simd> scales = Simd::load_columns(rows + offsetof(BlockQ6_K, scales), stride);
    const auto tail = Simd::load_columns(rows + kBlockBytes - 16, stride);
    Simd::store(tile.d[b], Base::high_halves(tail.column[3]));
#pragma GCC unroll 16
    for (int s = 0; s < 16; ++s) {
      Base::put_scale(tile, 16 * b + s, Base::signed_byte_of(scales.column[s / 4], s % 4));
    }
    // 16 bytes of qh hold two bits each of four subs: of the sub of this piece among the first 32
    // weights of the half block, the second, the third and the fourth 32.
    for (int half = 0; half < 2; ++half) {
      const std::uint8_t* const ql = rows + 64 * half;
      const std::uint8_t* const qh = rows + offsetof(BlockQ6_K, qh) + 32 * half;
#pragma GCC unroll 2
      for (int piece = 0; piece < 2; ++piece) {
        const Columns<Simd> high = Simd::load_columns(qh + 16 * piece, stride);
        const int sub = 16 * b + 8 * half + piece;
        put_pair<4, 0>(tile, sub, Simd::load_columns(ql + 16 * piece, stride), high);
        put_pair<2, 2>(tile, sub + 2, Simd::load_columns(ql + 16 * piece + 32, stride), high);
      }
    }
  }

  // Subs sub and sub + 4: low four bits from the low and high nibbles of low, high two bits from
  // high after a shift to bits 4 and 5.
  template <int kShiftLeft, int kShiftRight>
  [[gnu::always_inline]] static inline void put_pair(typename Base::Tile& tile, int sub,
                                                     const Columns<Simd>& low,
                                                     const Columns<Simd>& high) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      const auto first_bits = Simd::shift_left16(high.column[k], kShiftLeft);
      const auto second_bits = Simd::shift_right16(high.column[k], kShiftRight);
      const auto first_q = Simd::masked_or(first_bits, 0x30, Base::low_nibbles(low.column[k]));
      const auto second_q = Simd::masked_or(second_bits, 0x30, Base::high_nibbles(low.column[k]));
      Base::put(tile, 4 * sub + k, first_q);
      Base::put(tile, 4 * (sub + 4) + k, second_q);
    }
  }
};

// The two low bits of every byte are those of the sub at hand; those of the next come down for it.
template <class Simd>
[[gnu::always_inline]] static inline typename Simd::Ints take_two_bits(typename Simd::Ints& v) {
  const auto bits = Simd::bit_and(v, Simd::bytes(3));
  v = Simd::shift_right16(v, 2);
  return bits;
}

template <class Simd>
struct Q2_K : Int8TypeBase<Simd> {
  using Base = Int8TypeBase<Simd>;
  static constexpr int kBlock = 256, kSub = 16, kBlockBytes = sizeof(BlockQ2_K);
  static constexpr bool kHasMin = true;
  static constexpr int kLargest = 3, kOffset = 0;

  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    const Columns<Simd> scales = Simd::load_columns(rows, stride);
    const auto halves = Simd::load_columns(rows + kBlockBytes - 16, stride).column[3];
    Simd::store(tile.d[b], Base::low_halves(halves));
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const auto scale = Base::low_nibbles(scales.column[i]);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        Base::put_scale(tile, 16 * b + 4 * i + k, Base::byte_of(scale, k));
      }
      Base::put_min_pairs(tile, 4 * b + i, Base::high_nibbles(scales.column[i]));
    }
    Simd::store(tile.m[b], Base::high_halves(halves));

    for (int half = 0; half < 2; ++half) {
      for (int piece = 0; piece < 2; ++piece) {
        const std::uint8_t* const qs = rows + offsetof(BlockQ2_K, qs) + 32 * half + 16 * piece;
        Columns<Simd> v = Simd::load_columns(qs, stride);
        for (int sub = 16 * b + 8 * half + piece; sub < 16 * b + 8 * half + 8; sub += 2) {
#pragma GCC unroll 4
          for (int i = 0; i < 4; ++i) {
            Base::put(tile, 4 * sub + i, take_two_bits<Simd>(v.column[i]));
          }
        }
      }
    }
  }
};

template <class Simd>
struct Q3_K : Int8TypeBase<Simd> {
  using Base = Int8TypeBase<Simd>;
  static constexpr int kBlock = 256, kSub = 16, kBlockBytes = sizeof(BlockQ3_K);
  static constexpr bool kHasMin = false;
  static constexpr int kLargest = 7, kOffset = 4;

  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    put_scales(Simd::load_columns(rows + kBlockBytes - 16, stride), tile, b);
#pragma GCC unroll 2
    for (int piece = 0; piece < 2; ++piece) {
      Columns<Simd> high = Simd::load_columns(rows + 16 * piece, stride);  // hmask
      for (int half = 0; half < 2; ++half) {
        const std::uint8_t* const qs = rows + offsetof(BlockQ3_K, qs) + 32 * half + 16 * piece;
        Columns<Simd> v = Simd::load_columns(qs, stride);
        for (int sub = 16 * b + 8 * half + piece; sub < 16 * b + 8 * half + 8; sub += 2) {
#pragma GCC unroll 4
          for (int i = 0; i < 4; ++i) {
            auto& bits = high.column[i];
            const auto q =
                Simd::masked_or(Simd::shift_left16(bits, 2), 4, take_two_bits<Simd>(v.column[i]));
            bits = Simd::shift_right16(bits, 1);
            Base::put(tile, 4 * sub + i, q);
          }
        }
      }
    }
  }

  // tail: the last 16 bytes of the block; the scales begin at its byte 2, d is its last two.
  [[gnu::always_inline]] static inline void put_scales(const Columns<Simd>& tail,
                                                       typename Base::Tile& tile, int b) {
    const auto dword_after = [&](int i) {  // bytes 4i + 2 .. 4i + 5
      return Simd::bit_or(Simd::shift_right32(tail.column[i], 16),
                          Simd::shift_left32(tail.column[i + 1], 16));
    };
    const auto first = dword_after(0), second = dword_after(1), high = dword_after(2);
    const typename Base::Ints scales[4] = {
        Simd::masked_or(Simd::shift_left16(high, 4), 0x30, Base::low_nibbles(first)),
        Simd::masked_or(Simd::shift_left16(high, 2), 0x30, Base::low_nibbles(second)),
        Simd::masked_or(high, 0x30, Base::high_nibbles(first)),
        Simd::masked_or(Simd::shift_right16(high, 2), 0x30, Base::high_nibbles(second))};
    Simd::store(tile.d[b], Base::high_halves(tail.column[3]));
#pragma GCC unroll 16
    for (int s = 0; s < 16; ++s) {
      const auto scale = Simd::sub8(scales[s / 4], Simd::bytes(32));
      Base::put_scale(tile, 16 * b + s, Base::signed_byte_of(scale, s % 4));
    }
  }
};

template <class Simd>
struct IQ4_XS : Int8TypeBase<Simd> {
  using Base = Int8TypeBase<Simd>;
  static constexpr int kBlock = 256, kSub = 32, kBlockBytes = sizeof(BlockIQ4_XS);
  static constexpr bool kHasMin = false;
  static constexpr int kLargest = 255, kOffset = 128;

  static void unpack(const std::uint8_t* rows, std::int64_t stride, typename Base::Tile& tile,
                     int b) {
    const Columns<Simd> head = Simd::load_columns(rows, stride);
    Simd::store(tile.d[b], Base::low_halves(head.column[0]));
    auto high = Simd::shift_right32(head.column[0], 16), low = head.column[1];
    for (int s = 8 * b; s < 8 * b + 8; ++s) {
      // The bits of this sub's scale are the lowest; those of the next come down for it.
      const auto scale = Simd::bit_or(Simd::bit_and(low, Simd::dwords(15)),
                                      Simd::shift_left32(Simd::bit_and(high, Simd::dwords(3)), 4));
      low = Simd::shift_right32(low, 4);
      high = Simd::shift_right32(high, 2);
      Base::put_scale(tile, s, Simd::sub32(scale, Simd::dwords(32)));
      const std::uint8_t* const qs = rows + offsetof(BlockIQ4_XS, qs) + 16 * (s - 8 * b);
      put_iq4_weights<Simd>(tile, s, Simd::load_columns(qs, stride));
    }
  }
};

}  // namespace sputnik::kernels
