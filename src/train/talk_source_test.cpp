#include "train/talk_source.h"

#include <gtest/gtest.h>

namespace sputnik {
namespace {

tasks::Talk two_turns() {
  tasks::Talk talk;
  talk.turns = {{"hello", "Hi!", "A greeting.", "Hello!"}, {"name", "Name?", "Mine.", "Sputnik."}};
  return talk;
}

// Parts that do not count stand in braces.
std::string spelled(const Document& document) {
  std::string text;
  for (const Document::Part& part : document.parts)
    text += part.counts ? part.text : "{" + part.text + "}";
  return text;
}

std::filesystem::path shipped_material() {
  return std::filesystem::path(SPUTNIK_SOURCE_DIR) / "data/talk";
}

TEST(TalkSource, SpellsATalkAsR1sTemplateDoes) {
  const std::string first =
      "<｜begin▁of▁sentence｜><｜User｜>Hi!<｜Assistant｜>Hello!<｜end▁of▁sentence｜>"
      "<｜User｜>Name?<｜Assistant｜>";
  tasks::Talk talk = two_turns();
  EXPECT_EQ(spelled(talk_document(talk, true, true)),
            first + "<think>\nMine.\n</think>\n\nSputnik.<｜end▁of▁sentence｜>");
  EXPECT_EQ(spelled(talk_document(talk, false, true)), first + "Sputnik.<｜end▁of▁sentence｜>");
  // No thought is needed: an empty one, whose first line break may be the prompt's.
  talk.turns[1].thought.clear();
  const Document document = talk_document(talk, true, true);
  EXPECT_EQ(spelled(document), first + "<think>\n\n</think>\n\nSputnik.<｜end▁of▁sentence｜>");
  EXPECT_EQ(document.parts[10].text, "\n");
  EXPECT_EQ(document.parts[11].text, "\n");
}

TEST(TalkSource, LearnsOnlyWhatTheAssistantSaysIfAsked) {
  EXPECT_EQ(spelled(talk_document(two_turns(), true, false)),
            "{<｜begin▁of▁sentence｜>}{<｜User｜>}{Hi!}{<｜Assistant｜>}Hello!"
            "<｜end▁of▁sentence｜>{<｜User｜>}{Name?}{<｜Assistant｜>}"
            "<think>\nMine.\n</think>\n\nSputnik.<｜end▁of▁sentence｜>");
}

TEST(TalkSource, DocumentsAreFunctionsOfTheirIndex) {
  TalkSourceOptions options;
  options.path = shipped_material();
  const auto source = open_talk_source(options);
  ASSERT_TRUE(source.ok()) << source.error().message;
  options.first_seed = 100;
  const auto later = open_talk_source(options);
  ASSERT_TRUE(later.ok());
  std::size_t n_thinking = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const std::string text = spelled(source.value()->document(100 + i));
    EXPECT_EQ(text, spelled(later.value()->document(i)));
    n_thinking += text.find("<think>") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(n_thinking, 90u);
  EXPECT_LT(n_thinking, 150u);
}

TEST(TalkSource, AMissingFolderIsNamed) {
  TalkSourceOptions options;
  options.path = "no/such/folder";
  const auto source = open_talk_source(options);
  ASSERT_FALSE(source.ok());
  EXPECT_NE(source.error().message.find("no/such/folder"), std::string::npos);
}

}  // namespace
}  // namespace sputnik
