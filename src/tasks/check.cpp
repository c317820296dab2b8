#include "tasks/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "tasks/arithmetic.h"
#include "tasks/final_answer.h"
#include "tasks/template.h"
#include "tasks/words.h"

namespace sputnik::tasks {
namespace {

bool is_letter(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_letter(text[at - 1])) && (end == text.size() || !is_letter(text[end]))) {
      return true;
    }
  }
  return false;
}

std::string check_equations_of(std::string_view thought) {
  const EquationCheck check = check_equations(thought);
  return check.n_false == 0 ? ""
                            : fmt::format("a false equation in a thought: {}", check.first_false);
}

std::string check_thoughts(const Task& task) {
  const std::string ending = " " + task.answer + ".";
  for (const std::string& thought : {task.thought, task.corrected_thought}) {
    if (!thought.ends_with(ending)) return "a thought does not end with the answer";
  }
  if (std::string problem = check_equations_of(task.thought); !problem.empty()) return problem;
  if (task.thought.find("Wait, ") != std::string::npos) return "a thought without mistake waits";
  if (task.mistakes.empty()) return "no mistake in the corrected thought";
  std::string without;
  std::size_t end = 0;
  for (const ByteRange& mistake : task.mistakes) {
    if (mistake.begin < end || mistake.end <= mistake.begin) return "mistakes overlap";
    without += task.corrected_thought.substr(end, mistake.begin - end);
    end = mistake.end;
    const std::string rest = task.corrected_thought.substr(end);
    if (!rest.starts_with("\nWait, ")) return "a mistake is not noticed";
    // The line after the notice makes the step again, and differently.
    std::string_view slip(task.corrected_thought);
    slip = slip.substr(mistake.begin, mistake.end - mistake.begin);
    if (slip.ends_with('.')) slip.remove_suffix(1);
    const std::size_t again = rest.find('\n', 1);
    if (again == std::string::npos) return "a mistake is not corrected";
    std::string_view line = std::string_view(rest).substr(again + 1);
    line = line.substr(0, line.find('\n'));
    const bool same = line.starts_with(slip) &&
                      (line.size() == slip.size() ||
                       std::string_view(" .,;:").find(line[slip.size()]) != std::string_view::npos);
    if (same) return fmt::format("a mistake that is none: {}", slip);
  }
  without += task.corrected_thought.substr(end);
  return check_equations_of(without);
}

std::string check_split(const TaskSpec& spec, const Task& task) {
  const auto index = static_cast<std::size_t>(task.template_index);
  const bool test = spec.split == Split::kTest;
  if (is_held_out(spec.family->templates, index) != test) return "a template of the other split";
  for (const Person& person : people(test ? Split::kTrain : Split::kTest)) {
    if (has_word(task.prompt, person.name)) {
      return fmt::format("the name {} of the other split", person.name);
    }
  }
  if (test) return "";  // which may speak of anything
  for (const Domain domain : {Domain::kPlain, Domain::kShop, Domain::kSchool, Domain::kFarm,
                              Domain::kKitchen, Domain::kTravel, Domain::kHarbour}) {
    for (const Noun& noun : things(domain, Split::kTest)) {
      if (has_word(task.prompt, noun.one) || has_word(task.prompt, noun.many)) {
        return fmt::format("the held-out {} in '{}'", noun.one, task.prompt);
      }
    }
  }
  return "";
}

std::string replaced_digits(std::string text, std::string_view zero_to_nine_prefix, char zero) {
  std::string out;
  for (const char c : text) {
    if ('0' <= c && c <= '9') {
      out += zero_to_nine_prefix;
      out += static_cast<char>(zero + (c - '0'));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> wrong_answers(const Task& task) {
  const std::string& right = task.answer;
  std::vector<std::string> wrong = {
      "",
      ".",
      " ",
      "?",
      right + " or " + right + "1",
      right + "1 or " + right,
      right + "\n" + right,
      right + "; " + right,
      "The answer is not " + right,
      "maybe " + right,
      right + " " + right + " " + right + " " + right,
      "<answer>" + right + "</answer>",
      right + "\\",
      right + std::string(1, '\0'),
      std::string(2000, '(') + right + std::string(2000, ')'),
      std::string(2000, '9'),
      std::string(100, '-') + right,
      "0x" + right,
      right + "e0",
      right + " = " + right + " = " + right,
      "nan",
      "inf",
      "\xef\xbc\x91",          // a full-width 1
      right + "\xe2\x80\x8b",  // a zero-width space
      "\xff\xfe" + right,
  };
  // Full-width digits: U+FF10 and on.
  if (std::string wide = replaced_digits(right, "\xef\xbc", '\x90'); wide != right) {
    wrong.push_back(std::move(wide));
  }
  if (const auto number = parse_integer(right)) {
    for (const std::int64_t step : {1, -1, 10}) wrong.push_back(std::to_string(*number + step));
    wrong.push_back(std::to_string(*number) + ".5");
    wrong.push_back("18446744073709551616" + std::to_string(*number));
    if (*number != 0) wrong.push_back(std::to_string(-*number));
  }
  return wrong;
}

std::string check_task(const TaskSpec& spec, const Task& task) {
  const Family& family = *spec.family;
  if (task.prompt.empty() || !is_valid_utf8(task.prompt)) return "the prompt is no text";
  if (!verify(family, task.facts, task.answer)) {
    return fmt::format("its own answer '{}' is refused", task.answer);
  }
  if (!verify(family, task.facts, " " + task.answer + ".\n")) {
    return fmt::format("'{}' is refused with a period", task.answer);
  }
  for (const std::string& wrong : wrong_answers(task)) {
    if (verify(family, task.facts, wrong)) {
      return fmt::format("the wrong answer '{}' passes beside '{}'", wrong.substr(0, 80),
                         task.answer);
    }
  }
  if (std::string problem = check_thoughts(task); !problem.empty()) return problem;
  if (std::string problem = check_split(spec, task); !problem.empty()) return problem;
  const Task again = generate(spec);
  if (again.prompt != task.prompt || again.corrected_thought != task.corrected_thought) {
    return "made again it is another one";
  }
  return "";
}

LevelCheck check_level(const Family& family, int level, std::int64_t n_items) {
  LevelCheck check;
  std::set<std::string> prompts;
  for (std::int64_t i = 0; i < n_items; ++i) {
    const TaskSpec spec{&family, level, static_cast<std::uint64_t>(i / 2),
                        i % 2 == 0 ? Split::kTrain : Split::kTest};
    const Task task = generate(spec);
    ++check.n_items;
    check.n_equations += static_cast<std::int64_t>(check_equations(task.thought).n_equations);
    check.n_refused += static_cast<std::int64_t>(wrong_answers(task).size());
    check.max_prompt_bytes = std::max(check.max_prompt_bytes, task.prompt.size());
    check.max_thought_bytes = std::max(check.max_thought_bytes, task.corrected_thought.size());
    if (!prompts.insert(task.prompt).second) ++check.n_repeated;
    if (std::string problem = check_task(spec, task); !problem.empty()) {
      check.failure = fmt::format("{} level {} seed {} {}: {}", family.name, level, spec.seed,
                                  spec.split == Split::kTrain ? "train" : "test", problem);
      return check;
    }
  }
  return check;
}

}  // namespace sputnik::tasks
