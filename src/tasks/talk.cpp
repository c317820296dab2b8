#include "tasks/talk.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>

#include "tasks/draw.h"
#include "tasks/talk_material.h"

namespace sputnik::tasks {
namespace {

constexpr std::size_t kHoldOutEvery = 5;
// A conversation goes on while what was said is shorter: it must fit a small context.
constexpr std::size_t kMaxTalkBytes = 900;

// Pieces of what a user says: only what is not drawn from a list may be misspelled.
struct Piece {
  std::string text;
  bool is_literal = false;
};

using Key = std::pair<std::size_t, int>;  // list, which

class Conversation {
 public:
  Conversation(const TalkMaterial::State& material, std::uint64_t seed, Split split)
      : material_(material), draw_(Rng(seed ^ 0x7a1c0de5u).next(), split) {}

  Talk make() {
    const std::size_t n_turns = draw_n_turns();
    std::size_t bytes = 0;
    while (talk_.turns.size() < n_turns && (talk_.turns.empty() || bytes < kMaxTalkBytes)) {
      const bool is_last = talk_.turns.size() + 1 == n_turns;
      const TalkTopic* topic = choose_topic(n_turns, is_last);
      if (topic == nullptr) break;
      say(*topic);
      bytes += talk_.turns.back().user.size() + talk_.turns.back().answer.size();
    }
    SPUTNIK_ASSERT(!talk_.turns.empty());
    return std::move(talk_);
  }

  Talk make_one(const TalkTopic& topic) {
    say(topic);
    return std::move(talk_);
  }

 private:
  std::size_t draw_n_turns() {
    const auto r = draw_.between(1, 100);
    return r <= 45 ? 1 : r <= 65 ? 2 : r <= 83 ? 3 : r <= 94 ? 4 : 5;
  }

  // --- What to talk about next.

  bool can_follow(const TalkTopic& topic) const {
    return previous_ != nullptr &&
           std::any_of(topic.after.begin(), topic.after.end(), [&](const std::string& name) {
             return name == previous_->name || name == previous_->group;
           });
  }

  bool is_possible(const TalkTopic& topic, bool is_last) const {
    if (draw_.split() == Split::kTest && !topic.has_held_out) return false;
    if (topic.closes && !is_last) return false;
    if (topic.opens && previous_ != nullptr) return false;
    if (!topic.after.empty() && !can_follow(topic)) return false;
    const auto known = [&](const TalkSlot& slot) { return is_told(slot.list); };
    if (std::any_of(topic.tells.begin(), topic.tells.end(), known)) return false;
    if (!std::all_of(topic.needs.begin(), topic.needs.end(), known)) return false;
    if (std::any_of(topic.unless.begin(), topic.unless.end(),
                    [&](std::size_t list) { return is_told(list); }))
      return false;
    return said_.count(&topic) == 0;
  }

  enum class Pool { kFree, kFollow, kMemory, kTell };

  Pool pool_of(const TalkTopic& topic) const {
    if (!topic.after.empty()) return Pool::kFollow;
    if (!topic.needs.empty()) return Pool::kMemory;
    return topic.tells.empty() ? Pool::kFree : Pool::kTell;
  }

  const TalkTopic* choose_topic(std::size_t n_turns, bool is_last) {
    // What a longer conversation is made of: a beginning in which something is told, and later
    // questions about it, follow-ups, other things.
    const auto r = draw_.between(1, 100);
    std::vector<Pool> order;
    if (previous_ == nullptr) {
      order = n_turns > 1 && r <= 35 ? std::vector{Pool::kTell, Pool::kFree}
                                     : std::vector{Pool::kFree, Pool::kTell};
    } else if (is_last && r <= 55) {
      order = {Pool::kMemory, Pool::kFollow, Pool::kFree};
    } else if (r <= 75) {
      order = {Pool::kFollow, Pool::kFree};
    } else if (r <= 85) {
      order = {Pool::kTell, Pool::kFree};
    } else {
      order = {Pool::kFree};
    }
    for (const Pool pool : order) {
      double sum = 0;
      for (const TalkTopic& topic : material_.topics)
        if (pool_of(topic) == pool && is_possible(topic, is_last)) sum += topic.weight;
      if (sum <= 0) continue;
      double left = draw_.uniform() * sum;
      const TalkTopic* chosen = nullptr;
      for (const TalkTopic& topic : material_.topics) {
        if (pool_of(topic) != pool || topic.weight <= 0 || !is_possible(topic, is_last)) continue;
        chosen = &topic;
        left -= topic.weight;
        if (left < 0) break;
      }
      return chosen;
    }
    return nullptr;
  }

  // --- Rows of lists.

  bool is_told(std::size_t list) const { return bound_.count({list, 0}) != 0; }

  bool is_of_split(const TalkList& list, std::size_t row) const {
    if (!list.is_held_out) return true;
    return (row % kHoldOutEvery == kHoldOutEvery - 1) == (draw_.split() == Split::kTest);
  }

  bool differs(std::size_t list_id, std::size_t row) const {
    const TalkList& list = material_.lists[list_id];
    for (const auto& [key, other] : bound_) {
      if (key.first != list_id) continue;
      if (other == row) return false;
      for (std::size_t c = 0; c < list.columns.size(); ++c) {
        const std::string& mine = list.rows[row].plain[c];
        if (list.distinct[c] && !mine.empty() && mine == list.rows[other].plain[c]) return false;
      }
    }
    return true;
  }

  // A row that no other place has; if it can be, none that was talked about before.
  std::size_t draw_row(std::size_t list_id) {
    const TalkList& list = material_.lists[list_id];
    for (const bool fresh : {true, false}) {
      std::vector<std::size_t> rows;
      for (std::size_t row = 0; row < list.rows.size(); ++row) {
        if (is_of_split(list, row) && differs(list_id, row) &&
            !(fresh && used_.count({list_id, row}) != 0))
          rows.push_back(row);
      }
      if (!rows.empty()) return draw_.pick(rows);
    }
    // More places than rows.
    for (std::size_t row = draw_.index(list.rows.size());; row = (row + 1) % list.rows.size())
      if (is_of_split(list, row)) return row;
  }

  std::size_t row_of(const TalkSlot& slot) {
    const Key key{slot.list, slot.which};
    const auto it = bound_.find(key);
    if (it != bound_.end()) return it->second;
    const std::size_t row = draw_row(slot.list);
    bound_.emplace(key, row);
    used_.insert({slot.list, row});
    return row;
  }

  std::string value(const TalkSlot& slot) {
    const std::size_t row = row_of(slot);
    const TalkList::Row& cells = material_.lists[slot.list].rows[row];
    if (!cells.plain[slot.column].empty()) return cells.plain[slot.column];
    // Drawn once, so that question and answer agree.
    const std::pair<Key, std::size_t> key{{slot.list, slot.which}, slot.column};
    const auto it = values_.find(key);
    if (it != values_.end()) return it->second;
    std::string text = expand(cells.cells[slot.column]);
    values_.emplace(key, text);
    return text;
  }

  void forget(std::size_t list, bool own_too) {
    const auto is_gone = [&](const Key& key) {
      return key.first == list && (own_too || key.second != 0);
    };
    std::erase_if(bound_, [&](const auto& entry) { return is_gone(entry.first); });
    std::erase_if(values_, [&](const auto& entry) { return is_gone(entry.first.first); });
  }

  // --- Text.

  void expand_into(const TalkText& text, std::vector<Piece>& pieces) {
    for (const TalkText::Node& node : text.nodes) {
      Piece piece;
      switch (node.kind) {
        case TalkText::Node::Kind::kLiteral:
          piece = {node.literal, true};
          break;
        case TalkText::Node::Kind::kSlot:
          piece.text = value(node.slots[0]);
          break;
        case TalkText::Node::Kind::kLast:
          piece.text = talk_.turns.empty() ? "" : talk_.turns.back().answer;
          break;
        case TalkText::Node::Kind::kCall: {
          std::vector<std::string> arguments;
          for (const TalkSlot& slot : node.slots) arguments.push_back(value(slot));
          piece.text = call(node.function, arguments);
          break;
        }
        case TalkText::Node::Kind::kChoice:
          expand_into(node.choices[draw_.index(node.choices.size())], pieces);
          continue;
      }
      if (node.article) piece.text = with_article(piece.text);
      if (node.capital) piece.text = with_capital(std::move(piece.text));
      pieces.push_back(std::move(piece));
    }
  }

  std::string expand(const TalkText& text) {
    std::vector<Piece> pieces;
    expand_into(text, pieces);
    std::string out;
    for (const Piece& piece : pieces) out += piece.text;
    return out;
  }

  void say(const TalkTopic& topic) {
    if (topic.after.empty()) {
      for (std::size_t list = 0; list < material_.lists.size(); ++list) forget(list, false);
    }
    for (const std::size_t list : topic.fresh) forget(list, false);

    std::vector<const TalkPhrasing*> phrasings;
    for (const TalkPhrasing& phrasing : topic.phrasings) {
      if (phrasing.is_held_out == (draw_.split() == Split::kTest)) phrasings.push_back(&phrasing);
    }
    SPUTNIK_ASSERT(!phrasings.empty());
    std::vector<Piece> pieces;
    expand_into(draw_.pick(phrasings)->text, pieces);
    add_prefix(topic, pieces);
    TalkTurn turn;
    turn.topic = topic.name;
    turn.user = topic.is_exact ? join(pieces) : as_typed(pieces);
    if (!topic.thoughts.empty()) turn.thought = expand(draw_.pick(topic.thoughts));
    turn.answer = expand(draw_.pick(topic.answers));

    talk_.rules.clear();
    for (const TalkRuleText& rule : topic.rules) {
      TalkRule& made = talk_.rules.emplace_back();
      made.forbids = rule.forbids;
      for (const TalkText& word : rule.words) {
        if (rule.is_word_by_word) {
          add_words(expand(word), made.words);
        } else {
          made.words.push_back(expand(word));
        }
      }
    }
    talk_.must_refuse = topic.must_refuse;
    talk_.max_bytes = topic.max_bytes > 0 ? topic.max_bytes : 160 + 2 * turn.answer.size();
    talk_.turns.push_back(std::move(turn));
    said_.insert(&topic);
    // What draws new rows may be asked again.
    if (!topic.fresh.empty()) said_.erase(&topic);
    previous_ = &topic;
  }

  static std::string first_word(std::string_view text) {
    std::string word;
    for (const char c : text) {
      if (!is_letter(c)) break;
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return word;
  }

  // "Hello." before the matter, unless it begins in such a way itself.
  void add_prefix(const TalkTopic& topic, std::vector<Piece>& pieces) {
    const TalkPrefixes& prefixes =
        previous_ == nullptr ? material_.before_first : material_.before_later;
    if (prefixes.texts.empty() || !draw_.chance(prefixes.percent)) return;
    if (!topic.after.empty() || !topic.tells.empty() || topic.is_exact || topic.is_alone ||
        topic.opens || topic.closes)
      return;
    const std::string word = first_word(join(pieces));
    const bool begins_so =
        std::any_of(prefixes.texts.begin(), prefixes.texts.end(),
                    [&](const std::string& text) { return first_word(text) == word; });
    if (!begins_so) pieces.insert(pieces.begin(), {draw_.pick(prefixes.texts) + " ", true});
  }

  // The words of a text but the smallest, which are in any text.
  static void add_words(std::string_view text, std::vector<std::string>& words) {
    std::string word;
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (i < text.size() && is_letter(text[i])) {
        word += text[i];
        continue;
      }
      if (word.size() >= 3 && word != "and" && word != "the" && word != "for" && word != "you")
        words.push_back(word);
      word.clear();
    }
  }

  // --- How people type.

  static std::string join(const std::vector<Piece>& pieces) {
    std::string text;
    for (const Piece& piece : pieces) text += piece.text;
    return text;
  }

  static void lower(std::string& text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }

  static void drop_end(std::string& text) {
    while (text.size() > 1 &&
           (text.back() == '.' || text.back() == ' ' || text.back() == '?' || text.back() == '!'))
      text.pop_back();
  }

  static bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

  // One slip in one longer word.
  void misspell(std::string& text) {
    struct Word {
      std::size_t begin, size;
    };
    std::vector<Word> words;
    for (std::size_t i = 0; i < text.size();) {
      std::size_t end = i;
      while (end < text.size() && is_letter(text[end])) ++end;
      if (end - i >= 4) words.push_back({i, end - i});
      i = end + 1;
    }
    if (words.empty()) return;
    const Word word = draw_.pick(words);
    const std::size_t at =
        word.begin + 1 + draw_.index(word.size - 2);  // neither its first letter nor its last
    switch (draw_.between(0, 2)) {
      case 0:
        text.erase(at, 1);
        break;
      case 1:
        text.insert(at, 1, text[at]);
        break;
      default:
        if (at + 1 < word.begin + word.size) std::swap(text[at], text[at + 1]);
        break;
    }
  }

  // Neither split may happen upon the other's phrasings by misspelling its own.
  bool is_of_other_split(const std::string& text) const {
    const auto wording = material_.plain_wordings.find(normalized_wording(text));
    return wording != material_.plain_wordings.end() &&
           wording->second != (draw_.split() == Split::kTest);
  }

  std::string as_typed(const std::vector<Piece>& pieces) {
    std::string text = sloppy(pieces);
    return is_of_other_split(text) ? join(pieces) : text;
  }

  std::string sloppy(std::vector<Piece> pieces) {
    const auto how = draw_.between(1, 100);
    if (how <= 8) {
      std::vector<std::size_t> literals;
      for (std::size_t i = 0; i < pieces.size(); ++i)
        if (pieces[i].is_literal) literals.push_back(i);
      if (!literals.empty()) misspell(pieces[draw_.pick(literals)].text);
    }
    if (how > 8 && how <= 16) {
      for (Piece& piece : pieces) {
        if (!piece.is_literal) continue;
        lower(piece.text);
        shorten_wording(piece.text);
      }
    }
    std::string text = join(pieces);
    if ((how > 4 && how <= 16) || (how > 60 && how <= 85)) lower(text);
    if ((how > 4 && how <= 16) || (how > 70)) drop_end(text);
    return text;
  }

  const TalkMaterial::State& material_;
  Draw draw_;
  Talk talk_;
  const TalkTopic* previous_ = nullptr;
  std::set<const TalkTopic*> said_;  // looked up, never walked: addresses have no order
  std::map<Key, std::size_t> bound_;
  std::map<std::pair<Key, std::size_t>, std::string> values_;
  std::set<std::pair<std::size_t, std::size_t>> used_;
};

}  // namespace

Talk TalkMaterial::generate(std::uint64_t seed, Split split) const {
  return Conversation(*state_, seed, split).make();
}

Result<Talk> TalkMaterial::generate_topic(std::string_view topic, std::uint64_t seed,
                                          Split split) const {
  for (const TalkTopic& known : state_->topics) {
    if (known.name != topic) continue;
    if (split == Split::kTest && !known.has_held_out)
      return invalid_argument("{} has no held-out phrasing", topic);
    return Conversation(*state_, seed, split).make_one(known);
  }
  return not_found("there is no topic {}", topic);
}

}  // namespace sputnik::tasks
