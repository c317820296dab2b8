#include "tasks/talk_material.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <set>
#include <tuple>

#include "base/mapped_file.h"
#include "base/utf8.h"

namespace sputnik::tasks {
namespace {

constexpr std::size_t kMaxFileBytes = 4 << 20;
constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::size_t kMaxTextBytes = 2000;  // of what a text becomes
constexpr std::size_t kMaxWordings = 1024;   // of one phrasing
// Of a whole material: hostile files are small and mean much.
constexpr std::size_t kMaxAllWordings = 200'000;
constexpr std::size_t kMaxRows = 100'000;
constexpr std::size_t kMaxLists = 1000;
constexpr int kMaxListDepth = 16;
constexpr std::size_t kHoldOutEvery = 5;
constexpr std::int64_t kMaxNumber = 1000;
constexpr std::int64_t kMaxCount = 20;

struct Line {
  std::size_t file = 0;
  std::size_t number = 0;
  std::string_view text;
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// The next word of text, which loses it; empty at the end.
std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Parts of a line between "|" that stand in no choice.
std::vector<std::string_view> split_cells(std::string_view text) {
  std::vector<std::string_view> cells;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '[' ? 1 : text[i] == ']' ? -1 : 0;
    if (text[i] != '|' || depth > 0) continue;
    cells.push_back(trim(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  cells.push_back(trim(text.substr(begin)));
  return cells;
}

// What of a text is the same whatever is drawn, if all of it is.
std::string plain_text(const TalkText& text) {
  if (text.nodes.size() != 1 || text.nodes[0].kind != TalkText::Node::Kind::kLiteral) return "";
  return text.nodes[0].literal;
}

std::optional<std::int64_t> as_number(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < 0 || n > kMaxNumber)
    return std::nullopt;
  return n;
}

bool is_plain_word(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Control characters of ASCII and of Unicode's first page, and what looks like a control token.
bool holds_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0)) return true;
  }
  return text.find("<｜") != text.npos || text.find("think>") != text.npos;
}

// For messages.
std::string shortened(std::string_view text) {
  constexpr std::size_t kMaxBytes = 60;
  if (text.size() <= kMaxBytes) return std::string(text);
  return fmt::format("{}...", text.substr(0, complete_utf8_prefix(text.substr(0, kMaxBytes))));
}

struct RawTopic {
  Line header;
  std::string group;
  double group_weight = 1;
  std::vector<Line> lines;
};

class Reader final : public TalkLists {
 public:
  explicit Reader(std::span<const TalkFile> files) : files_(files) {}

  Result<TalkMaterial::State> read() {
    SPUTNIK_CHECK_OK(read_lines());
    SPUTNIK_CHECK_OK(read_rows());
    SPUTNIK_CHECK_OK(measure_lists());
    for (const RawTopic& raw : raw_topics_) SPUTNIK_CHECK_OK(read_topic(raw));
    if (state_.topics.empty()) return corrupt("there is no %talk");
    SPUTNIK_CHECK_OK(check_after());
    SPUTNIK_CHECK_OK(check_split());
    share_weights();
    for (const bool held_out : {false, true}) {
      const bool any =
          std::any_of(state_.topics.begin(), state_.topics.end(), [&](const TalkTopic& topic) {
            return topic.weight > 0 && topic.after.empty() && topic.needs.empty() &&
                   !topic.closes && (!held_out || topic.has_held_out);
          });
      if (!any) return corrupt("no %talk can begin a {} conversation", held_out ? "test" : "train");
    }
    return std::move(state_);
  }

  std::optional<std::size_t> find_list(std::string_view name) const override {
    const auto it = list_ids_.find(name);
    return it == list_ids_.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<std::size_t> find_column(std::size_t list, std::string_view name) const override {
    const auto& columns = state_.lists[list].columns;
    const auto it = std::find(columns.begin(), columns.end(), name);
    if (it == columns.end()) return std::nullopt;
    return static_cast<std::size_t>(it - columns.begin());
  }

 private:
  Error at(const Line& line, Error error) const {
    return std::move(error).in(fmt::format("{} line {}", files_[line.file].name, line.number));
  }

  // Headers, and below each its lines.
  Result<void> read_lines() {
    enum class Place { kNowhere, kList, kPhrases, kBefore, kTalk } place = Place::kNowhere;
    std::string group = "talk";
    double group_weight = 1;
    for (std::size_t f = 0; f < files_.size(); ++f) {
      std::string_view rest = files_[f].text;
      place = Place::kNowhere;
      for (std::size_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        Line line{f, number, trim(rest.substr(0, end))};
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.text.empty() || line.text[0] == '#') continue;
        if (line.text.size() > kMaxLineBytes)
          return at(line, corrupt("is longer than {} bytes", kMaxLineBytes));
        if (!is_valid_utf8(line.text)) return at(line, corrupt("is not UTF-8"));
        if (holds_control(line.text))
          return at(line, corrupt("holds a control character or token"));
        if (line.text[0] != '%') {
          switch (place) {
            case Place::kNowhere:
              return at(line, corrupt("stands under no header"));
            case Place::kList:
              if (++state_.counts.list_rows > kMaxRows)
                return at(line, corrupt("the lists have more than {} rows", kMaxRows));
              list_lines_.back().push_back(line);
              break;
            case Place::kPhrases:
              if (line.text[0] != '>') return at(line, corrupt("does not begin with >"));
              phrases_[current_phrases_].push_back(line);
              break;
            case Place::kBefore:
              before_->texts.emplace_back(line.text);
              break;
            case Place::kTalk:
              raw_topics_.back().lines.push_back(line);
              break;
          }
          continue;
        }
        std::string_view words = line.text.substr(1);
        const std::string_view kind = take_word(words);
        if (kind == "list" || kind == "range") {
          place = kind == "list" ? Place::kList : Place::kNowhere;
          auto added = kind == "list" ? add_list(words) : add_range(words);
          if (!added.ok()) return at(line, std::move(added).error());
        } else if (kind == "phrases") {
          place = Place::kPhrases;
          current_phrases_ = std::string(take_word(words));
          if (!is_name(current_phrases_) || !words.empty())
            return at(line, corrupt("%phrases needs one name of small letters"));
          if (!phrases_.try_emplace(current_phrases_).second)
            return at(line, corrupt("%phrases {} is there twice", current_phrases_));
        } else if (kind == "group") {
          place = Place::kNowhere;
          group = std::string(take_word(words));
          const auto weight = as_number(words);
          if (!is_name(group) || !weight)
            return at(line, corrupt("%group needs a name and a weight"));
          if (!group_names_.insert(group).second)
            return at(line, corrupt("%group {} is there twice", group));
          group_weight = static_cast<double>(*weight);
        } else if (kind == "before") {
          place = Place::kBefore;
          const std::string_view where = take_word(words);
          const auto percent = as_number(words);
          if ((where != "first" && where != "later") || !percent || *percent > 100)
            return at(line, corrupt("%before needs first or later, and a percentage"));
          before_ = where == "first" ? &state_.before_first : &state_.before_later;
          before_->percent = static_cast<int>(*percent);
        } else if (kind == "talk") {
          place = Place::kTalk;
          raw_topics_.push_back({line, group, group_weight, {}});
        } else {
          return at(line, corrupt("begins with none of %list, %range, %phrases, %before, %group "
                                  "and %talk"));
        }
      }
    }
    return ok_result();
  }

  Result<TalkList*> new_list(std::string_view name) {
    if (!is_name(name) || (name.back() >= '0' && name.back() <= '9') || name.starts_with("my_") ||
        name == "last")
      return corrupt("no list can have this name");
    if (state_.lists.size() >= kMaxLists) return corrupt("there are more than {} lists", kMaxLists);
    if (!list_ids_.try_emplace(std::string(name), state_.lists.size()).second)
      return corrupt("the list {} is there twice", name);
    TalkList& list = state_.lists.emplace_back();
    list.name = std::string(name);
    list_lines_.emplace_back();
    return &list;
  }

  // NAME [held_out] [: COLUMN[*] ...]
  Result<void> add_list(std::string_view words) {
    const std::size_t colon = words.find(':');
    std::string_view columns = colon == words.npos ? "" : words.substr(colon + 1);
    words = words.substr(0, colon);
    SPUTNIK_TRY(TalkList* const list, new_list(take_word(words)));
    const std::string_view flag = take_word(words);
    list->is_held_out = flag == "held_out";
    if ((!flag.empty() && !list->is_held_out) || !words.empty())
      return corrupt("after the name of a list comes held_out or nothing");
    while (!columns.empty()) {
      std::string_view column = take_word(columns);
      const bool distinct = column.ends_with('*') || list->columns.empty();
      if (column.ends_with('*')) column.remove_suffix(1);
      if (!is_name(column)) return corrupt("a column needs a name of small letters");
      if (std::find(list->columns.begin(), list->columns.end(), column) != list->columns.end())
        return corrupt("the column {} is there twice", column);
      list->columns.emplace_back(column);
      list->distinct.push_back(distinct);
    }
    if (list->columns.empty()) {
      list->columns = {"text"};
      list->distinct = {true};
    }
    return ok_result();
  }

  // NAME LOW HIGH: a list of these numbers
  Result<void> add_range(std::string_view words) {
    SPUTNIK_TRY(TalkList* const list, new_list(take_word(words)));
    const auto low = as_number(take_word(words));
    const auto high = as_number(words);
    if (!low || !high || *low > *high)
      return corrupt("%range needs a name and two numbers up to {}", kMaxNumber);
    state_.counts.list_rows += static_cast<std::size_t>(*high - *low) + 1;
    if (state_.counts.list_rows > kMaxRows)
      return corrupt("the lists have more than {} rows", kMaxRows);
    list->columns = {"text"};
    list->distinct = {true};
    for (std::int64_t n = *low; n <= *high; ++n) {
      const std::string text = std::to_string(n);
      TalkText cell;
      cell.nodes.push_back({TalkText::Node::Kind::kLiteral, text, {}, {}, {}, false, false});
      list->rows.push_back({{std::move(cell)}, {text}});
    }
    return ok_result();
  }

  Result<void> read_rows() {
    for (std::size_t i = 0; i < state_.lists.size(); ++i) {
      TalkList& list = state_.lists[i];
      std::set<std::string, std::less<>> firsts;
      for (const Line& line : list_lines_[i]) {
        std::vector<std::string_view> cells = split_cells(line.text);
        if (cells.size() != list.columns.size()) {
          return at(line, corrupt("has {} cells, but {} has {} columns", cells.size(), list.name,
                                  list.columns.size()));
        }
        if (!firsts.insert(std::string(cells[0])).second)
          return at(line, corrupt("\"{}\" is in {} twice", cells[0], list.name));
        TalkList::Row row;
        for (const std::string_view cell : cells) {
          auto text = parse_talk_text(cell, *this);
          if (!text.ok()) return at(line, std::move(text).error());
          if (text.value().nodes.empty()) return at(line, corrupt("has an empty cell"));
          row.plain.push_back(plain_text(text.value()));
          row.cells.push_back(std::move(text).value());
        }
        list.rows.push_back(std::move(row));
      }
      if (list.rows.empty()) return corrupt("the list {} is empty", list.name);
      if (list.is_held_out && list.rows.size() < kHoldOutEvery)
        return corrupt("the list {} is too short to hold values out", list.name);
    }
    return ok_result();
  }

  // How long a text may become. Lists that it refers to must have been measured.
  std::size_t longest(const TalkText& text) const {
    std::size_t sum = 0;
    for (const TalkText::Node& node : text.nodes) {
      std::size_t size = node.literal.size();
      if (node.kind == TalkText::Node::Kind::kLast) size = kMaxTextBytes / 2;
      if (node.kind == TalkText::Node::Kind::kCall) size = 200;
      if (node.kind == TalkText::Node::Kind::kSlot)
        size = longest_of_list_[node.slots[0].list] + (node.article ? 3 : 0);
      for (const TalkText& choice : node.choices) size = std::max(size, longest(choice));
      sum += size;
    }
    return sum;
  }

  // Refuses lists that refer to themselves, and those whose values could become very long.
  Result<void> measure_lists() {
    longest_of_list_.assign(state_.lists.size(), 0);
    enum Mark : char { kUnseen, kOpen, kDone };
    std::vector<char> marks(state_.lists.size(), kUnseen);
    const std::function<Result<void>(std::size_t, int)> visit = [&](std::size_t i,
                                                                    int depth) -> Result<void> {
      const TalkList& list = state_.lists[i];
      if (marks[i] == kDone) return ok_result();
      if (marks[i] == kOpen) return corrupt("the list {} refers to itself", list.name);
      if (depth > kMaxListDepth)
        return corrupt("more than {} lists refer to each other, with {} the last", kMaxListDepth,
                       list.name);
      marks[i] = kOpen;
      for (std::size_t r = 0; r < list.rows.size(); ++r) {
        for (const TalkText& cell : list.rows[r].cells) {
          std::vector<std::size_t> others;
          bool has_last = false;
          for_each_node(cell, [&](const TalkText::Node& node) {
            has_last = has_last || node.kind == TalkText::Node::Kind::kLast;
            for (const TalkSlot& slot : node.slots) others.push_back(slot.list);
          });
          if (has_last) return corrupt("the list {} refers to {{last}}", list.name);
          for (const std::size_t other : others) SPUTNIK_CHECK_OK(visit(other, depth + 1));
          if (auto checked = check_text(cell); !checked.ok())
            return std::move(checked).error().in(fmt::format("list {}", list.name));
          longest_of_list_[i] = std::max(longest_of_list_[i], longest(cell));
        }
      }
      marks[i] = kDone;
      return ok_result();
    };
    for (std::size_t i = 0; i < state_.lists.size(); ++i) SPUTNIK_CHECK_OK(visit(i, 0));
    return ok_result();
  }

  enum class Argument { kWord, kNumber, kCount };

  // The first cell of a column that no function of this kind takes, or nothing.
  const std::string& unfit_cell(std::size_t list, std::size_t column, Argument argument) {
    const auto [it, is_new] = unfit_.try_emplace({list, column, argument});
    if (!is_new) return it->second;
    for (const TalkList::Row& row : state_.lists[list].rows) {
      const std::string& cell = row.plain[column];
      const auto n = as_number(cell);
      const bool fits = argument == Argument::kWord     ? is_plain_word(cell)
                        : argument == Argument::kNumber ? n && *n >= 1
                                                        : n && 2 <= *n && *n <= kMaxCount;
      if (fits) continue;
      it->second = cell.empty() ? "{...}" : cell;
      break;
    }
    return it->second;
  }

  // What parse_talk_text() cannot see: what functions are applied to, and how long it may become.
  Result<void> check_text(const TalkText& text) {
    std::optional<Error> error;
    for_each_node(text, [&](const TalkText::Node& node) {
      if (error || node.kind != TalkText::Node::Kind::kCall) return;
      const bool counts =
          node.function == TalkFunction::kCountUp || node.function == TalkFunction::kCountDown;
      const Argument argument = counts                         ? Argument::kCount
                                : takes_numbers(node.function) ? Argument::kNumber
                                                               : Argument::kWord;
      for (const TalkSlot& slot : node.slots) {
        const std::string& unfit = unfit_cell(slot.list, slot.column, argument);
        if (unfit.empty() || error) continue;
        error = corrupt("a function is applied to {}, where a cell is \"{}\"",
                        state_.lists[slot.list].name, shortened(unfit));
      }
    });
    if (error) return *error;
    if (longest(text) > kMaxTextBytes)
      return corrupt("may become longer than {} bytes", kMaxTextBytes);
    return ok_result();
  }

  Result<TalkText> read_text(std::string_view text) {
    SPUTNIK_TRY(TalkText parsed, parse_talk_text(text, *this));
    if (parsed.nodes.empty()) return corrupt("says nothing");
    SPUTNIK_CHECK_OK(check_text(parsed));
    return parsed;
  }

  Result<void> read_attribute(std::string_view words, TalkTopic& topic, double& weight) const {
    const std::string_view key = take_word(words);
    const auto lists = [&](std::vector<std::size_t>& ids) -> Result<void> {
      while (!words.empty()) {
        const std::string_view name = take_word(words);
        const auto id = find_list(name);
        if (!id) return corrupt("there is no list {}", name);
        ids.push_back(*id);
      }
      return ok_result();
    };
    if (key == "weight") {
      const auto n = as_number(words);
      if (!n) return corrupt("a weight is a number up to {}", kMaxNumber);
      weight = static_cast<double>(*n);
      return ok_result();
    }
    if (key == "after") {
      while (!words.empty()) topic.after.emplace_back(take_word(words));
      return ok_result();
    }
    if (key == "unless") return lists(topic.unless);
    if (key == "needs") {
      std::vector<std::size_t> ids;
      SPUTNIK_CHECK_OK(lists(ids));
      for (const std::size_t id : ids) topic.needs.push_back({id, 0, 0});
      return ok_result();
    }
    if (key == "fresh") return lists(topic.fresh);
    bool* const flag = key == "exact"    ? &topic.is_exact
                       : key == "opens"  ? &topic.opens
                       : key == "closes" ? &topic.closes
                       : key == "alone"  ? &topic.is_alone
                                         : nullptr;
    if (flag == nullptr) return corrupt("@ {}: there is no such attribute", key);
    if (!words.empty()) return corrupt("@ {} takes no value", key);
    *flag = true;
    return ok_result();
  }

  Result<void> read_rule(std::string_view words, TalkTopic& topic) {
    std::string_view kind = take_word(words);
    if (kind.ends_with(':')) kind.remove_suffix(1);
    if (kind == "refuses") {
      topic.must_refuse = true;
      if (!words.empty()) return corrupt("! refuses takes no value");
      return ok_result();
    }
    if (kind == "max") {
      const auto n = as_number(words);
      if (!n || *n == 0) return corrupt("! max is no number up to {}", kMaxNumber);
      topic.max_bytes = static_cast<std::size_t>(*n);
      return ok_result();
    }
    if (kind != "any" && kind != "some" && kind != "not")
      return corrupt("! {} is none of any, some, not, refuses and max", kind);
    TalkRuleText& rule = topic.rules.emplace_back();
    rule.forbids = kind == "not";
    rule.is_word_by_word = kind == "some";
    for (const std::string_view word : split_cells(words)) {
      SPUTNIK_TRY(TalkText text, read_text(word));
      rule.words.push_back(std::move(text));
    }
    return ok_result();
  }

  // A phrasing, and where its wordings stand, for check_split().
  Result<void> add_phrasing(const Line& line, std::string_view words, bool is_held_out,
                            TalkTopic& topic) {
    auto text = read_text(words);
    if (!text.ok()) return at(line, std::move(text).error());
    const auto wordings = all_wordings(text.value(), kMaxWordings);
    if (!wordings) return at(line, corrupt("has more than {} wordings", kMaxWordings));
    std::set<std::string> here;
    for (const std::string& wording : *wordings) {
      const std::string normal = normalized_wording(wording);
      if (!here.insert(normal).second) continue;
      const auto [it, is_new] = wordings_.try_emplace({state_.topics.size(), normal}, line.number);
      if (!is_new) {
        return at(line,
                  corrupt("\"{}\" is also what line {} says", shortened(wording), it->second));
      }
      uses_[normal].push_back({line, state_.topics.size(), is_held_out});
      if (normal.find('{') == normal.npos) state_.plain_wordings.emplace(normal, is_held_out);
    }
    state_.counts.wordings += here.size();
    if (state_.counts.wordings > kMaxAllWordings)
      return at(line, corrupt("there are more than {} wordings", kMaxAllWordings));
    ++state_.counts.phrasings;
    if (is_held_out) ++state_.counts.held_out;
    topic.has_held_out = topic.has_held_out || is_held_out;
    topic.phrasings.push_back({std::move(text).value(), is_held_out});
    return ok_result();
  }

  Result<void> read_topic(const RawTopic& raw) {
    TalkTopic topic;
    std::string_view words = raw.header.text.substr(1);
    (void)take_word(words);
    topic.name = std::string(take_word(words));
    topic.group = raw.group;
    if (!is_name(topic.name) || !words.empty())
      return at(raw.header, corrupt("%talk needs one name of small letters"));
    if (group_names_.contains(topic.name) || !topic_names_.insert(topic.name).second)
      return at(raw.header, corrupt("the name {} is there twice", topic.name));
    double weight = 1;
    std::size_t n_phrasings = 0;
    for (const Line& line : raw.lines) {
      std::string_view text = line.text;
      const std::string_view mark = take_word(text);
      Result<void> read = ok_result();
      if (mark == ">") {
        const bool held_out = n_phrasings++ % kHoldOutEvery == kHoldOutEvery - 1;
        SPUTNIK_CHECK_OK(add_phrasing(line, text, held_out, topic));
      } else if (mark == ">>") {
        const auto phrases = phrases_.find(text);
        if (phrases == phrases_.end())
          return at(line, corrupt("there are no %phrases {}", shortened(text)));
        std::size_t n = 0;
        for (const Line& phrase : phrases->second) {
          std::string_view phrase_text = phrase.text;
          (void)take_word(phrase_text);
          const bool held_out = n++ % kHoldOutEvery == kHoldOutEvery - 1;
          SPUTNIK_CHECK_OK(add_phrasing(phrase, phrase_text, held_out, topic));
        }
      } else if (mark == "<" || mark == "*") {
        auto answer = read_text(text);
        if (answer.ok()) {
          (mark == "<" ? topic.answers : topic.thoughts).push_back(std::move(answer).value());
        } else {
          read = std::move(answer).error();
        }
      } else if (mark == "@") {
        read = read_attribute(text, topic, weight);
      } else if (mark == "!") {
        read = read_rule(text, topic);
      } else {
        read = corrupt("begins with none of > >> < * @ and !");
      }
      if (!read.ok()) return at(line, std::move(read).error());
    }
    if (topic.phrasings.empty()) return at(raw.header, corrupt("nobody says anything (>)"));
    if (topic.answers.empty()) return at(raw.header, corrupt("there is no answer (<)"));
    auto own = find_own(topic);
    if (!own.ok()) return at(raw.header, std::move(own).error());
    topic.weight = weight;
    group_of_topic_.push_back({raw.group, raw.group_weight});
    topic_lines_.push_back(raw.header);
    state_.counts.answers += topic.answers.size();
    state_.counts.thoughts += topic.thoughts.size();
    ++state_.counts.topics;
    state_.topics.push_back(std::move(topic));
    return ok_result();
  }

  // What of the user's own a topic tells, and what it needs.
  static std::vector<TalkSlot> own_slots(const TalkText& text) {
    std::vector<TalkSlot> slots;
    for_each_node(text, [&](const TalkText::Node& node) {
      for (const TalkSlot& slot : node.slots) {
        if (slot.which == 0) slots.push_back({slot.list, 0, 0});
      }
    });
    return slots;
  }

  static bool holds(const std::vector<TalkSlot>& slots, const TalkSlot& slot) {
    return std::find(slots.begin(), slots.end(), slot) != slots.end();
  }

  static Result<void> find_own(TalkTopic& topic) {
    for (std::size_t i = 0; i < topic.phrasings.size(); ++i) {
      auto told = own_slots(topic.phrasings[i].text);
      std::erase_if(told, [&](const TalkSlot& slot) { return holds(topic.needs, slot); });
      for (const TalkSlot& slot : told) {
        if (i == 0 && !holds(topic.tells, slot)) topic.tells.push_back(slot);
        if (!holds(topic.tells, slot))
          return corrupt("some phrasings tell something of the user's own and some do not");
      }
      for (const TalkSlot& slot : topic.tells) {
        if (!holds(told, slot))
          return corrupt("some phrasings tell something of the user's own and some do not");
      }
    }
    const auto need = [&](const TalkText& text) {
      for (const TalkSlot& slot : own_slots(text)) {
        if (!holds(topic.tells, slot) && !holds(topic.needs, slot)) topic.needs.push_back(slot);
      }
    };
    for (const TalkText& answer : topic.answers) need(answer);
    for (const TalkText& thought : topic.thoughts) need(thought);
    for (const TalkRuleText& rule : topic.rules) {
      for (const TalkText& word : rule.words) need(word);
    }
    return ok_result();
  }

  Result<void> check_after() const {
    for (std::size_t i = 0; i < state_.topics.size(); ++i) {
      for (const std::string& name : state_.topics[i].after) {
        if (!group_names_.contains(name) && !topic_names_.contains(name))
          return at(topic_lines_[i], corrupt("@ after {}: there is no such topic or group", name));
      }
    }
    return ok_result();
  }

  // No wording is held out in one place and learned in another, and none asks for two topics where
  // the conversation so far cannot tell which.
  Result<void> check_split() const {
    for (const auto& [wording, uses] : uses_) {
      for (const Use& use : uses) {
        const Use& first = uses.front();
        if (use.is_held_out != first.is_held_out) {
          return at(use.line,
                    corrupt("\"{}\" is held out, but not in {} line {}, or the reverse",
                            shortened(wording), files_[first.line.file].name, first.line.number));
        }
        const auto is_free = [&](const Use& u) {
          const TalkTopic& topic = state_.topics[u.topic];
          return topic.after.empty() && topic.needs.empty() && topic.unless.empty();
        };
        if (use.topic != first.topic && is_free(use) && is_free(first)) {
          return at(use.line, corrupt("\"{}\" is also what {} line {} says", shortened(wording),
                                      files_[first.line.file].name, first.line.number));
        }
      }
    }
    return ok_result();
  }

  // A group's weight is shared among its topics.
  void share_weights() {
    std::map<std::string, double> sums;
    for (std::size_t i = 0; i < state_.topics.size(); ++i)
      sums[group_of_topic_[i].first] += state_.topics[i].weight;
    for (std::size_t i = 0; i < state_.topics.size(); ++i) {
      const auto& [group, weight] = group_of_topic_[i];
      if (sums[group] > 0) state_.topics[i].weight *= weight / sums[group];
    }
  }

  struct Use {
    Line line;
    std::size_t topic;
    bool is_held_out;
  };

  std::span<const TalkFile> files_;
  TalkMaterial::State state_;
  std::map<std::string, std::size_t, std::less<>> list_ids_;
  std::vector<std::vector<Line>> list_lines_;
  std::vector<std::size_t> longest_of_list_;
  std::map<std::tuple<std::size_t, std::size_t, Argument>, std::string> unfit_;
  std::map<std::string, std::vector<Line>, std::less<>> phrases_;
  std::string current_phrases_;
  TalkPrefixes* before_ = nullptr;
  std::set<std::string, std::less<>> group_names_, topic_names_;
  std::vector<RawTopic> raw_topics_;
  std::vector<Line> topic_lines_;
  std::vector<std::pair<std::string, double>> group_of_topic_;
  std::map<std::pair<std::size_t, std::string>, std::size_t> wordings_;
  std::map<std::string, std::vector<Use>> uses_;
};

}  // namespace

Result<TalkMaterial::State> parse_talk_files(std::span<const TalkFile> files) {
  return Reader(files).read();
}

TalkMaterial::TalkMaterial(std::unique_ptr<const State> state) : state_(std::move(state)) {}
TalkMaterial::TalkMaterial(TalkMaterial&&) noexcept = default;
TalkMaterial& TalkMaterial::operator=(TalkMaterial&&) noexcept = default;
TalkMaterial::~TalkMaterial() = default;

Result<TalkMaterial> TalkMaterial::parse(std::span<const TalkFile> files) {
  SPUTNIK_TRY(State state, parse_talk_files(files));
  return TalkMaterial(std::make_unique<const State>(std::move(state)));
}

Result<TalkMaterial> TalkMaterial::load(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    for (std::filesystem::directory_iterator it(path, error), end; !error && it != end;
         it.increment(error)) {
      if (it->path().extension() == ".talk") paths.push_back(it->path());
    }
    if (error) return io_error("{}: {}", path.string(), error.message());
    if (paths.empty()) return not_found("{}: there is no .talk file", path.string());
    std::sort(paths.begin(), paths.end());
  } else {
    paths.push_back(path);
  }
  std::vector<TalkFile> files;
  for (const std::filesystem::path& file : paths) {
    SPUTNIK_TRY(std::string text, read_file(file, kMaxFileBytes));
    files.push_back({file.string(), std::move(text)});
  }
  return parse(files);
}

TalkCounts TalkMaterial::counts() const {
  return state_->counts;
}

std::vector<std::string> TalkMaterial::topics() const {
  std::vector<std::string> names;
  for (const TalkTopic& topic : state_->topics) names.push_back(topic.name);
  return names;
}

}  // namespace sputnik::tasks
