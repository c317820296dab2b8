#include "kernels/reference/int8_weights.h"

#include "base/assert.h"
#include "tensor/quant_blocks.h"
#include "tensor/quant_codec.h"

namespace sputnik::kernels::reference {
namespace {

int nibble(const std::uint8_t* qs, int i) {
  return i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
}

// The fifth bits of Q5_0 and Q5_1: bit i of a little-endian uint32.
int fifth_bit(const std::uint8_t* qh, int i) {
  return (qh[i / 8] >> (i % 8) & 1) << 4;
}

void begin(Int8Block& out, int n_weights, int n_subs, std::uint16_t d) {
  out.n_weights = n_weights;
  out.n_subs = n_subs;
  out.d = half_to_float(d);
  out.m = 0;
  out.has_min = false;
  for (int& scale : out.scale) scale = 1;
}

void set_min(Int8Block& out, std::uint16_t m) {
  out.has_min = true;
  out.m = half_to_float(m);
}

void unpack(const BlockQ4_0& b, Int8Block& out) {
  begin(out, 32, 1, b.d);
  for (int i = 0; i < 32; ++i) out.q[i] = nibble(b.qs, i) - 8;
}

void unpack(const BlockQ4_1& b, Int8Block& out) {
  begin(out, 32, 1, b.d);
  set_min(out, b.m);
  for (int i = 0; i < 32; ++i) out.q[i] = nibble(b.qs, i);
}

void unpack(const BlockQ5_0& b, Int8Block& out) {
  begin(out, 32, 1, b.d);
  for (int i = 0; i < 32; ++i) out.q[i] = (nibble(b.qs, i) | fifth_bit(b.qh, i)) - 16;
}

void unpack(const BlockQ5_1& b, Int8Block& out) {
  begin(out, 32, 1, b.d);
  set_min(out, b.m);
  for (int i = 0; i < 32; ++i) out.q[i] = nibble(b.qs, i) | fifth_bit(b.qh, i);
}

void unpack(const BlockQ8_0& b, Int8Block& out) {
  begin(out, 32, 1, b.d);
  for (int i = 0; i < 32; ++i) out.q[i] = b.qs[i];
}

void unpack(const BlockIQ4_NL& b, Int8Block& out) {
  begin(out, 32, 1, b.d);
  for (int i = 0; i < 32; ++i) out.q[i] = kIq4Values[nibble(b.qs, i)];
}

// Two bits of weight i, as Q2_K and Q3_K keep them.
int two_bits(const std::uint8_t* qs, int i) {
  const int half = i / 128, k = i % 128 / 32, j = i % 32;
  return qs[32 * half + j] >> (2 * k) & 3;
}

void unpack(const BlockQ2_K& b, Int8Block& out) {
  begin(out, 256, 16, b.d);
  set_min(out, b.dmin);
  for (int i = 0; i < 256; ++i) out.q[i] = two_bits(b.qs, i);
  for (int s = 0; s < 16; ++s) {
    out.scale[s] = b.scales[s] & 15;
    out.min[s] = b.scales[s] >> 4;
  }
}

void unpack(const BlockQ3_K& b, Int8Block& out) {
  begin(out, 256, 16, b.d);
  for (int i = 0; i < 256; ++i) {
    const bool high = (b.hmask[i % 32] >> (i / 32) & 1) != 0;
    out.q[i] = two_bits(b.qs, i) - (high ? 0 : 4);
  }
  for (int s = 0; s < 16; ++s) {
    const int low = b.scales[s % 8] >> (s < 8 ? 0 : 4) & 15;
    const int high = b.scales[8 + s % 4] >> (2 * (s / 4)) & 3;
    out.scale[s] = (low | high << 4) - 32;
  }
}

// Scales and minima of Q4_K and Q5_K.
void unpack_scales(const std::uint8_t* scales, Int8Block& out) {
  for (int s = 0; s < 4; ++s) {
    out.scale[s] = scales[s] & 63;
    out.min[s] = scales[s + 4] & 63;
    out.scale[s + 4] = (scales[s + 8] & 15) | scales[s] >> 6 << 4;
    out.min[s + 4] = scales[s + 8] >> 4 | scales[s + 4] >> 6 << 4;
  }
}

// Four bits of weight i, as Q4_K and Q5_K keep them.
int four_bits(const std::uint8_t* qs, int i) {
  return qs[32 * (i / 64) + i % 32] >> (i % 64 < 32 ? 0 : 4) & 15;
}

void unpack(const BlockQ4_K& b, Int8Block& out) {
  begin(out, 256, 8, b.d);
  set_min(out, b.dmin);
  unpack_scales(b.scales, out);
  for (int i = 0; i < 256; ++i) out.q[i] = four_bits(b.qs, i);
}

void unpack(const BlockQ5_K& b, Int8Block& out) {
  begin(out, 256, 8, b.d);
  set_min(out, b.dmin);
  unpack_scales(b.scales, out);
  for (int i = 0; i < 256; ++i) {
    out.q[i] = four_bits(b.qs, i) | (b.qh[i % 32] >> (i / 32) & 1) << 4;
  }
}

void unpack(const BlockQ6_K& b, Int8Block& out) {
  begin(out, 256, 16, b.d);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, j = i % 128;
    const int low = b.ql[64 * half + j % 64] >> (j < 64 ? 0 : 4) & 15;
    const int high = b.qh[32 * half + j % 32] >> (2 * (j / 32)) & 3;
    out.q[i] = (low | high << 4) - 32;
  }
  for (int s = 0; s < 16; ++s) out.scale[s] = b.scales[s];
}

void unpack(const BlockIQ4_XS& b, Int8Block& out) {
  begin(out, 256, 8, b.d);
  for (int s = 0; s < 8; ++s) {
    const int low = b.scales_l[s / 2] >> (4 * (s % 2)) & 15;
    const int high = b.scales_h >> (2 * s) & 3;
    out.scale[s] = (low | high << 4) - 32;
    for (int i = 0; i < 32; ++i) out.q[32 * s + i] = kIq4Values[nibble(b.qs + 16 * s, i)];
  }
}

template <class Block>
void unpack_as(const void* block, Int8Block& out) {
  unpack(*static_cast<const Block*>(block), out);
}

}  // namespace

void unpack_int8_block(DType dtype, const void* block, Int8Block& out) {
  switch (dtype) {
    case DType::kQ4_0:
      return unpack_as<BlockQ4_0>(block, out);
    case DType::kQ4_1:
      return unpack_as<BlockQ4_1>(block, out);
    case DType::kQ5_0:
      return unpack_as<BlockQ5_0>(block, out);
    case DType::kQ5_1:
      return unpack_as<BlockQ5_1>(block, out);
    case DType::kQ8_0:
      return unpack_as<BlockQ8_0>(block, out);
    case DType::kIQ4_NL:
      return unpack_as<BlockIQ4_NL>(block, out);
    case DType::kQ2_K:
      return unpack_as<BlockQ2_K>(block, out);
    case DType::kQ3_K:
      return unpack_as<BlockQ3_K>(block, out);
    case DType::kQ4_K:
      return unpack_as<BlockQ4_K>(block, out);
    case DType::kQ5_K:
      return unpack_as<BlockQ5_K>(block, out);
    case DType::kQ6_K:
      return unpack_as<BlockQ6_K>(block, out);
    case DType::kIQ4_XS:
      return unpack_as<BlockIQ4_XS>(block, out);
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF8E4M3:
      break;
  }
  SPUTNIK_ASSERT(false && "not a block-quantised type");
}

}  // namespace sputnik::kernels::reference
