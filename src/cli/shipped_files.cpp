#include "cli/shipped_files.h"

#include <vector>

namespace sputnik::cli {

namespace fs = std::filesystem;

Result<fs::path> find_shipped(std::string_view relative) {
  std::error_code ignored;
  std::vector<fs::path> roots;
  for (fs::path dir = fs::read_symlink("/proc/self/exe", ignored).parent_path(); !dir.empty();
       dir = dir.parent_path()) {
    roots.push_back(dir);
    if (dir == dir.root_path()) break;
  }
  roots.emplace_back(SPUTNIK_SOURCE_DIR);
  for (const fs::path& root : roots) {
    if (fs::is_regular_file(root / relative, ignored)) return root / relative;
  }
  return not_found("{} is not beside this program", relative);
}

}  // namespace sputnik::cli
