// Text to learn from, which may be packed.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace sputnik {

// The content of a file; of its unpacked content if the name ends in ".zst" (Zstandard, RFC 8878).
// kNotFound, kIo; kCorrupt; kExhausted above 4 GiB.
Result<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace sputnik
