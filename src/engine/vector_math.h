// Passes over a vocabulary's worth of numbers. Plain loops over blocks of fixed length, which any
// compiler turns into vector instructions; no result depends on the machine or its math library.
#pragma once

#include <cstdint>
#include <span>

namespace sputnik {

// The first of the largest values; -1 if one is NaN or +infinity, or all are -infinity.
std::int32_t argmax(std::span<const float> values);

// y[i] = exp((x[i] - largest) / temperature), 0 where that is below e^-87; returns their sum.
// exponents, if not null, receives (x[i] - largest) / temperature; it may be x. largest is the
// largest of x. Relative error below 3e-7, but for the rounding of the exponent itself.
double softmax_weights(std::span<const float> x, float largest, float temperature, float* y,
                       float* exponents);

}  // namespace sputnik
