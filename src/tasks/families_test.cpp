#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tasks/check.h"
#include "tasks/task.h"
#include "tasks/template.h"

namespace sputnik::tasks {
namespace {

TEST(Families, AreManyAndNamedOnce) {
  std::set<std::string_view> names;
  int shipped = 0, probes = 0;
  for (const Family* family : families()) {
    EXPECT_TRUE(names.insert(family->name).second) << family->name;
    EXPECT_EQ(find_family(family->name).value(), family);
    EXPECT_GE(family->n_levels, 4) << family->name;
    shipped += family->use == Use::kShipped ? 1 : 0;
    probes += family->use == Use::kProbe ? 1 : 0;
  }
  EXPECT_GE(names.size(), 30u);
  EXPECT_GE(shipped, 16);
  EXPECT_EQ(probes, 3);
  EXPECT_FALSE(find_family("no_such_family").ok());
}

TEST(Families, OfTheShippedModelHaveThirtyTemplatesInFourSettings) {
  for (const Family* family : families()) {
    std::set<Domain> train, test;
    std::set<std::string_view> texts;
    std::size_t n_train = 0, n_test = 0;
    for (std::size_t i = 0; i < family->templates.size(); ++i) {
      const Template& form = family->templates[i];
      texts.insert(form.text);
      const bool held_out = is_held_out(family->templates, i);
      (held_out ? test : train).insert(form.domain);
      ++(held_out ? n_test : n_train);
      if (form.domain == Domain::kHarbour) {
        EXPECT_TRUE(held_out);
      }
    }
    SCOPED_TRACE(family->name);
    EXPECT_TRUE(test.contains(Domain::kHarbour));
    EXPECT_GE(n_test * 5, family->templates.size());  // at least a fifth
    EXPECT_GE(n_train, 7u);
    if (family->use != Use::kShipped) continue;
    EXPECT_GE(family->templates.size(), 30u);
    EXPECT_GE(train.size(), 4u);
    EXPECT_GE(texts.size(), 30u);
  }
}

// Traces, answers, wrong answers, splits: all that check_task() looks at.
TEST(Families, PassTheirOwnCheckAtEveryLevel) {
  for (const Family* family : families()) {
    for (int level = 1; level <= family->n_levels; ++level) {
      EXPECT_EQ(check_level(*family, level, 120).failure, "");
    }
  }
}

TEST(Families, RarelyRepeatAPrompt) {
  for (const Family* family : families()) {
    if (family->use != Use::kShipped) continue;
    for (int level = 2; level <= family->n_levels; ++level) {
      EXPECT_LT(check_level(*family, level, 300).n_repeated, 30)
          << family->name << " level " << level;
    }
  }
}

TEST(Families, UseEveryTemplateOfTheirSplit) {
  for (const Family* family : families()) {
    std::set<int> seen;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
      for (const Split split : {Split::kTrain, Split::kTest}) {
        seen.insert(generate({family, 1, seed, split}).template_index);
      }
    }
    EXPECT_EQ(seen.size(), family->templates.size()) << family->name;
  }
}

// A prompt must not show the marks of the template language, or numbers that nobody gave.
TEST(Families, WriteCleanText) {
  for (const Family* family : families()) {
    for (int level = 1; level <= family->n_levels; ++level) {
      for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const Task task =
            generate({family, level, seed, seed % 2 == 0 ? Split::kTrain : Split::kTest});
        for (const std::string& text : {task.prompt, task.thought, task.corrected_thought}) {
          EXPECT_EQ(text.find("  "), std::string::npos) << text;
          EXPECT_EQ(text.find(".."), text.find("...")) << text;
          EXPECT_EQ(text.find(" ."), text.find(" ...")) << text;
          for (const char c : text) EXPECT_TRUE(c == '\n' || (' ' <= c && c <= '~')) << text;
        }
        if (family->name == "brackets") continue;
        EXPECT_EQ(task.prompt.find_first_of("{}[]|"), std::string::npos) << task.prompt;
      }
    }
  }
}

// Training data and test items made by one build must be what another build makes, whatever the
// compiler. Whoever changes a task on purpose changes this number, and old results are then about
// other items.
TEST(Families, AreTheSameInEveryBuild) {
  std::set<std::uint64_t> prints;
  std::uint64_t all = 0;
  for (const Family* family : families()) {
    const std::uint64_t print = fingerprint(*family);
    prints.insert(print);
    all = all * 0x9e3779b97f4a7c15u + print;
  }
  EXPECT_EQ(prints.size(), families().size());
  EXPECT_EQ(all, 10726465132021063500u);
}

TEST(Families, LevelsGetHarder) {
  // Longer thoughts at the last level than at the first: a level that changed nothing would not
  // show.
  for (const Family* family : families()) {
    if (family->name == "unit_conversion" || family->name == "retrieval" ||
        family->name == "probability") {
      continue;  // only their numbers grow
    }
    std::size_t first = 0, last = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      first += generate({family, 1, seed, Split::kTrain}).thought.size();
      last += generate({family, family->n_levels, seed, Split::kTrain}).thought.size();
    }
    EXPECT_GT(last, first) << family->name;
  }
}

TEST(Split, TestTasksUseNamesThatTrainingNeverSees) {
  std::set<std::string_view> train, test;
  for (const Person& person : people(Split::kTrain)) train.insert(person.name);
  for (const Person& person : people(Split::kTest)) {
    EXPECT_FALSE(train.contains(person.name));
    test.insert(person.name);
  }
  for (const Domain domain : {Domain::kPlain, Domain::kShop, Domain::kSchool, Domain::kFarm,
                              Domain::kKitchen, Domain::kTravel}) {
    for (const Noun& noun : things(domain, Split::kTest)) {
      const auto known = things(domain, Split::kTrain);
      EXPECT_TRUE(std::none_of(known.begin(), known.end(),
                               [&](const Noun& n) { return n.one == noun.one; }));
    }
  }
  for (const std::string_view word : letter_words(Split::kTest)) {
    const auto known = letter_words(Split::kTrain);
    EXPECT_EQ(std::find(known.begin(), known.end(), word), known.end()) << word;
  }
}

TEST(Words, NumbersAreSpelled) {
  EXPECT_EQ(number_words(0), "zero");
  EXPECT_EQ(number_words(42), "forty-two");
  EXPECT_EQ(number_words(300), "three hundred");
  EXPECT_EQ(number_words(1017), "one thousand seventeen");
  EXPECT_EQ(number_words(-20), "minus twenty");
  EXPECT_EQ(number_words(12345678),
            "twelve million three hundred forty-five thousand six hundred seventy-eight");
}

// One task to the letter: it shows when a change of words, draws or the generator changes them all.
TEST(Generate, IsTheSameEverywhere) {
  const Task task = generate({find_family("addition").value(), 2, 7, Split::kTrain});
  EXPECT_EQ(task.prompt, "Two numbers are 39 and 99. Add them.");
  EXPECT_EQ(task.answer, "138");
  EXPECT_EQ(task.thought,
            "I add 39 and 99, digit by digit.\n"
            "Ones: 9 + 9 = 18, write 8, carry 1.\n"
            "Tens: 3 + 9 + 1 = 13, write 3, carry 1.\n"
            "The last carry is 1, write 1.\n"
            "So my answer is 138.");
}

}  // namespace
}  // namespace sputnik::tasks
