// A file that training goes on from: a JSON header and arrays of float32, written whole or not at
// all, and with a checksum over everything.
//
//   "SPUTNIK\n"  u32 version  u32 0  u64 header_bytes  header  zeros to a multiple of 64
//   arrays, in the order of the header's "arrays": [[name, n], ...]  u64 XXH3 of all before
// All little-endian.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"

namespace sputnik {

constexpr std::uint32_t kCheckpointVersion = 1;

struct CheckpointArray {
  std::string name;
  std::span<const float> values;
};

// Beside the path, synced, then renamed: whatever ends the program, the path holds the old file or
// the new one. kIo.
Result<void> write_checkpoint_file(const std::filesystem::path& path, const nlohmann::json& header,
                                   std::span<const CheckpointArray> arrays);

// Owns the mapping. Everything has been checked when it is open.
class CheckpointFile {
 public:
  // kCorrupt: no checkpoint, cut or changed; kUnsupported: another version. Messages begin with the
  // path.
  static Result<CheckpointFile> open(const std::filesystem::path& path);

  CheckpointFile(CheckpointFile&&) noexcept;
  CheckpointFile& operator=(CheckpointFile&&) noexcept;
  ~CheckpointFile();

  const nlohmann::json& header() const { return *header_; }
  // kCorrupt if there is none of this name and size.
  Result<std::span<const float>> values(std::string_view name, std::size_t n) const;

 private:
  explicit CheckpointFile(MappedFile file);
  Result<void> parse();

  MappedFile file_;
  std::unique_ptr<nlohmann::json> header_;
  std::unordered_map<std::string, std::span<const float>> arrays_;
};

// checkpoint-00000100 and so on in a folder, newest first.
std::vector<std::filesystem::path> checkpoints_in(const std::filesystem::path& folder);
std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::int64_t step);

// The same on every machine.
std::uint64_t stable_hash(std::string_view bytes);

}  // namespace sputnik
