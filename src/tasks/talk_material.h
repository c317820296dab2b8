// The material of talks after it has been read and checked.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "tasks/talk.h"
#include "tasks/talk_text.h"

namespace sputnik::tasks {

struct TalkList {
  std::string name;
  bool is_held_out = false;  // every fifth row is for the test split alone
  std::vector<std::string> columns;
  std::vector<bool> distinct;  // rows beside each other differ in this column
  // Cells may refer to lists in their turn. plain: what a cell without places and choices says.
  struct Row {
    std::vector<TalkText> cells;
    std::vector<std::string> plain;
  };
  std::vector<Row> rows;
};

struct TalkPhrasing {
  TalkText text;
  bool is_held_out = false;
};

// A rule whose words are still texts.
struct TalkRuleText {
  bool forbids = false;
  bool is_word_by_word = false;  // each word of these texts will do
  std::vector<TalkText> words;
};

struct TalkTopic {
  std::string name, group;
  double weight = 1;                // of all topics
  std::vector<std::string> after;   // follows these topics or groups alone; empty: stands alone
  std::vector<TalkSlot> tells;      // the user's own things that it introduces
  std::vector<TalkSlot> needs;      // and those that must have been told
  std::vector<std::size_t> unless;  // lists of things that must not have been told
  std::vector<std::size_t> fresh;   // lists of which a new row is drawn though one is in use
  bool is_exact = false;            // the user's text is not made sloppy
  bool opens = false, closes = false;
  bool is_alone = false;  // nothing is said before it in its turn
  std::vector<TalkPhrasing> phrasings;
  std::vector<TalkText> answers, thoughts;
  std::vector<TalkRuleText> rules;
  bool must_refuse = false;
  std::size_t max_bytes = 0;  // 0: by the length of the right answer
  bool has_held_out = false;
};

// What a user may say before the matter itself, in plain sentences.
struct TalkPrefixes {
  int percent = 0;
  std::vector<std::string> texts;
};

struct TalkMaterial::State {
  std::vector<TalkList> lists;
  std::vector<TalkTopic> topics;
  TalkPrefixes before_first, before_later;
  // Phrasings without places, normalised: whether they are held out.
  std::map<std::string, bool, std::less<>> plain_wordings;
  TalkCounts counts;
};

Result<TalkMaterial::State> parse_talk_files(std::span<const TalkFile> files);

}  // namespace sputnik::tasks
