// The checks themselves: each of them must be able to fail.
#include "tasks/check.h"

#include <gtest/gtest.h>

namespace sputnik::tasks {
namespace {

class BrokenTask : public testing::Test {
 protected:
  const TaskSpec spec_{find_family("addition").value(), 2, 7, Split::kTrain};
  Task task_ = generate(spec_);

  std::string problem() const { return check_task(spec_, task_); }

  void replace(std::string& text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << text;
    text.replace(at, from.size(), to);
  }
};

TEST_F(BrokenTask, IsFineAsItIsMade) {
  EXPECT_EQ(problem(), "");
}

TEST_F(BrokenTask, WithAFalseEquationIsFound) {
  replace(task_.thought, "9 + 9 = 18", "9 + 9 = 17");
  EXPECT_NE(problem().find("a false equation"), std::string::npos);
}

TEST_F(BrokenTask, WithAFalseEquationAfterTheCorrectionIsFound) {
  const std::size_t last = task_.corrected_thought.rfind(" = ");
  task_.corrected_thought.replace(last + 3, 1, "5");
  EXPECT_NE(problem(), "");
}

TEST_F(BrokenTask, WithAWrongAnswerIsFound) {
  task_.answer = "139";
  EXPECT_NE(problem().find("'139' is refused"), std::string::npos);
}

TEST_F(BrokenTask, WhoseThoughtEndsElsewhereIsFound) {
  task_.thought += " Or not.";
  EXPECT_NE(problem().find("does not end with the answer"), std::string::npos);
}

TEST_F(BrokenTask, WithAnUnnoticedMistakeIsFound) {
  replace(task_.corrected_thought, "\nWait, ", "\nWell, ");
  EXPECT_NE(problem().find("not noticed"), std::string::npos);
}

TEST_F(BrokenTask, WithoutAMistakeIsFound) {
  task_.mistakes.clear();
  EXPECT_NE(problem(), "");
}

TEST_F(BrokenTask, WithANameOfTheOtherSplitIsFound) {
  task_.prompt += " asks Alice.";
  EXPECT_NE(problem().find("the name Alice"), std::string::npos);
}

TEST_F(BrokenTask, WithAThingOfTheOtherSplitIsFound) {
  task_.prompt += " There are kites.";
  EXPECT_NE(problem().find("the held-out kite"), std::string::npos);
}

TEST_F(BrokenTask, OfAnotherSeedIsFound) {
  task_ = generate({spec_.family, 2, 8, Split::kTrain});
  EXPECT_NE(problem().find("another one"), std::string::npos);
}

// A verifier that looks no closer than this is caught by the wrong answers.
TEST(WrongAnswers, CatchACarelessVerifier) {
  Family careless = *find_family("addition").value();
  careless.verify = [](const Facts& facts, std::string_view answer) {
    return answer.find(std::to_string(facts.numbers[0] + facts.numbers[1])) !=
           std::string_view::npos;
  };
  EXPECT_NE(check_level(careless, 1, 2).failure.find("passes beside"), std::string::npos);
}

}  // namespace
}  // namespace sputnik::tasks
