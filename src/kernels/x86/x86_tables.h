// The tables of x86-64, lowest first. Each is composed in a file of its own, compiled without
// special instructions, so that asking whether a table is supported is safe everywhere.
#pragma once

#include "kernels/kernels.h"

namespace sputnik::kernels {

const KernelTable& avx2_table();
const KernelTable& avx512_vnni_table();
const KernelTable& avx512_bf16_table();

}  // namespace sputnik::kernels
