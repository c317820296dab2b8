// Answers of models that explain themselves: found in a long response, and compared as mathematics.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sputnik::tasks {

// The final answer of a response: after the thought; within the last <answer> tag, else the last
// \boxed{}, else after "####", else after the last "answer is" or "Answer:", else the only line or
// the last one. None if a thought was begun and not ended: that response was cut off.
std::optional<std::string> extract_answer(std::string_view response);

// 'A' .. for a response to a multiple-choice question with n_choices: "(B)", "B.", "**B**",
// "\boxed{\text{B}}", "The answer is B", "B) Paris". None if no choice or several are named.
std::optional<char> extract_choice(std::string_view response, int n_choices);

// Whether two answers are the same mathematics: numbers, fractions, mixed numbers, decimals,
// percent, powers, roots, pi, polynomials and their quotients; tuples and intervals in order, sets
// and plain lists in any order; the same in LaTeX. Units, currency and degree signs are ignored.
// Exact: nothing is rounded, so 0.333 is not 1/3. What is not understood is compared as text
// without spaces.
bool math_equal(std::string_view a, std::string_view b);

}  // namespace sputnik::tasks
