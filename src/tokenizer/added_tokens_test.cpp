#include "tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

AddedTokenMatcher matcher(const std::vector<std::string>& contents) {
  std::vector<AddedToken> tokens;
  for (const std::string& content : contents) {
    tokens.push_back(added_token(static_cast<std::int32_t>(tokens.size()), content));
  }
  return AddedTokenMatcher(std::move(tokens));
}

// "text|token|text": all that is found, one after the other.
std::string marked(const AddedTokenMatcher& tokens, std::string_view text) {
  std::string out;
  for (std::size_t begin = 0;;) {
    const auto match = tokens.find(text, begin);
    out += text.substr(begin, match.begin - begin);
    if (match.id < 0) return out;
    out += fmt::format("|{}:{}|", match.id, text.substr(match.begin, match.end - match.begin));
    begin = match.end;
  }
}

TEST(AddedTokens, FindTheLongestAtTheLeftmostPlace) {
  const auto tokens = matcher({"<a", "<a>", "a>b", "<abc>"});
  EXPECT_EQ(marked(tokens, "x<a>b"), "x|1:<a>|b");
  EXPECT_EQ(marked(tokens, "<abc>"), "|3:<abc>|");
  EXPECT_EQ(marked(tokens, "<abc"), "|0:<a|bc");
  EXPECT_EQ(marked(tokens, "<<a<a>"), "<|0:<a||1:<a>|");
  EXPECT_EQ(marked(tokens, ""), "");
  EXPECT_EQ(marked(tokens, "<"), "<");
}

TEST(AddedTokens, NoneFindNothing) {
  const AddedTokenMatcher none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.find("<a>", 0).id, -1);
  EXPECT_EQ(none.find("<a>", 0).begin, 3u);
}

TEST(AddedTokens, AgreeWithASearchForEachOfThem) {
  Rng rng(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> contents;
    for (std::size_t n = 1 + random_below(rng, 6); contents.size() < n;) {
      std::string content;
      for (std::size_t k = 1 + random_below(rng, 4); content.size() < k;) {
        content += "ab<"[random_below(rng, round % 2 == 0 ? 3 : 2)];
      }
      if (round % 3 == 0) content[0] = '<';
      if (std::find(contents.begin(), contents.end(), content) == contents.end()) {
        contents.push_back(content);
      }
    }
    const auto tokens = matcher(contents);
    for (int i = 0; i < 20; ++i) {
      std::string text;
      for (std::size_t k = random_below(rng, 30); text.size() < k;)
        text += "ab<x"[random_below(rng, 4)];
      std::string expected;
      for (std::size_t begin = 0; begin < text.size();) {
        std::size_t longest = contents.size();
        for (std::size_t t = 0; t < contents.size(); ++t) {
          if (text.compare(begin, contents[t].size(), contents[t]) != 0) continue;
          if (longest == contents.size() || contents[t].size() > contents[longest].size())
            longest = t;
        }
        if (longest == contents.size()) {
          expected += text[begin++];
        } else {
          expected += fmt::format("|{}:{}|", longest, contents[longest]);
          begin += contents[longest].size();
        }
      }
      ASSERT_EQ(marked(tokens, text), expected) << text;
    }
  }
}

TEST(AddedTokens, StripWhitespaceOnTheSidesThatTheyAskFor) {
  AddedToken left = added_token(0, "<l>"), right = added_token(1, "<r>");
  left.lstrip = true;
  right.rstrip = true;
  const AddedTokenMatcher tokens({left, right});
  EXPECT_EQ(marked(tokens, "a \u3000<l> b"), "a|0: \u3000<l>| b");
  EXPECT_EQ(marked(tokens, "a <r> \n\u2028b"), "a |1:<r> \n\u2028|b");
  // What an earlier token has taken is gone.
  EXPECT_EQ(marked(tokens, "<r>  <l>"), "|1:<r>  ||0:<l>|");
  EXPECT_EQ(marked(tokens, "  <l>"), "|0:  <l>|");
}

TEST(AddedTokens, SingleWordsTouchNoWordCharacter) {
  AddedToken word = added_token(0, "ab");
  word.single_word = true;
  const AddedTokenMatcher tokens({word, added_token(1, "b")});
  EXPECT_EQ(marked(tokens, "ab"), "|0:ab|");
  EXPECT_EQ(marked(tokens, "-ab."), "-|0:ab|.");
  EXPECT_EQ(marked(tokens, "\u4e00ab"), "\u4e00ab");
  EXPECT_EQ(marked(tokens, "ab_ ab1 ab\u0301"), "ab_ ab1 ab\u0301");
  EXPECT_EQ(marked(tokens, "xab b"), "xab |1:b|");  // passed over whole
}

}  // namespace
}  // namespace sputnik
