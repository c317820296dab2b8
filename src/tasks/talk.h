// Small talk: what a small model says about itself, about the few things that it knows, and about
// the many that it does not.
//
// The material is data: folders of .talk files, whose format docs/formats/talk.md describes. Talk i
// is a pure function of (material, seed, split), as tasks are. Held out by construction: every
// fifth phrasing of what a user says, and every fifth value of the lists that say so, occur in
// kTest alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tasks/task.h"

namespace sputnik::tasks {

struct TalkTurn {
  std::string topic;  // the name that the material gives it
  std::string user;
  std::string thought;  // before the answer; empty where none is needed
  std::string answer;
};

// What an answer must say (one of these) or must not say (any of these). Words are compared
// without regard to case; one that ends in * may go on.
struct TalkRule {
  bool forbids = false;
  std::vector<std::string> words;
};

struct Talk {
  std::vector<TalkTurn> turns;  // at least one
  // Of the last answer.
  std::vector<TalkRule> rules;
  bool must_refuse = false;
  std::size_t max_bytes = 0;
};

struct TalkVerdict {
  std::vector<std::string> reasons;  // why it failed
  bool passed() const { return reasons.empty(); }
};

// Whether this is a fair last answer to the talk: says what it must, refuses where it must,
// claims to be nobody else, does not go round in circles, and ends in time. Of anybody's text,
// without its thought. Rules see words alone, so a passed answer is plausible, not proven.
TalkVerdict check_talk(const Talk& talk, std::string_view answer);

struct TalkCounts {
  std::size_t topics = 0;
  std::size_t phrasings = 0;  // lines
  std::size_t held_out = 0;   // of them
  std::size_t wordings = 0;   // with all their choices, places uncounted
  std::size_t answers = 0, thoughts = 0;
  std::size_t list_rows = 0;
};

struct TalkFile {
  std::string name;
  std::string text;
};

// Immutable, may be shared between threads.
class TalkMaterial {
 public:
  // A folder of .talk files, in the order of their names, or one file. Checked whole: the error
  // names file and line.
  static Result<TalkMaterial> load(const std::filesystem::path& path);
  static Result<TalkMaterial> parse(std::span<const TalkFile> files);

  TalkMaterial(TalkMaterial&&) noexcept;
  TalkMaterial& operator=(TalkMaterial&&) noexcept;
  ~TalkMaterial();

  Talk generate(std::uint64_t seed, Split split) const;
  TalkCounts counts() const;
  std::vector<std::string> topics() const;
  // One turn, of this topic if it can begin a conversation: to look at a topic.
  Result<Talk> generate_topic(std::string_view topic, std::uint64_t seed, Split split) const;

  struct State;

 private:
  explicit TalkMaterial(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace sputnik::tasks
