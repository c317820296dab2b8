#include "tasks/final_answer.h"

#include <gtest/gtest.h>

#include "tasks/arithmetic.h"
#include "tasks/rational.h"

namespace sputnik::tasks {
namespace {

TEST(FinalAnswer, IntegersAreReadFairly) {
  EXPECT_EQ(parse_integer("42"), 42);
  EXPECT_EQ(parse_integer("  -7.\n"), -7);
  EXPECT_EQ(parse_integer("+3"), 3);
  EXPECT_EQ(parse_integer("1,234,567"), 1234567);
  EXPECT_EQ(parse_integer("9223372036854775807"), INT64_MAX);
}

TEST(FinalAnswer, AnythingBesideOneIntegerIsRefused) {
  for (const char* text :
       {"",         ".",    "-",      "4 2",      "42 or 43",     "42 43", "12,34",
        "1,2345",   ",123", "1,,234", "042",      "4.0",          "42/1",  "9223372036854775808",
        "0x2a",     "4e1",  "--4",    "\xd9\xa4", "\xef\xbc\x94", "42!",   "(42)",
        "forty-two"}) {
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_integer(std::string(10000, '1')), std::nullopt);
  EXPECT_EQ(parse_integer(std::string("42\0", 3)), std::nullopt);
}

TEST(FinalAnswer, NumbersMayBeFractionsAndDecimals) {
  EXPECT_EQ(parse_number("6/8"), Rational::make(3, 4));
  EXPECT_EQ(parse_number("-6 / 8."), Rational::make(-3, 4));
  EXPECT_EQ(parse_number("2.50"), Rational::make(5, 2));
  EXPECT_EQ(parse_number("1/0"), std::nullopt);
  EXPECT_EQ(parse_number("1/2/3"), std::nullopt);
  EXPECT_EQ(parse_number("1./2"), std::nullopt);
}

TEST(FinalAnswer, ListsAreSeparatedByCommasOrSpaces) {
  const std::vector<std::string> expected = {"3", "1", "2"};
  for (const char* text : {"3, 1, 2", "3,1,2", "3 1  2", "[3, 1, 2]", "3, 1, 2."}) {
    EXPECT_TRUE(is_list_answer(text, expected)) << text;
  }
  for (const char* text : {"3, 1", "3, 1, 2, 2", "3,, 1, 2", "3; 1; 2", "3, 1, 2,", "1, 2, 3"}) {
    EXPECT_FALSE(is_list_answer(text, expected)) << text;
  }
}

TEST(FinalAnswer, YesAndNoAreWholeAnswers) {
  EXPECT_EQ(parse_yes_no("Yes."), true);
  EXPECT_EQ(parse_yes_no("FALSE"), false);
  for (const char* text : {"yes or no", "yes no", "y", "", "not true"}) {
    EXPECT_EQ(parse_yes_no(text), std::nullopt) << text;
  }
}

TEST(Rational, IsExactAndNeverWraps) {
  const auto third = Rational::make(1, 3);
  EXPECT_EQ(add(*third, *add(*third, *third)), Rational(1));
  EXPECT_EQ(to_string(*Rational::make(-6, 8)), "-3/4");
  EXPECT_EQ(Rational::make(1, 0), std::nullopt);
  EXPECT_EQ(divide(1, 0), std::nullopt);
  EXPECT_EQ(power(10, 37)->numerator(), power(10, 38)->numerator() / 10);
  EXPECT_EQ(power(10, 39), std::nullopt);
  EXPECT_EQ(power(*Rational::make(1, 2), -3), Rational(8));
  const auto large = *power(2, 120);
  EXPECT_EQ(multiply(large, large), std::nullopt);
  EXPECT_EQ(multiply(large, *divide(1, large)), Rational(1));  // cancels before it multiplies
}

TEST(Arithmetic, FollowsTheRulesOfPrecedence) {
  const auto value = [](std::string_view text) {
    return evaluate_arithmetic(text, Signs::kRefused)->value;
  };
  EXPECT_EQ(value("2 + 3 * 4"), Rational(14));
  EXPECT_EQ(value("(2 + 3) * 4"), Rational(20));
  EXPECT_EQ(value("20 - 5 - 3"), Rational(12));
  EXPECT_EQ(value("20 / 5 / 2"), Rational(2));
  EXPECT_EQ(value("8 / (3 - 8 / 3)"), Rational(24));
  EXPECT_EQ(evaluate_arithmetic("3 - 8 / 3", Signs::kRefused)->numbers,
            (std::vector<std::int64_t>{3, 8, 3}));
}

TEST(Arithmetic, RefusesWhatIsNoExpression) {
  for (const char* text : {"", "1 +", "+ 1", "-1", "1 2", "(1", "1)", "()", "1 / 0", "1.5",
                           "2 ** 3", "2 ^ 3", "0x1", "1 = 1", "a", "1 + (2 * (3)"}) {
    EXPECT_FALSE(evaluate_arithmetic(text, Signs::kRefused)) << text;
  }
  EXPECT_FALSE(
      evaluate_arithmetic(std::string(100, '(') + "1" + std::string(100, ')'), Signs::kRefused));
  std::string many = "1";
  for (int i = 0; i < 70; ++i) many += "+1";
  EXPECT_FALSE(evaluate_arithmetic(many, Signs::kRefused));
  EXPECT_FALSE(evaluate_arithmetic("99999999999999999999 * 99999999999999999999", Signs::kRefused));
}

TEST(CheckEquations, FindsFalseOnesAndPassesOverWords) {
  EXPECT_EQ(check_equations("I get 3 + 4 = 7. Then 7 * 2 = 14, so 20 - 14 = 6.").n_equations, 3u);
  EXPECT_EQ(check_equations("I get 3 + 4 = 7. Then 7 * 2 = 14.").n_false, 0u);
  const EquationCheck check =
      check_equations("Ones: 7 + 8 = 14, carry 1.\nx = 5. 2x = 7. Ann = 3. 2 = 1 + 1 = 3");
  EXPECT_EQ(check.n_equations, 3u);
  EXPECT_EQ(check.n_false, 2u);
  EXPECT_NE(check.first_false.find("7 + 8 = 14"), std::string::npos);
  EXPECT_EQ(check_equations("3x + 5 = 20 and x - 2 = 4").n_equations, 0u);
  EXPECT_EQ(check_equations("5 * (-3) + 2 = -13").n_false, 0u);
}

}  // namespace
}  // namespace sputnik::tasks
