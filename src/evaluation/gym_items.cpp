#include "evaluation/gym_items.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace sputnik::evaluation {
namespace {

using tasks::Family;
using tasks::Split;

std::string_view section_of(const Family& family) {
  switch (family.use) {
    case tasks::Use::kShipped:
      return "shipped families";
    case tasks::Use::kExtra:
      return "further families";
    case tasks::Use::kProbe:
      break;
  }
  return "never trained";
}

Result<std::vector<const Family*>> find_families(const std::vector<std::string>& names) {
  std::vector<const Family*> found;
  const auto add = [&](const Family* family) {
    if (std::find(found.begin(), found.end(), family) == found.end()) found.push_back(family);
  };
  for (const std::string& name : names) {
    const std::size_t before = found.size();
    for (const Family* family : tasks::families()) {
      const std::string_view use = family->use == tasks::Use::kShipped ? "shipped"
                                   : family->use == tasks::Use::kExtra ? "extra"
                                                                       : "probe";
      if (name == use || name == "all") add(family);
    }
    if (found.size() > before || name == "shipped" || name == "extra" || name == "probe" ||
        name == "all")
      continue;
    SPUTNIK_TRY(const Family* family, tasks::find_family(name));
    add(family);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Family* a, const Family* b) { return a->use < b->use; });
  return found;
}

// Of one family; empty if first > last.
struct Levels {
  int first = 1, last = 0;
};

// The levels that a word of the options means.
class LevelRange {
 public:
  static Result<LevelRange> parse(const std::string& word) {
    LevelRange range;
    range.word_ = word;
    if (word == "in-range") return range;
    if (word == "+1" || word == "+2") {
      range.above_ = word[1] - '0';
      return range;
    }
    const std::size_t dash = word.find('-');
    const auto first = number(word.substr(0, dash));
    const auto last = dash == std::string::npos ? first : number(word.substr(dash + 1));
    if (!first || !last || *first < 1 || *last < *first)
      return invalid_argument("levels are in-range, +1, +2, or like 3 or 2-4, not \"{}\"", word);
    range.fixed_ = Levels{*first, *last};
    return range;
  }

  Levels of(const Family& family, int trained_level) const {
    if (fixed_) return {fixed_->first, std::min(fixed_->last, family.n_levels)};
    const int trained = trained_level > 0 ? std::min(trained_level, family.n_levels)
                                          : std::max(1, family.n_levels - 2);
    if (above_ == 0) return {1, trained};
    if (trained + above_ > family.n_levels) return {};
    return {trained + above_, trained + above_};
  }

  std::string name() const {
    if (fixed_) return fixed_->first == fixed_->last ? "level " + word_ : "levels " + word_;
    return above_ == 0 ? "in range" : fmt::format("level + {}", above_);
  }

 private:
  static std::optional<int> number(const std::string& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
  }

  std::string word_;
  std::optional<Levels> fixed_;
  int above_ = 0;
};

Item make_item(const tasks::TaskSpec& spec, const std::string& column) {
  tasks::Task task = tasks::generate(spec);
  Item item;
  item.suite = "gym";
  item.section = section_of(*spec.family);
  item.row = spec.family->name;
  item.column = column;
  item.id = fmt::format("{}/{}/{}/{}", spec.family->name, spec.level,
                        spec.split == Split::kTrain ? "train" : "test", spec.seed);
  item.question = std::move(task.prompt);
  item.kind = AnswerKind::kTask;
  item.answer = std::move(task.answer);
  item.family = spec.family;
  item.facts = std::move(task.facts);
  item.thought = std::move(task.thought);
  return item;
}

}  // namespace

Result<std::vector<Item>> make_gym_items(const GymOptions& options) {
  SPUTNIK_TRY(const auto families, find_families(options.families));
  std::vector<Item> items;
  for (const std::string& word : options.levels) {
    SPUTNIK_TRY(const LevelRange range, LevelRange::parse(word));
    for (const Split split : options.splits) {
      const std::string column = range.name() + (split == Split::kTest ? ", new wording" : "");
      for (const Family* family : families) {
        const auto [first, last] = range.of(*family, options.trained_level);
        if (first > last) continue;
        for (std::int64_t i = 0; i < options.n_items; ++i) {
          const int level = first + static_cast<int>(i % (last - first + 1));
          const std::uint64_t seed = kFirstEvaluationSeed + static_cast<std::uint64_t>(i);
          items.push_back(make_item({family, level, seed, split}, column));
        }
      }
    }
  }
  if (items.empty()) return invalid_argument("no family of the gym has such levels");
  return items;
}

std::vector<TraceLength> trace_lengths(std::span<const Item> items, const Tokenizer& tokenizer) {
  std::vector<std::pair<const Family*, std::vector<std::int64_t>>> lengths;
  for (const Item& item : items) {
    if (item.kind != AnswerKind::kTask) continue;
    auto it = std::find_if(lengths.begin(), lengths.end(),
                           [&](const auto& entry) { return entry.first == item.family; });
    if (it == lengths.end()) it = lengths.insert(it, {item.family, {}});
    // Both marks and the end are one token each for the models that know them.
    constexpr std::int64_t kControlTokens = 3;
    it->second.push_back(
        static_cast<std::int64_t>(tokenizer.encode("\n" + item.thought + "\n").size() +
                                  tokenizer.encode("\n\n" + item.answer).size()) +
        kControlTokens);
  }
  std::vector<TraceLength> result;
  for (auto& [family, of_family] : lengths) {
    std::sort(of_family.begin(), of_family.end());
    const std::size_t at = (of_family.size() * 95 + 99) / 100 - 1;
    result.push_back({family, of_family[at], of_family.back()});
  }
  return result;
}

Result<void> check_trace_lengths(std::span<const TraceLength> lengths, std::int64_t max_tokens) {
  for (const TraceLength& length : lengths) {
    if (length.p95 <= max_tokens) continue;
    return invalid_argument(
        "a teacher's answers to {} need up to {} tokens (95 %), and a response may have {}; "
        "--max-tokens gives it more, --families and --levels leave it out",
        length.family->name, length.p95, max_tokens);
  }
  return ok_result();
}

}  // namespace sputnik::evaluation
