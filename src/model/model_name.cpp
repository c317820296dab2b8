#include "model/model_name.h"

#include <algorithm>
#include <optional>

namespace sputnik {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_word_char(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

// Where "R1" ends as a word of its own, or behind "DeepSeek"; "Llama-3-R128" holds none.
std::optional<std::size_t> end_of_r1(std::string_view name) {
  const std::string text = lower(name);
  for (std::size_t at = text.find("r1"); at != text.npos; at = text.find("r1", at + 1)) {
    const std::string_view before = std::string_view(text).substr(0, at);
    const bool begins =
        before.empty() || !is_word_char(before.back()) || before.ends_with("deepseek");
    const bool ends = at + 2 == text.size() || !is_word_char(text[at + 2]);
    if (begins && ends) return at + 2;
  }
  return std::nullopt;
}

}  // namespace

std::string model_name_of_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::path path =
      std::filesystem::weakly_canonical(folder.empty() ? "." : folder, ignored);
  if (path.filename().empty()) path = path.parent_path();  // it ended in a slash
  const std::string repository = path.parent_path().parent_path().filename().string();
  const std::size_t name = repository.rfind("--");
  if (path.parent_path().filename() == "snapshots" && repository.starts_with("models--"))
    return repository.substr(name + 2);
  return path.filename().string();
}

bool is_distill(std::string_view architecture, std::string_view name) {
  if (architecture != "qwen2" && architecture != "llama") return false;
  return lower(name).find("distill") != std::string::npos || end_of_r1(name).has_value();
}

std::string distill_name(std::string_view architecture, std::string_view name) {
  std::string result(name);
  const auto end = end_of_r1(name);
  if (!end || lower(name).find("distill") != std::string::npos) return result;
  const std::string separator = name.find(' ') == name.npos ? "-" : " ";
  const std::string_view family = architecture == "qwen2" ? "Qwen" : "Llama";
  result.insert(*end, separator + "Distill" + separator + std::string(family));
  return result;
}

}  // namespace sputnik
