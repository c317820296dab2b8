#include "cli/train_testing.h"

#include <sstream>

#include "base/mapped_file.h"
#include "cli/program_testing.h"

namespace sputnik::cli {

std::string TrainTest::smoke_recipe() {
  return source("recipes/tiny-smoke.toml").string();
}

std::string TrainTest::edited_recipe(
    std::initializer_list<std::array<std::string_view, 2>> edits) const {
  std::string text = read_file(smoke_recipe()).value();
  for (const auto& [what, by] : edits) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    if (at != std::string::npos) text.replace(at, what.size(), by);
  }
  return folder_.write("recipe.toml", text).string();
}

std::string TrainTest::weights(const std::string& name) const {
  const auto bytes = read_file(folder_.path() / name / "model/model.safetensors");
  EXPECT_TRUE(bytes.ok()) << bytes.error().message;
  return bytes.ok() ? bytes.value() : "";
}

std::vector<nlohmann::json> TrainTest::log(const std::string& name) const {
  std::vector<nlohmann::json> lines;
  const auto text = read_file(folder_.path() / name / "log.jsonl");
  if (!text.ok()) return lines;
  std::istringstream stream(text.value());
  for (std::string line; std::getline(stream, line);)
    lines.push_back(nlohmann::json::parse(line, nullptr, false));
  return lines;
}

std::vector<nlohmann::json> TrainTest::steps_of(const std::string& name) const {
  std::vector<nlohmann::json> lines = log(name);
  std::erase_if(lines, [](const nlohmann::json& line) { return line.contains("event"); });
  return lines;
}

std::vector<nlohmann::json> TrainTest::events_of(const std::string& name) const {
  std::vector<nlohmann::json> lines = log(name);
  std::erase_if(lines, [](const nlohmann::json& line) { return !line.contains("event"); });
  return lines;
}

}  // namespace sputnik::cli
