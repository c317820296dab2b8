#include "tasks/answer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace sputnik::tasks {
namespace {

struct Same {
  const char *a, *b;
};

TEST(MathEqual, KnowsTheManyFormsOfOneValue) {
  const Same cases[] = {
      {"42", "42"},
      {"42.", " 42 "},
      {"1,234,567", "1234567"},
      {"1{,}234", "1234"},
      {"9,\\!240", "9240"},
      {"0.5", "1/2"},
      {".5", "\\frac12"},
      {"2.50", "5/2"},
      {"\\dfrac{3}{6}", "\\tfrac{1}{2}"},
      {"3\\frac{1}{2}", "7/2"},
      {"3 1/2", "3.5"},
      {"-\\frac{1}{2}", "\\frac{-1}{2}"},
      {"50\\%", "0.5"},
      {"50%", "50"},
      {"\\$18.90", "18.9"},
      {"$18", "18"},
      {"45^\\circ", "45"},
      {"45\xc2\xb0", "45 degrees"},
      {"12\\text{ cm}^2", "12"},
      {"12 square inches", "12"},
      {"3 \\times 10^4", "30000"},
      {"2^{10}", "1024"},
      {"10^{-3}", "0.001"},
      {"5!", "120"},
      {"\\sqrt{12}", "2\\sqrt{3}"},
      {"\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt{2}}{2}"},
      {"\\sqrt2\\sqrt3", "\\sqrt{6}"},
      {"\\sqrt{\\frac{1}{2}}", "\\frac{\\sqrt2}{2}"},
      {"\\frac{1}{1+\\sqrt{2}}", "\\sqrt{2}-1"},
      {"2\\pi", "\\pi*2"},
      {"2\xcf\x80", "2\\pi"},
      {"sqrt(8)", "2 sqrt(2)"},
      {"8^{1/2}", "2\\sqrt{2}"},
      {"(1+i)^2", "2i"},
      {"\\sqrt{-4}", "2i"},
      {"x^2+2x+1", "(x+1)^2"},
      {"\\frac{x^2-1}{x-1}", "x+1"},
      {"y = 2x + 3", "3+2x"},
      {"x=5", "5"},
      {"f(x) = x^2", "x^2"},
      {"x^2+y^2=13", "13 = y^2 + x^2"},
      {"(1, 2)", "\\left( 1, \\frac{4}{2} \\right)"},
      {"[0, \\infty)", "[0,\\infty )"},
      {"(-\\infty, 1) \\cup (2, 3]", "(2,3] \\cup (-\\infty,1)"},
      {"\\{3, 1, 2\\}", "1, 2, 3"},
      {"1 and -2", "-2, 1"},
      {"1\\text{ and }-2", "\\{-2,1\\}"},
      {"\\{7\\}", "7"},
      {"3 \\pm \\sqrt{2}", "3+\\sqrt2, 3-\\sqrt2"},
      {"\\begin{pmatrix} 1/2 \\\\ 3 \\end{pmatrix}", "\\begin{pmatrix}0.5\\\\3\\end{pmatrix}"},
      {"\\text{Monday}", "monday"},
      {"\\mathrm{(B)}", "(B)"},
      {"170141183460469231731687303715884105726", "170141183460469231731687303715884105726"},
      {"99999999999999999999999999999999999999999999",
       "99999999999999999999999999999999999999999999"},
  };
  for (const auto& [a, b] : cases) {
    EXPECT_TRUE(math_equal(a, b)) << a << " and " << b;
    EXPECT_TRUE(math_equal(b, a)) << b << " and " << a;
  }
}

TEST(MathEqual, TellsDifferentValuesApart) {
  const Same cases[] = {
      {"42", "43"},
      {"42", "42 or 43"},
      {"42", "42, 43"},
      {"42", "4 2"},
      {"1,234", "1, 234"},
      {"1/3", "0.333"},
      {"1/3", "0.33333333333333333333333333333333333333"},
      {"9007199254740993", "9007199254740992"},
      {"\\sqrt{2}", "1.41421356237309504880168872420969807857"},
      {"\\sqrt{2}", "-\\sqrt{2}"},
      {"\\pi", "3.14159265358979"},
      {"(1, 2)", "(2, 1)"},
      {"(1, 2)", "[1, 2]"},
      {"(1, 2)", "1, 2"},
      {"\\{1, 1, 2\\}", "\\{1, 2, 2\\}"},
      {"(0, 1) \\cup (2, 3)", "(0, 1) \\cup (2, 4)"},
      {"x + 1", "x - 1"},
      {"x", "y"},
      {"2x", "2"},
      {"443_5", "443"},
      {"9\\text{ a.m.}", "9\\text{ p.m.}"},
      {"\\text{Monday}", "\\text{Tuesday}"},
      {"", ""},
      {"", "0"},
      {"$", "$"},
      {"50%", "5"},
      {"1/0", "2/0"},
      {"3 \\pm \\sqrt{2}", "3 \\pm \\sqrt{3}"},
      {"x = 5 = 5", "5"},
      {"not 5", "5"},
      {"99999999999999999999999999999999999999999999",
       "99999999999999999999999999999999999999999998"},
  };
  for (const auto& [a, b] : cases) {
    EXPECT_FALSE(math_equal(a, b)) << a << " and " << b;
    EXPECT_FALSE(math_equal(b, a)) << b << " and " << a;
  }
}

TEST(MathEqual, EndsForHostileText) {
  for (const std::string& hostile :
       {std::string(1000, '('), std::string(1000, '{'), std::string(500, '-') + "1",
        std::string("((((x+1)^32)^32)^32)^32"), std::string("2^{2^{2^{2^{2^{9}}}}}"),
        std::string("(a+b+c+d+e+f+g+h)^32"), std::string(200, '\\'), std::string("\\frac"),
        std::string("\\sqrt[999]{") + std::string(300, '9') + "}",
        std::string("\\text{\\text{\\text{"), std::string(900, '1'), std::string("\\boxed{"),
        std::string("1e999999999"),
        std::string("\\sqrt{999999999}\\sqrt{999999998}\\sqrt{999999997}"), std::string(2000, 'x'),
        std::string("\xff\xfe\x00\x01", 4)}) {
    EXPECT_FALSE(math_equal(hostile, "1")) << hostile.substr(0, 40);
  }
}

TEST(ExtractAnswer, FindsWhatTheResponseEndsWith) {
  const Same cases[] = {
      {"42", "42"},
      {"<think>7 * 6 = 41. Wait, 42.</think>\n\n42", "42"},
      {"<think>\\boxed{1}</think>\nSo \\boxed{42}.", "42"},
      {"First \\boxed{1}, then \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"},
      {"It is $\\boxed{\\left\\{1, 2\\right\\}}$.", "\\left\\{1, 2\\right\\}"},
      {"We get \\boxed 5 in the end", "5"},
      {"\\fbox{7}", "7"},
      {"<answer>1</answer> no <answer> 2 </answer>", "2"},
      {"<answer>\\boxed{3}</answer>", "3"},
      {"Long reasoning.\n#### 1,234", "1,234"},
      {"The answer is 17. I am sure.", "17"},
      {"**Answer:** 3.5", "3.5"},
      {"The final answer is: **12**.", "12"},
      {"Step 1\nStep 2\n$x = 4$", "x = 4"},
      {"The answer is 3.\nNo: the answer is 4.", "4"},
  };
  for (const auto& [response, answer] : cases)
    EXPECT_EQ(extract_answer(response), answer) << response;
}

TEST(ExtractAnswer, AThoughtThatNeverEndsHasNoAnswer) {
  EXPECT_EQ(extract_answer("<think>The answer is 42"), std::nullopt);
  EXPECT_EQ(extract_answer("<think>a</think>"), std::nullopt);
  EXPECT_EQ(extract_answer(""), std::nullopt);
  EXPECT_EQ(extract_answer(" \n "), std::nullopt);
}

TEST(ExtractChoice, ReadsTheNotationsOfMultipleChoice) {
  const std::pair<const char*, char> cases[] = {{"B", 'B'},
                                                {"(C)", 'C'},
                                                {"D.", 'D'},
                                                {"**B**", 'B'},
                                                {"B) Paris", 'B'},
                                                {"\\boxed{\\text{(E)}}", 'E'},
                                                {"\\boxed{A}", 'A'},
                                                {"Answer: C", 'C'},
                                                {"The answer is (A) because 2 < 3.", 'A'},
                                                {"A: four", 'A'},
                                                {"The correct answer is D", 'D'},
                                                {"<think>A?</think>B", 'B'}};
  for (const auto& [response, choice] : cases)
    EXPECT_EQ(extract_choice(response, 5), choice) << response;
}

TEST(ExtractChoice, NamesNoneIfSeveralOrNoneAreNamed) {
  for (const char* response :
       {"A or B", "(A) (B)", "F", "A cat", "", "none", "b", "AB", "The answer is A, C"}) {
    EXPECT_EQ(extract_choice(response, 5), std::nullopt) << response;
  }
  EXPECT_EQ(extract_choice("E", 4), std::nullopt);
}

void expect_references_extract(const std::string& file, int n_expected) {
  std::ifstream in(std::string(SPUTNIK_SOURCE_DIR) + "/tests/answers/" + file);
  int n = 0;
  for (std::string line; std::getline(in, line); ++n) {
    const std::size_t tab = line.find('\t');
    ASSERT_NE(tab, std::string::npos);
    const std::string reference = line.substr(0, tab), solution = line.substr(tab + 1);
    EXPECT_TRUE(math_equal(reference, reference)) << reference;
    const auto extracted = extract_answer(solution);
    ASSERT_TRUE(extracted) << solution;
    EXPECT_TRUE(math_equal(*extracted, reference)) << *extracted << " and " << reference;
  }
  EXPECT_EQ(n, n_expected);
}

TEST(MathEqual, AgreesWithPublishedReferencesAndTheirSolutions) {
  expect_references_extract("gsm8k.tsv", 80);
  expect_references_extract("math.tsv", 340);
}

}  // namespace
}  // namespace sputnik::tasks
