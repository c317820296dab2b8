// Writing GGUF, version 3: the metadata and the table of tensors at once, the data as they are
// made. Format: ggml's docs/gguf.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "formats/gguf_metadata.h"
#include "tensor/dtype.h"

namespace sputnik {

// Keys and values that will be written, in the order in which they are first set; setting a key
// again replaces its value.
class GgufKeys {
 public:
  void set(std::string_view key, std::string_view text);
  void set(std::string_view key, const char* text) { set(key, std::string_view(text)); }
  void set(std::string_view key, bool value);
  void set(std::string_view key, std::uint32_t value);
  void set(std::string_view key, float value);
  void set(std::string_view key, std::span<const std::string> texts);
  void set(std::string_view key, std::span<const std::int32_t> numbers);
  // A value of another file, bit for bit.
  void set(std::string_view key, const GgufValue& value);

  bool contains(std::string_view key) const { return index_.contains(std::string(key)); }
  std::size_t size() const { return entries_.size(); }
  // As in a file.
  std::string bytes() const;

 private:
  struct Entry {
    std::string key;
    GgufType type;
    std::string bytes;  // of the value, without its type
  };
  void put(std::string_view key, GgufType type, std::string bytes);

  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

// A line of the table. shape is row-major, outermost dimension first, and holds whole blocks.
struct GgufTensorLine {
  std::string name;
  std::vector<std::int64_t> shape;
  DType dtype = DType::kF32;

  std::uint64_t data_bytes() const;
};

// A file that is whole or not there: it grows beside its place, is synced, then renamed over what
// was there. Destroyed before finish(), it leaves nothing.
class GgufFileWriter {
 public:
  // kExhausted if the disk has no room for the whole file; kIo.
  static Result<GgufFileWriter> create(const std::filesystem::path& path, const GgufKeys& keys,
                                       std::vector<GgufTensorLine> tensors);

  GgufFileWriter(GgufFileWriter&&) noexcept;
  GgufFileWriter& operator=(GgufFileWriter&&) noexcept;
  ~GgufFileWriter();

  // The next bytes of the tensors' data, which come in the order of the table. A piece may end
  // anywhere in its tensor, but not in the next one.
  Result<void> append(std::span<const std::byte> data);

  // All data must have been appended.
  Result<void> finish();

  std::uint64_t file_bytes() const;  // of the whole file

 private:
  struct State;
  explicit GgufFileWriter(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace sputnik
