#include "evaluation/summary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "evaluation/result_file.h"

namespace sputnik::evaluation {
namespace {

Item item(std::string suite, std::string section, std::string row, std::string column,
          AnswerKind kind = AnswerKind::kMath) {
  Item i;
  i.suite = std::move(suite);
  i.section = std::move(section);
  i.row = std::move(row);
  i.column = std::move(column);
  i.kind = kind;
  i.answer = "1";
  return i;
}

struct Responses {
  std::vector<Item> items;
  std::vector<Record> records;
  std::int64_t n_samples = 1;

  // answers: one for each sample; "1" is right, "" is none.
  void add(Item i, std::vector<std::string> answers) {
    i.id = std::to_string(items.size());
    n_samples = static_cast<std::int64_t>(answers.size());
    for (std::size_t s = 0; s < answers.size(); ++s) {
      Record r;
      r.item = static_cast<std::int64_t>(items.size());
      r.sample = static_cast<std::int64_t>(s);
      r.right = answers[s] == "1" || answers[s] == "1.0" || answers[s] == "one";
      if (!answers[s].empty()) r.answer = answers[s];
      r.truncated = answers[s].empty();
      r.well_formed = r.right;
      r.n_thought_tokens = 10;
      r.n_answer_tokens = 2 + static_cast<std::int64_t>(s);
      records.push_back(std::move(r));
    }
    items.push_back(std::move(i));
  }
  std::vector<SuiteSummary> summaries() const { return summarize(items, records, n_samples); }
};

const Figures& at(const SuiteSummary& suite, std::string_view section, std::string_view row,
                  std::string_view column) {
  const TableEntry* entry = suite.find(section, row, column);
  EXPECT_NE(entry, nullptr) << section << "/" << row << "/" << column;
  static const Figures none;
  return entry == nullptr ? none : entry->figures;
}

TEST(Summary, AddsUpRowsColumnsSectionsAndSuites) {
  Responses run;
  run.add(item("gym", "old", "sum", "easy"), {"1"});
  run.add(item("gym", "old", "sum", "hard"), {"2"});
  run.add(item("gym", "old", "order", "easy"), {""});
  run.add(item("gym", "new", "path", "easy"), {"1"});
  run.add(item("other", "", "other", ""), {"1"});
  const auto suites = run.summaries();
  ASSERT_EQ(suites.size(), 2u);
  const SuiteSummary& gym = suites[0];
  EXPECT_EQ(gym.columns, (std::vector<std::string>{"easy", "hard"}));
  EXPECT_EQ(at(gym, "old", "sum", "easy").n_items, 1);
  EXPECT_EQ(at(gym, "old", "sum", "").n_items, 2);
  EXPECT_EQ(at(gym, "old", "sum", "").pass_at_1.value, 0.5);
  EXPECT_EQ(at(gym, "old", "", "easy").pass_at_1.value, 0.5);
  EXPECT_EQ(at(gym, "old", "", "").n_items, 3);
  EXPECT_EQ(at(gym, "", "", "easy").n_items, 3);
  EXPECT_EQ(at(gym, "", "", "").n_items, 4);
  EXPECT_EQ(at(gym, "", "", "").pass_at_1.value, 0.5);
  EXPECT_EQ(at(gym, "", "", "").truncated.value, 0.25);
  EXPECT_EQ(at(gym, "", "", "").well_formed.value, 0.5);
  EXPECT_EQ(at(gym, "", "", "").thought_tokens, 10);
  EXPECT_FALSE(at(gym, "", "", "").pass_at_k.has_value());
  EXPECT_EQ(gym.find("new", "path", "hard"), nullptr);
  // Rows of a section, then the section; the suite comes last.
  std::vector<std::string> order;
  for (const TableEntry& entry : gym.entries) {
    const std::string name = entry.section + "/" + entry.row;
    if (order.empty() || order.back() != name) order.push_back(name);
  }
  EXPECT_EQ(order,
            (std::vector<std::string>{"old/sum", "old/order", "old/", "new/path", "new/", "/"}));
  EXPECT_EQ(gym.entries[0].column, "easy");
  EXPECT_EQ(gym.entries[1].column, "hard");
  EXPECT_EQ(gym.entries[2].column, "");
  EXPECT_EQ(gym.entries.back().figures.n_items, 4);
  EXPECT_EQ(at(suites[1], "", "other", "").n_items, 1);
  EXPECT_EQ(at(suites[1], "", "", "").n_items, 1);
  EXPECT_NE(gym.fingerprint, suites[1].fingerprint);
}

TEST(Summary, OfSeveralSamplesHasPassAtKAndVotes) {
  Responses run;
  run.add(item("s", "", "s", ""), {"1", "2", "1.0", "3"});  // 2 of 4, and the vote
  run.add(item("s", "", "s", ""), {"2", "2.0", "1", ""});   // 1 of 4, and not the vote
  run.add(item("s", "", "s", ""), {"", "", "", ""});
  run.add(item("s", "", "s", ""), {"5", "1", "", ""});  // a tie: the first counts
  const Figures figures = at(run.summaries()[0], "", "", "");
  EXPECT_DOUBLE_EQ(figures.pass_at_1.value, (0.5 + 0.25 + 0 + 0.25) / 4);
  EXPECT_DOUBLE_EQ(figures.pass_at_k->value, 0.75);
  EXPECT_DOUBLE_EQ(figures.cons_at_k->value, 0.25);
  EXPECT_DOUBLE_EQ(figures.answer_tokens, 3.5);
  EXPECT_DOUBLE_EQ(figures.truncated.value, 7.0 / 16);
  // The interval is that of 4 items, not of 16 samples.
  EXPECT_DOUBLE_EQ(figures.pass_at_1.high, wilson(1, 4).high);
}

TEST(Summary, RightAnswersToATaskAreOneAnswerAndCodeHasNone) {
  Responses tasks;
  // Two right answers in different words outvote one wrong answer given once.
  tasks.add(item("s", "", "s", "", AnswerKind::kTask), {"2", "1", "one"});
  EXPECT_EQ(at(tasks.summaries()[0], "", "", "").cons_at_k->value, 1);
  Responses code;
  code.add(item("s", "", "s", "", AnswerKind::kCode), {"", "", ""});
  EXPECT_FALSE(at(code.summaries()[0], "", "", "").cons_at_k.has_value());
}

SavedResult saved(const Responses& run) {
  const nlohmann::ordered_json identity{{"model", {{"name", "m"}}},
                                        {"options", {{"samples", run.n_samples}}}};
  const auto json = make_result(identity, {}, run.items, run.records, run.n_samples);
  std::string pattern = (std::filesystem::temp_directory_path() / "sputnik-result-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  EXPECT_TRUE(write_file_atomically(folder / "result.json", json.dump()).ok());
  auto result = read_result(folder);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  std::filesystem::remove_all(folder);
  return std::move(result).value();
}

TEST(Compare, CountsItemByItem) {
  Responses first, second;
  const auto add = [&](const char* section, const char* column, const char* a, const char* b) {
    first.add(item("gym", section, "r", column), {a});
    second.add(item("gym", section, "r", column), {b});
  };
  for (int i = 0; i < 9; ++i) add("old", "easy", "2", "1");
  add("old", "easy", "1", "2");
  add("old", "hard", "1", "1");
  add("new", "hard", "2", "2");
  const auto comparisons = compare(saved(first), saved(second)).value();
  ASSERT_EQ(comparisons.size(), 4u);
  EXPECT_EQ(comparisons[0].n, 12);
  EXPECT_EQ(comparisons[0].n_both, 1);
  EXPECT_EQ(comparisons[0].n_only_first, 1);
  EXPECT_EQ(comparisons[0].n_only_second, 9);
  EXPECT_NEAR(comparisons[0].p_value(), 22.0 / 1024, 1e-12);
  EXPECT_EQ(comparisons[1].section, "old");
  EXPECT_EQ(comparisons[1].column, "easy");
  EXPECT_EQ(comparisons[1].n, 10);
  EXPECT_EQ(comparisons[3].section, "new");
  EXPECT_EQ(comparisons[3].p_value(), 1);
}

TEST(Compare, RefusesDifferentItems) {
  Responses first, second, third;
  first.add(item("s", "", "s", ""), {"1"});
  second.add(item("s", "", "t", ""), {"1"});
  third.add(item("t", "", "s", ""), {"1"});
  EXPECT_NE(compare(saved(first), saved(second)).error().message.find("different items of s"),
            std::string::npos);
  EXPECT_EQ(compare(saved(first), saved(third)).error().message,
            "the two results have no suite in common");
}

}  // namespace
}  // namespace sputnik::evaluation
