// For tests of sputnik train: recipes/tiny-smoke.toml with changes, and what a run leaves behind.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf_testing.h"

namespace sputnik::cli {

class TrainTest : public testing::Test {
 protected:
  static std::string smoke_recipe();
  // With every first text replaced by its second.
  std::string edited_recipe(std::initializer_list<std::array<std::string_view, 2>> edits) const;
  // Of one run.
  std::string output(const std::string& name) const { return (folder_.path() / name).string(); }
  std::string weights(const std::string& name) const;                   // of the model it made
  std::vector<nlohmann::json> log(const std::string& name) const;       // empty before there is one
  std::vector<nlohmann::json> steps_of(const std::string& name) const;  // its lines of steps
  std::vector<nlohmann::json> events_of(const std::string& name) const;  // and all others

  TestFolder folder_;
};

}  // namespace sputnik::cli
