#include "kernels/x86/avx512_bf16_kernels.h"
#include "kernels/x86/x86_tables.h"

namespace sputnik::kernels {

const KernelTable& avx512_bf16_table() {
  static const KernelTable table = [] {
    KernelTable t = avx512_vnni_table();
    t.name = "avx512_bf16";
    t.supported = [] {
      return avx512_vnni_table().supported() && __builtin_cpu_supports("avx512bf16");
    };
    t.gemm_bf16 = avx512_bf16::gemm_bf16();
    return t;
  }();
  return table;
}

}  // namespace sputnik::kernels
