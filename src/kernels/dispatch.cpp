#include "kernels/dispatch.h"

#include <array>
#include <string>

#if defined(__x86_64__)
#include "kernels/x86/x86_tables.h"
#endif

namespace sputnik::kernels {
namespace {

std::string supported_names() {
  std::string names;
  for (const KernelTable* table : all_tables()) {
    if (!table->supported()) continue;
    if (!names.empty()) names += ", ";
    names += table->name;
  }
  return names;
}

}  // namespace

std::span<const KernelTable* const> all_tables() {
#if defined(__x86_64__)
  static const std::array tables{&reference_table(), &avx2_table(), &avx512_vnni_table(),
                                 &avx512_bf16_table()};
#else
  static const std::array tables{&reference_table()};
#endif
  return tables;
}

Result<const KernelTable*> choose_table(std::string_view name) {
  const KernelTable* best = &reference_table();
  for (const KernelTable* table : all_tables()) {
    if (!name.empty() && name == table->name) {
      if (table->supported()) return table;
      return unsupported("this machine cannot run the '{}' kernels; it can run: {}", name,
                         supported_names());
    }
    if (table->supported()) best = table;
  }
  if (name.empty()) return best;
  return invalid_argument("there are no '{}' kernels; this machine can run: {}", name,
                          supported_names());
}

}  // namespace sputnik::kernels
