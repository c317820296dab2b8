// The spellings of mathematics, brought to one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tasks/algebra.h"

namespace sputnik::tasks {

// Around what stood in \text{...} in a normalised text.
constexpr char kTextMark = '\x02';

// Without LaTeX that only changes the look, with one name for each thing: \dfrac is \frac, \cdot is
// *, currency and degree signs are gone.
std::string normalise_math(std::string_view text);

// One closed form: "3\frac{1}{2}", "2\sqrt{3} - x^2", "(1 + 2)/3". None if it is anything else or
// larger than the bounds (depth 32, and those of algebra.h).
std::optional<Quotient> parse_closed_form(std::string_view normalised);

// What is between the braces that open at text[open] == '{', or none if they do not close.
std::optional<std::string_view> braced(std::string_view text, std::size_t open);

}  // namespace sputnik::tasks
