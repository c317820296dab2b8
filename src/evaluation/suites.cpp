#include "evaluation/suites.h"

namespace sputnik::evaluation {
namespace {

constexpr SuiteInfo kSuites[] = {
    {"gsm8k", "word problems of grade schools, 660 of 1,319", "MIT", true},
    {"svamp", "word problems with a twist, 500 of 1,000", "MIT", true},
    {"math500", "competition mathematics, 250 of 500", "MIT", true},
    {"aqua", "algebra, five choices, 127 of 254", "Apache 2.0", true},
    {"arc_easy", "science questions, four choices, 1,182 of 2,376", "CC BY-SA 4.0", true},
    {"arc_challenge", "harder ones, 586 of 1,172", "CC BY-SA 4.0", true},
    {"openbook_qa", "elementary science, four choices, 250 of 500", "Apache 2.0", true},
    {"commonsenseqa", "common sense, five choices, 611 of 1,221", "MIT", true},
    {"humaneval", "Python functions from their descriptions, 82 of 164", "MIT", true},
    {"mbpp", "short Python programs, 249 of 500", "CC BY 4.0", true},
    {"aime24", "AIME 2024", "not free", false},
    {"amc23", "AMC 2023", "not free", false},
    {"multiarith", "MAWPS: several steps", "none given", false},
    {"addsub", "MAWPS: addition and subtraction", "none given", false},
    {"singleeq", "MAWPS: one equation", "none given", false},
};

}  // namespace

std::span<const SuiteInfo> suites() {
  return kSuites;
}

const SuiteInfo* find_suite(std::string_view name) {
  for (const SuiteInfo& suite : kSuites) {
    if (suite.name == name) return &suite;
  }
  return nullptr;
}

}  // namespace sputnik::evaluation
