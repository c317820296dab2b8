#include "evaluation/item.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/mapped_file.h"
#include "evaluation/stable_hash.h"
#include "formats/json.h"
#include "tasks/answer.h"
#include "tasks/final_answer.h"

namespace sputnik::evaluation {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;
constexpr std::size_t kMinChoices = 2, kMaxChoices = 26;
constexpr std::size_t kMaxGroups = 256;  // rows of a table that somebody may want to read

// DeepSeek-R1's README: the directive that it recommends for mathematics.
constexpr std::string_view kHowMath =
    "Please reason step by step, and put your final answer within \\boxed{}.";
constexpr std::string_view kHowText = "End with a line that holds nothing but the answer.";
constexpr std::string_view kHowChoice = "End with the letter of the right choice.";
constexpr std::string_view kHowCode = "End with the whole Python program in one ```python block.";

// 27 and 27.0 are "27".
std::string number_text(const json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::abs(number) < 1e15 && number == std::floor(number))
      return std::to_string(static_cast<std::int64_t>(number));
  }
  return value.dump();
}

Result<std::string> string_or_number(const JsonObject& object, std::string_view key) {
  const json& raw = object.raw();
  if (const auto it = raw.find(key); it != raw.end() && it->is_number()) return number_text(*it);
  return object.get_string_or(key, "");
}

Result<AnswerKind> parse_kind(const JsonObject& object) {
  SPUTNIK_TRY(const std::string kind, object.get_string_or("kind", ""));
  if (kind.empty()) {
    return object.has("choices") ? AnswerKind::kChoice
           : object.has("tests") ? AnswerKind::kCode
                                 : AnswerKind::kMath;
  }
  if (kind == "math") return AnswerKind::kMath;
  if (kind == "text") return AnswerKind::kText;
  if (kind == "choice") return AnswerKind::kChoice;
  if (kind == "code") return AnswerKind::kCode;
  return object.error("kind", "is not math, text, choice or code");
}

// In lower case, without white space and periods around it.
std::string folded(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n.";
  const std::size_t begin = text.find_first_not_of(kAround);
  if (begin == std::string_view::npos) return "";
  return tasks::lower_case(text.substr(begin, text.find_last_not_of(kAround) + 1 - begin));
}

std::string_view how_to_answer(AnswerKind kind) {
  switch (kind) {
    case AnswerKind::kMath:
      return kHowMath;
    case AnswerKind::kText:
      return kHowText;
    case AnswerKind::kChoice:
      return kHowChoice;
    case AnswerKind::kCode:
      return kHowCode;
    case AnswerKind::kTask:
      break;
  }
  return "";
}

Result<void> read_choices(const JsonObject& object, Item& item) {
  SPUTNIK_TRY(const auto choices, object.get_string_list("choices"));
  if (choices.size() < kMinChoices || choices.size() > kMaxChoices)
    return object.error("choices", fmt::format("are {}, not 2 to 26", choices.size()));
  item.n_choices = static_cast<int>(choices.size());
  const bool is_letter = item.answer.size() == 1 && 'A' <= item.answer[0] &&
                         item.answer[0] < 'A' + static_cast<int>(choices.size());
  if (!is_letter) return object.error("answer", "is not the letter of a choice");
  item.question += '\n';
  for (std::size_t i = 0; i < choices.size(); ++i)
    item.question += fmt::format("\n{}) {}", static_cast<char>('A' + i), choices[i]);
  return ok_result();
}

Result<void> read_tests(const JsonObject& object, Item& item) {
  SPUTNIK_TRY(const auto tests, object.get_string_list("tests"));
  for (const std::string& test : tests) item.tests += test + "\n";
  if (item.tests.find_first_not_of(" \n") == std::string::npos)
    return object.error("tests", "are missing");
  SPUTNIK_TRY(item.preamble, object.get_string_or("preamble", ""));
  return ok_result();
}

Result<Item> parse_item(std::string_view line, const std::string& where, const std::string& suite,
                        bool bare) {
  SPUTNIK_TRY(const JsonDocument document, JsonDocument::parse(line, where));
  const JsonObject object = document.root();
  Item item;
  item.suite = suite;
  SPUTNIK_TRY(item.question, object.get_string_or("question", ""));
  if (item.question.empty()) {
    SPUTNIK_TRY(item.question, object.get_string_or("problem", ""));
  }
  if (item.question.empty()) return object.error("question", "is missing");
  SPUTNIK_TRY(item.id, string_or_number(object, "id"));
  SPUTNIK_TRY(item.row, object.get_string_or("group", suite));
  if (item.row.empty()) item.row = suite;
  SPUTNIK_TRY(item.kind, parse_kind(object));
  SPUTNIK_TRY(item.answer, string_or_number(object, "answer"));
  if (item.kind == AnswerKind::kCode) {
    item.answer.clear();
    SPUTNIK_CHECK_OK(read_tests(object, item));
  } else if (item.answer.empty()) {
    return object.error("answer", "is missing");
  }
  if (item.kind == AnswerKind::kMath) {
    if (const std::size_t mark = item.answer.rfind("####"); mark != std::string::npos)
      item.answer = tasks::trim_answer(std::string_view(item.answer).substr(mark + 4));
  }
  if (item.kind == AnswerKind::kChoice) SPUTNIK_CHECK_OK(read_choices(object, item));
  if (!bare) item.question += fmt::format("\n\n{}", how_to_answer(item.kind));
  return item;
}

}  // namespace

Result<std::vector<Item>> parse_items(std::string_view text, const std::string& suite, bool bare) {
  std::vector<Item> items;
  std::unordered_set<std::string> ids, groups;
  for (std::int64_t n_line = 1; !text.empty(); ++n_line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("line {}", n_line);
    SPUTNIK_TRY(Item item, parse_item(line, where, suite, bare));
    if (item.id.empty()) item.id = std::to_string(n_line);
    if (!ids.insert(item.id).second)
      return corrupt("{}: an earlier item has the id \"{}\"", where, item.id.substr(0, 80));
    groups.insert(item.row);
    if (groups.size() > kMaxGroups)
      return corrupt("{}: there are more than {} groups", where, kMaxGroups);
    items.push_back(std::move(item));
  }
  if (items.empty()) return corrupt("there are no items");
  return items;
}

Result<std::vector<Item>> load_items(const std::filesystem::path& path, const std::string& suite,
                                     bool bare) {
  SPUTNIK_TRY(const std::string text, read_file(path, kMaxFileBytes));
  auto items = parse_items(text, suite, bare);
  if (!items.ok()) return std::move(items).error().in(path.string());
  return items;
}

Result<Grade> grade(const Item& item, const Response& response, const tasks::Sandbox* sandbox) {
  Grade grade;
  switch (item.kind) {
    case AnswerKind::kTask:
      grade.answer = tasks::extract_answer(response.answer);
      grade.right = grade.answer && tasks::verify(*item.family, item.facts, *grade.answer);
      break;
    case AnswerKind::kMath:
      grade.answer = tasks::extract_answer(response.answer);
      grade.right = grade.answer && tasks::math_equal(*grade.answer, item.answer);
      break;
    case AnswerKind::kText:
      grade.answer = tasks::extract_answer(response.answer);
      grade.right = grade.answer && same_answer(item, *grade.answer, item.answer);
      break;
    case AnswerKind::kChoice:
      if (const auto choice = tasks::extract_choice(response.answer, item.n_choices)) {
        grade.answer = std::string(1, *choice);
        grade.right = *grade.answer == item.answer;
      }
      break;
    case AnswerKind::kCode: {
      SPUTNIK_ASSERT(sandbox != nullptr);
      const std::string program = item.preamble + "\n" + tasks::extract_program(response.answer);
      const auto verdict = tasks::check_with_tests(*sandbox, program, item.tests);
      // Too long a program is a wrong one.
      if (!verdict.ok() && verdict.error().code != ErrorCode::kInvalidArgument)
        return verdict.error();
      grade.right = verdict.ok() && verdict.value().passed;
      break;
    }
  }
  return grade;
}

bool same_answer(const Item& item, std::string_view a, std::string_view b) {
  switch (item.kind) {
    case AnswerKind::kMath:
      return tasks::math_equal(a, b);
    case AnswerKind::kTask:
    case AnswerKind::kText:
      return folded(a) == folded(b);
    case AnswerKind::kChoice:
    case AnswerKind::kCode:
      break;
  }
  return a == b;
}

std::string fingerprint(std::span<const Item> items) {
  StableHash hash;
  for (const Item& item : items) {
    for (const std::string& text : {item.suite, item.section, item.row, item.column, item.id,
                                    item.question, item.answer, item.preamble, item.tests})
      hash.add(text);
    hash.add(static_cast<std::int64_t>(item.kind));
    hash.add(std::int64_t{item.n_choices});
  }
  return hash.hex();
}

}  // namespace sputnik::evaluation
