#include "tasks/talk.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/mapped_file.h"
#include "tasks/talk_testing.h"
#include "tasks/talk_text.h"

namespace sputnik::tasks {
namespace {

std::string small_material() {
  return read_file(std::filesystem::path(SPUTNIK_SOURCE_DIR) /
                   "tests/corpus/talk_material/small.talk")
      .value();
}

std::string error_of(std::string_view text) {
  const auto material = parse_talk(text);
  return material.ok() ? "" : material.error().message;
}

// A topic that is well-formed but for what is added to it.
std::string topic_with(std::string_view lines, std::string_view before = "") {
  return fmt::format("{}\n%talk t\n> a\n> b\n> c\n> d\n> e\n< yes\n{}\n", before, lines);
}

std::string whole(const Talk& talk) {
  std::string text;
  for (const TalkTurn& turn : talk.turns)
    text += turn.user + "\n" + turn.thought + "\n" + turn.answer + "\n";
  return text;
}

// The first talk of the test split whose last turn is about the topic.
Talk find_talk(std::string_view topic) {
  for (std::uint64_t seed = 0;; ++seed) {
    Talk talk = shipped_talk().generate(seed, Split::kTest);
    if (talk.turns.back().topic == topic) return talk;
  }
}

bool passes(std::string_view topic, std::string_view answer) {
  return check_talk(find_talk(topic), answer).passed();
}

TEST(TalkMaterial, OfTheSmallFileIsUnderstood) {
  const auto material = parse_talk(small_material());
  ASSERT_TRUE(material.ok()) << material.error().message;
  const TalkCounts counts = material.value().counts();
  EXPECT_EQ(counts.topics, 6u);
  EXPECT_EQ(counts.held_out, 1u);
  std::set<std::string> topics;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Talk talk = material.value().generate(seed, Split::kTrain);
    for (const TalkTurn& turn : talk.turns) topics.insert(turn.topic);
    EXPECT_TRUE(check_talk(talk, talk.turns.back().answer).passed()) << whole(talk);
  }
  EXPECT_EQ(topics.size(), 6u);
}

TEST(TalkMaterial, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_EQ(error_of(topic_with("")), "");
  EXPECT_EQ(error_of(""), "there is no %talk");
  EXPECT_EQ(error_of("hello"), "test.talk line 1: stands under no header");
  EXPECT_EQ(
      error_of("%tlak t"),
      "test.talk line 1: begins with none of %list, %range, %phrases, %before, %group and %talk");
  EXPECT_EQ(error_of(topic_with("< {nobody}")),
            "test.talk line 9: {nobody}: there is no such list");
  EXPECT_EQ(error_of(topic_with("< {a.b}", "%list a\nx")),
            "test.talk line 10: {a.b}: there is no such column");
  EXPECT_EQ(error_of(topic_with("< [one")), "test.talk line 9: '[' is not closed");
  EXPECT_EQ(error_of(topic_with("< one]")), "test.talk line 9: ']' stands alone");
  EXPECT_EQ(error_of(topic_with("< [one]")), "test.talk line 9: a choice of one");
  EXPECT_EQ(error_of(topic_with("< {one")), "test.talk line 9: '{' is not closed");
  EXPECT_EQ(error_of(topic_with("> A!")), "test.talk line 9: \"A!\" is also what line 3 says");
  EXPECT_EQ(error_of(topic_with("hello")),
            "test.talk line 9: begins with none of > >> < * @ and !");
  EXPECT_EQ(error_of(topic_with("@ wieght 3")),
            "test.talk line 9: @ wieght: there is no such attribute");
  EXPECT_EQ(error_of(topic_with("! most: x")),
            "test.talk line 9: ! most is none of any, some, not, refuses and max");
  EXPECT_EQ(error_of(topic_with("@ after nothing")),
            "test.talk line 2: @ after nothing: there is no such topic or group");
  EXPECT_EQ(error_of(topic_with("< {sum w w2}", "%list w\ncat\ndog")),
            "test.talk line 11: a function is applied to w, where a cell is \"cat\"");
  EXPECT_EQ(error_of(topic_with("< {spell w}", "%list w\ncat")),
            "test.talk line 10: {spell w}: there is no such function");
  EXPECT_EQ(error_of(topic_with("", "%list a: one two\nx")),
            "test.talk line 2: has 1 cells, but a has 2 columns");
  EXPECT_EQ(error_of(topic_with("", "%list a\nx\nx")), "test.talk line 3: \"x\" is in a twice");
  EXPECT_EQ(error_of(topic_with("", "%list a\n{b}\n%list b\n{a}")), "the list a refers to itself");
  EXPECT_EQ(error_of(topic_with("< \x01")), "test.talk line 9: holds a control character or token");
  EXPECT_EQ(error_of(topic_with("< <｜User｜>")),
            "test.talk line 9: holds a control character or token");
  EXPECT_EQ(error_of(topic_with("< \xff")), "test.talk line 9: is not UTF-8");
  EXPECT_EQ(error_of("%talk t\n< yes"), "test.talk line 1: nobody says anything (>)");
  EXPECT_EQ(error_of("%talk t\n> a"), "test.talk line 1: there is no answer (<)");
  EXPECT_EQ(error_of("%talk t\n> a\n< b"), "no %talk can begin a test conversation");
}

TEST(TalkMaterial, AHeldOutPhrasingMayNotBeLearnedElsewhere) {
  const std::string other = "%talk other\n@ after t\n> E!\n< no\n";
  EXPECT_EQ(error_of(topic_with("") + other),
            "test.talk line 12: \"e\" is held out, but not in test.talk line 7, or the reverse");
  // A free topic's phrasing is another free topic's, too: nobody could tell what is meant.
  EXPECT_EQ(error_of(topic_with("") + "%talk other\n> a\n< no\n"),
            "test.talk line 11: \"a\" is also what test.talk line 3 says");
}

// A few bytes that mean a lot must not cost memory.
TEST(TalkMaterial, IsBounded) {
  std::string doubling = "%list a_a\nxxxxxxxxxx\n";
  for (char c = 'b'; c <= 'p'; ++c) {
    const char before = static_cast<char>(c - 1);
    doubling += fmt::format("%list a_{0}\n{{a_{1}}}{{a_{1}2}}\n", c, before);
  }
  EXPECT_EQ(error_of(topic_with("", doubling)), "list a_i: may become longer than 2000 bytes");
  std::string chain = "%list a_a\nx\n";
  for (char c = 'b'; c <= 'z'; ++c)
    chain += fmt::format("%list a_{}\n{{a_{}}}\n", c, static_cast<char>(c - 1));
  EXPECT_EQ(error_of(topic_with("", "%list z\n{a_z}\n" + chain)),
            "more than 16 lists refer to each other, with a_j the last");
  std::string choices = "> ";
  for (int i = 0; i < 11; ++i) choices += "[x|y]";
  EXPECT_EQ(error_of(topic_with(choices)), "test.talk line 9: has more than 1024 wordings");
}

TEST(TalkMaterial, CutAnywhereIsMaterialOrOneError) {
  const std::string text = small_material();
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::string message = error_of(text.substr(0, size));
    EXPECT_EQ(message.find('\n'), std::string::npos) << size;
  }
}

TEST(TalkMaterial, ThatShipsIsLargeEnough) {
  const TalkCounts counts = shipped_talk().counts();
  EXPECT_GE(counts.topics, 200u);
  EXPECT_GE(counts.wordings, 2900u);
  EXPECT_GE(counts.held_out * 10, counts.phrasings);
  EXPECT_GE(counts.list_rows, 900u);
}

TEST(Talk, IsAFunctionOfSeedAndSplit) {
  const auto again = parse_talk(small_material());
  const auto once = parse_talk(small_material());
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Talk a = shipped_talk().generate(seed, Split::kTrain);
    EXPECT_EQ(whole(a), whole(shipped_talk().generate(seed, Split::kTrain)));
    texts.insert(whole(a));
    EXPECT_EQ(whole(once.value().generate(seed, Split::kTest)),
              whole(again.value().generate(seed, Split::kTest)));
  }
  EXPECT_GE(texts.size(), 470u);
}

TEST(Talk, EveryAnswerPassesItsOwnCheckAndFitsASmallContext) {
  for (const Split split : {Split::kTrain, Split::kTest}) {
    std::set<std::string> topics;
    const std::uint64_t n = split == Split::kTrain ? 20000 : 5000;
    for (std::uint64_t seed = 0; seed < n; ++seed) {
      const Talk talk = shipped_talk().generate(seed, split);
      ASSERT_FALSE(talk.turns.empty());
      const std::string text = whole(talk);
      ASSERT_EQ(text.find_first_of("{}[]|\\"), std::string::npos) << text;
      ASSERT_LE(text.size(), 1600u) << text;
      const TalkVerdict verdict = check_talk(talk, talk.turns.back().answer);
      ASSERT_TRUE(verdict.passed()) << text << verdict.reasons[0];
      for (const TalkTurn& turn : talk.turns) {
        ASSERT_FALSE(turn.user.empty() || turn.answer.empty()) << text;
        topics.insert(turn.topic);
      }
    }
    // Everything is talked about.
    if (split == Split::kTrain) {
      EXPECT_EQ(topics.size(), shipped_talk().counts().topics);
    }
  }
}

TEST(Talk, WhatIsHeldOutIsNeverLearned) {
  std::set<std::string> learned;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    for (const TalkTurn& turn : shipped_talk().generate(seed, Split::kTrain).turns)
      learned.insert(normalized_wording(turn.user));
  }
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    for (const TalkTurn& turn : shipped_talk().generate(seed, Split::kTest).turns)
      ASSERT_FALSE(learned.contains(normalized_wording(turn.user))) << turn.user;
  }
}

// Two topics with one wording would teach two answers.
TEST(Talk, ABeginningMeansOneThing) {
  std::map<std::string, std::string> topics;
  for (std::uint64_t seed = 0; seed < 25000; ++seed) {
    const Talk talk = shipped_talk().generate(seed, Split::kTrain);
    const TalkTurn& first = talk.turns[0];
    const auto [it, is_new] = topics.try_emplace(normalized_wording(first.user), first.topic);
    ASSERT_EQ(it->second, first.topic) << first.user;
  }
}

TEST(Talk, WhatWasToldIsRemembered) {
  std::size_t n = 0;
  for (std::uint64_t seed = 0; n < 200; ++seed) {
    const Talk talk = shipped_talk().generate(seed, Split::kTrain);
    if (talk.turns.back().topic != "ask_name") continue;
    ++n;
    const TalkRule& rule = talk.rules.front();
    const auto told = std::find_if(talk.turns.begin(), talk.turns.end(),
                                   [](const TalkTurn& turn) { return turn.topic == "tell_name"; });
    ASSERT_NE(told, talk.turns.end());
    EXPECT_NE(told->answer.find(rule.words[0]), std::string::npos) << whole(talk);
    EXPECT_FALSE(check_talk(talk, "Your name is Rumpelstiltskin.").passed());
  }
}

TEST(TalkCheck, RefusesClaimsToBeSomebodyElse) {
  EXPECT_TRUE(passes("are_you_r1", "No. I am Sputnik-1, a tiny model."));
  EXPECT_TRUE(passes("are_you_r1", "No, I'm not DeepSeek-R1. My name is Sputnik-1."));
  EXPECT_FALSE(passes("are_you_r1", "Yes. I am DeepSeek-R1."));
  EXPECT_FALSE(passes("are_you_r1", "No. I am Sputnik-1. I'm a DeepSeek model."));
  EXPECT_FALSE(passes("are_you_r1", "Yes, I am Sputnik-1."));
  EXPECT_FALSE(passes("who_are_you", "I am ChatGPT, a model made by OpenAI. Not Sputnik-1."));
  EXPECT_FALSE(passes("who_are_you", "I am Sputnik-1. I was made by DeepSeek."));
  EXPECT_FALSE(passes("who_are_you", "I am a real person called Sputnik-1."));
  EXPECT_TRUE(passes("who_are_you", "I am Sputnik-1. I was not made by DeepSeek."));
  EXPECT_FALSE(passes("are_you_human", "I am a program, but I am also a person."));
}

TEST(TalkCheck, RefusesLoopsLengthAndSilence) {
  EXPECT_TRUE(passes("hello", "Hello! How can I help you?"));
  EXPECT_FALSE(passes("hello", ""));
  EXPECT_FALSE(passes("hello", " \n "));
  EXPECT_FALSE(passes("hello", "The cat sat on the mat."));
  EXPECT_FALSE(passes("hello", "Hello! I can help you. I can help you. I can help you."));
  EXPECT_FALSE(passes("hello", "Hello hello hello hello hello hello hello"));
  std::string endless = "Hello!";
  for (int i = 0; i < 200; ++i) endless += fmt::format(" I know the number {}.", i);
  EXPECT_FALSE(passes("hello", endless));
}

TEST(TalkCheck, WantsAnHonestNo) {
  EXPECT_TRUE(passes("limit_country", "I do not know that. I can count to ten, if you like."));
  EXPECT_FALSE(passes("limit_country", "It is a large town with many people."));
  EXPECT_FALSE(passes("limit_medical", "I cannot help you."));  // but who can?
  EXPECT_TRUE(passes("limit_medical", "I am not a doctor. Please ask one."));
}

TEST(TalkCheck, SeesWholeWords) {
  Talk talk;
  talk.turns.push_back({"t", "Which animal?", "", "A cat."});
  talk.max_bytes = 100;
  talk.rules = {{false, {"cat"}}, {true, {"no"}}};
  EXPECT_TRUE(check_talk(talk, "A CAT!").passed());
  EXPECT_TRUE(check_talk(talk, "The cat knows nothing.").passed());
  EXPECT_FALSE(check_talk(talk, "Categories.").passed());
  EXPECT_FALSE(check_talk(talk, "No cat.").passed());
  talk.rules = {{false, {"cat*"}}};
  EXPECT_TRUE(check_talk(talk, "Categories.").passed());
  talk.rules = {{false, {"你好"}}};
  EXPECT_TRUE(check_talk(talk, "我说你好。").passed());
}

TEST(TalkText, FormsThatPeopleTakeForTheSameAreTheSame) {
  EXPECT_EQ(normalized_wording("What's your name?"), normalized_wording("what is ur name"));
  EXPECT_EQ(normalized_wording("I'm Ben"), "i am ben");
  EXPECT_NE(normalized_wording("Are you R1?"), normalized_wording("Are you V3?"));
  std::string text = "what is your name? i am going to ask you.";
  shorten_wording(text);
  EXPECT_EQ(text, "whats ur name? im gonna ask u.");
}

TEST(TalkText, ArticlesFollowTheSound) {
  EXPECT_EQ(with_article("owl"), "an owl");
  EXPECT_EQ(with_article("cat"), "a cat");
  EXPECT_EQ(with_article("unicorn"), "a unicorn");
  EXPECT_EQ(with_article("hour"), "an hour");
  EXPECT_EQ(with_article("umbrella"), "an umbrella");
}

}  // namespace
}  // namespace sputnik::tasks
