#include "train/export.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "train/chat_template.h"
#include "train/document.h"

namespace sputnik {
namespace {

using nlohmann::json;

Result<void> write_safetensors(
    const std::filesystem::path& path, const ParameterStore& parameters,
    const std::function<std::span<const float>(const Parameter&)>& values_of) {
  json header = json::object();
  std::uint64_t offset = 0;
  for (const Parameter& p : parameters.all()) {
    const std::uint64_t end = offset + p.value.size_bytes();
    header[p.name] = {
        {"dtype", "F32"},
        {"shape", p.is_vector ? json::array({p.cols}) : json::array({p.rows, p.cols})},
        {"data_offsets", json::array({offset, end})}};
    offset = end;
  }
  header["__metadata__"] = {{"format", "pt"}};
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t n = text.size();

  const std::string temporary = path.string() + ".tmp";
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (file == nullptr) return io_error("{}: {}", temporary, std::strerror(errno));
  bool ok = std::fwrite(&n, sizeof(n), 1, file) == 1 &&
            std::fwrite(text.data(), 1, text.size(), file) == text.size();
  for (const Parameter& p : parameters.all()) {
    const std::span<const float> values = values_of(p);
    SPUTNIK_ASSERT(values.size() == p.value.size());
    ok = ok && std::fwrite(values.data(), sizeof(float), values.size(), file) == values.size();
  }
  ok = ok && std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  int error = ok ? 0 : (errno != 0 ? errno : EIO);
  std::fclose(file);
  if (ok && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    return io_error("{}: {}", path.string(), std::strerror(error));
  }
  return ok_result();
}

}  // namespace

Result<void> export_model(
    const std::filesystem::path& folder, const json& config, const std::string& tokenizer,
    const ParameterStore& parameters,
    const std::function<std::span<const float>(const Parameter&)>& values_of) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return io_error("{}: {}", folder.string(), error.message());
  SPUTNIK_CHECK_OK(write_safetensors(folder / "model.safetensors", parameters, values_of));
  SPUTNIK_CHECK_OK(write_file_atomically(folder / "tokenizer.json", tokenizer));
  const json tokenizer_config = {{"add_bos_token", true},
                                 {"bos_token", ControlTokens::kBos},
                                 {"chat_template", chat_template()},
                                 {"clean_up_tokenization_spaces", false},
                                 {"eos_token", ControlTokens::kEos},
                                 {"pad_token", ControlTokens::kPad},
                                 {"tokenizer_class", "PreTrainedTokenizerFast"}};
  SPUTNIK_CHECK_OK(
      write_file_atomically(folder / "tokenizer_config.json", tokenizer_config.dump(2) + "\n"));
  if (const auto eos = config.find("eos_token_id"); eos != config.end()) {
    const json generation = {{"bos_token_id", config.value("bos_token_id", json())},
                             {"eos_token_id", *eos}};
    SPUTNIK_CHECK_OK(
        write_file_atomically(folder / "generation_config.json", generation.dump(2) + "\n"));
  }
  return write_file_atomically(folder / "config.json", config.dump(2) + "\n");
}

}  // namespace sputnik
