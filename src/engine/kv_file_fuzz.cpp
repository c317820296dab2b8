// Files of the cache on disk that hold any bytes: found and read, or removed.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/disk_cache.h"

namespace {

namespace fs = std::filesystem;
using namespace sputnik;

constexpr std::int64_t kBlockBytes = 64;

std::string hex(const std::uint8_t* bytes, std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fs::path folder = [] {
    std::string name = (fs::temp_directory_path() / "sputnik-kv-fuzz-XXXXXX").string();
    return fs::path(::mkdtemp(name.data()));
  }();
  DiskCacheOptions options;
  options.directory = folder;
  options.block_bytes = kBlockBytes;
  const fs::path place = folder / hex(options.key.data(), options.key.size());
  fs::create_directories(place);
  // Under the name that the file gives itself, so that it gets as far as it can.
  const std::string name = size >= 112 ? hex(data + 80, 32) : std::string(64, '0');
  std::ofstream(place / (name + ".kv"), std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  {
    auto cache = DiskCache::open(options);
    SPUTNIK_ASSERT(cache.ok());
    BlockHash parent{};
    if (size >= 80) std::copy(data + 48, data + 80, parent.begin());
    std::vector<std::int32_t> tokens(64);
    if (size >= 112 + 256) std::memcpy(tokens.data(), data + 112, 256);
    if (const auto found = cache.value()->find(parent, tokens)) {
      std::vector<std::byte> block(kBlockBytes);
      SPUTNIK_ASSERT(found->n_equal >= 1 && found->n_equal <= found->n_tokens);
      const bool read = cache.value()->read(found->hash, block);
      SPUTNIK_ASSERT(read == (cache.value()->n_blocks() == 1));
    }
  }
  fs::remove_all(folder);
  return 0;
}
