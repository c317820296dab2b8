#include "train/text_file.h"

#include <zstd.h>

#include <memory>

#include "base/mapped_file.h"

namespace sputnik {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{4} << 30;

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

// Sizes that the file claims are not believed: the text grows as it is unpacked.
Result<std::string> unpack(std::span<const std::byte> packed, const std::filesystem::path& path) {
  const std::unique_ptr<ZSTD_DStream, FreeStream> stream(ZSTD_createDStream());
  SPUTNIK_ASSERT(stream != nullptr);
  std::string text;
  std::string piece(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t wanted = 1;  // 0: a frame is complete
  while (true) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    wanted = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(wanted) != 0)
      return corrupt("{}: {}", path.string(), ZSTD_getErrorName(wanted));
    if (text.size() + out.pos > kMaxTextBytes)
      return exhausted("{}: unpacked it is more than {} bytes", path.string(), kMaxTextBytes);
    text.append(piece, 0, out.pos);
    if (in.pos == in.size && out.pos < out.size) break;
  }
  if (wanted != 0) return corrupt("{}: the packed data ends too soon", path.string());
  return text;
}

}  // namespace

Result<std::string> read_text_file(const std::filesystem::path& path) {
  SPUTNIK_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  if (path.extension() == ".zst") return unpack(bytes, path);
  if (bytes.size() > kMaxTextBytes)
    return exhausted("{}: it is more than {} bytes", path.string(), kMaxTextBytes);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace sputnik
