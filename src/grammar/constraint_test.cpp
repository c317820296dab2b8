#include "grammar/constraint.h"

#include <gtest/gtest.h>

#include <regex>

#include "base/utf8.h"
#include "grammar/grammar_testing.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik::grammar {
namespace {

GrammarPtr regex_of(std::string_view pattern) {
  auto grammar = regex(pattern);
  EXPECT_TRUE(grammar.ok()) << pattern << ": " << grammar.error().message;
  return std::move(grammar).value();
}

GrammarPtr gbnf_of(std::string_view text) {
  auto grammar = gbnf(text);
  EXPECT_TRUE(grammar.ok()) << text << ": " << grammar.error().message;
  return std::move(grammar).value();
}

const std::int64_t kTinySize = tiny_tokenizer().vocab_size() + 5;

TEST(Constraint, AllowsOnlyEndTokensWhenNothingMayFollow) {
  const auto constraint = constrain(regex_of("ab"), tiny_vocabulary());
  EXPECT_FALSE(constraint->complete());
  constraint->accept(tiny_id("ab"));
  EXPECT_TRUE(constraint->complete());
  EXPECT_EQ(allowed_ids(*constraint, kTinySize), std::vector{tiny_id("<end>")});
  constraint->accept(tiny_id("<end>"));
  EXPECT_TRUE(constraint->complete());
  EXPECT_EQ(allowed_ids(*constraint, kTinySize), std::vector{tiny_id("<end>")});
}

TEST(Constraint, AllowsEndTokensAsSoonAsTheTextIsWhole) {
  const auto constraint = constrain(regex_of("a+"), tiny_vocabulary());
  const auto has_end = [&] {
    const auto ids = allowed_ids(*constraint, kTinySize);
    return std::find(ids.begin(), ids.end(), tiny_id("<end>")) != ids.end();
  };
  EXPECT_FALSE(has_end());
  constraint->accept('a');
  EXPECT_TRUE(has_end());
  constraint->accept('a');
  EXPECT_TRUE(has_end());
}

TEST(Constraint, TokensMayCrossTheBordersOfRules) {
  const GrammarPtr grammar = gbnf_of("root ::= a b a\na ::= \"x\" | \"a\"\nb ::= \"b\"");
  const auto constraint = constrain(grammar, tiny_vocabulary());
  constraint->accept(tiny_id("ab"));
  EXPECT_EQ(allowed_ids(*constraint, kTinySize), (std::vector<std::int32_t>{'a', 'x'}));
}

TEST(Constraint, ControlTokensMayStandOnlyWhereAGrammarNamesThem) {
  const std::int32_t call = tiny_id("<call>");
  const auto free = constrain(text_without({call}, {}), tiny_vocabulary());
  const auto ids = allowed_ids(*free, kTinySize);
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(tiny_tokenizer().vocab_size()) - 2);
  EXPECT_EQ(std::find(ids.begin(), ids.end(), call), ids.end());

  const auto named = constrain(sequence({Token{call}, std::string("x")}), tiny_vocabulary());
  named->accept(call);
  EXPECT_EQ(allowed_ids(*named, kTinySize), std::vector<std::int32_t>{'x'});
}

TEST(Constraint, TextMayNotContainForbiddenStrings) {
  const GrammarPtr grammar = text_without({}, {"<tool", "abab", "ba"});
  EXPECT_TRUE(accepts(grammar, "<to <<too <tooL ab"));
  EXPECT_FALSE(accepts(grammar, "x<tool"));
  EXPECT_FALSE(accepts(grammar, "<<tool>"));
  EXPECT_FALSE(accepts(grammar, "aba"));
  Rng rng(5);
  for (int i = 0; i < 50; ++i) {
    const Walk walk = random_walk(grammar, tiny_tokenizer(), tiny_vocabulary(), rng, 300);
    EXPECT_EQ(walk.text.find("<tool"), walk.text.npos);
    EXPECT_EQ(walk.text.find("ba"), walk.text.npos);
  }
}

TEST(Constraint, AtMostTwoLineBreaksStandBeforeTheText) {
  const GrammarPtr grammar = regex_of("a");
  EXPECT_TRUE(accepts(grammar, "a"));
  EXPECT_TRUE(accepts(grammar, "\na"));
  EXPECT_TRUE(accepts(grammar, "\n\na"));
  EXPECT_FALSE(accepts(grammar, "\n\n\na"));
  EXPECT_FALSE(accepts(grammar, " a"));
  EXPECT_FALSE(accepts(grammar, "a\n"));
}

TEST(Constraint, ClonesGoTheirOwnWays) {
  const auto first = constrain(regex_of("a(b|c)d"), tiny_vocabulary());
  first->accept('a');
  const auto second = first->clone();
  first->accept('b');
  EXPECT_EQ(allowed_ids(*second, kTinySize), (std::vector<std::int32_t>{'b', 'c'}));
  second->accept('c');
  second->accept('d');
  EXPECT_TRUE(second->complete());
  EXPECT_FALSE(first->complete());
}

TEST(Constraint, GrammarsArePutTogether) {
  const GrammarPtr word = regex_of("[a-z]+");
  const GrammarPtr list =
      sequence({std::string("<"), repeat(sequence({word, std::string(";")}), 2, 3),
                one_of({regex_of("0"), regex_of("00"), gbnf_of("root ::= \"1\" root | \"2\"")}),
                std::string(">")});
  EXPECT_TRUE(accepts(list, "<a;bc;0>"));
  EXPECT_TRUE(accepts(list, "<a;b;c;00>"));
  EXPECT_TRUE(accepts(list, "<a;b;112>"));
  EXPECT_FALSE(accepts(list, "<a;0>"));
  EXPECT_FALSE(accepts(list, "<a;b;c;d;0>"));
  EXPECT_FALSE(accepts(list, "<a;b;11>"));
  const GrammarPtr any = repeat(word, 0, -1);
  EXPECT_TRUE(accepts(any, ""));
  EXPECT_TRUE(accepts(any, "abc"));
}

// What is written out of masks matches, and what matches is allowed.
TEST(Constraint, RegexAgreesWithTheStandardLibrary) {
  const std::string patterns[] = {
      "a*b+c?",
      "(?:ab|a)*",
      "[a-c]{2,4}x",
      "(a|b)*a(a|b){3}",
      "\\d{1,3}(?:\\.\\d{1,3}){3}",
      "[^a-z\\s]{3}",
      "\\w+@\\w+\\.(com|org)",
      "(x(y(z)?)?)?",
      "-?(?:0|[1-9]\\d*)(?:\\.\\d+)?",
      "\\{\\[\\(\\\\\\)\\]\\}",
      "(a{2}){3}",
      "(?:[ab]{1,40}c){2}",
  };
  Rng rng(1);
  for (const std::string& pattern : patterns) {
    SCOPED_TRACE(pattern);
    const GrammarPtr grammar = regex_of(pattern);
    const std::regex expected(pattern);
    for (int i = 0; i < 20; ++i) {
      Walk walk = random_walk(grammar, tiny_tokenizer(), tiny_vocabulary(), rng, 30);
      EXPECT_TRUE(walk.complete);
      walk.text.erase(0, walk.text.find_first_not_of('\n'));
      // The standard library reads bytes, and so other characters than ASCII are several.
      bool is_ascii = true;
      for (const char c : walk.text) is_ascii &= static_cast<unsigned char>(c) < 0x80;
      if (is_ascii) {
        EXPECT_TRUE(std::regex_match(walk.text, expected)) << walk.text;
      }
      EXPECT_TRUE(is_valid_utf8(walk.text));
      // Changed a little, the text is allowed if and only if it still matches.
      std::string changed = walk.text;
      if (changed.empty()) changed = "a";
      changed[random_below(rng, changed.size())] = "abcxyz01.@-{"[random_below(rng, 12)];
      if (is_ascii) {
        EXPECT_EQ(accepts(grammar, changed), std::regex_match(changed, expected)) << changed;
      }
    }
  }
}

TEST(Constraint, RegexKnowsUnicode) {
  EXPECT_TRUE(accepts(regex_of("."), "日"));
  EXPECT_TRUE(accepts(regex_of("[ä-ü]+"), "äöü"));
  EXPECT_TRUE(accepts(regex_of("\\u{1F600}\\u65e5\\uD83D\\uDE00"), "😀日😀"));
  EXPECT_TRUE(accepts(regex_of("[^a]"), "\xF4\x8F\xBF\xBF"));
  EXPECT_FALSE(accepts(regex_of("."), "\xE6\x97"));
  EXPECT_FALSE(accepts(regex_of("."), "\n"));
  EXPECT_FALSE(accepts(regex_of("[^b]"), "\xED\xA0\x80"));
}

TEST(Constraint, RegexRefusesWhatItDoesNotUnderstand) {
  const std::pair<const char*, ErrorCode> cases[] = {
      {"(?=a)b", ErrorCode::kUnsupported},
      {"(?<!a)b", ErrorCode::kUnsupported},
      {"(a)\\1", ErrorCode::kUnsupported},
      {"\\bfoo", ErrorCode::kUnsupported},
      {"\\p{L}", ErrorCode::kUnsupported},
      {"a^b", ErrorCode::kUnsupported},
      {"(a", ErrorCode::kInvalidArgument},
      {"a)", ErrorCode::kInvalidArgument},
      {"[a", ErrorCode::kInvalidArgument},
      {"*a", ErrorCode::kInvalidArgument},
      {"a{3,1}", ErrorCode::kInvalidArgument},
      {"[z-a]", ErrorCode::kInvalidArgument},
      {"a\\", ErrorCode::kInvalidArgument},
      {"\xFF", ErrorCode::kInvalidArgument},
      {"[]", ErrorCode::kInvalidArgument},
      {"a{999999999}", ErrorCode::kUnsupported},
      {"(.{50000}){50000}b{50000}c{50000}", ErrorCode::kUnsupported},
  };
  for (const auto& [pattern, code] : cases) {
    const auto grammar = regex(pattern);
    ASSERT_FALSE(grammar.ok()) << pattern;
    EXPECT_EQ(grammar.error().code, code) << pattern << ": " << grammar.error().message;
  }
}

TEST(Constraint, CountsAddUpRatherThanMultiply) {
  EXPECT_TRUE(regex("((a{1000}){1000}){1000}").ok());
  // An automaton that would have 2^30 states if it were made at once.
  const GrammarPtr grammar = regex_of("(?:a|b)*a(?:a|b){30}");
  Rng rng(3);
  const Walk walk = random_walk(grammar, tiny_tokenizer(), tiny_vocabulary(), rng, 200);
  EXPECT_TRUE(walk.complete);
  EXPECT_TRUE(std::regex_match(walk.text.substr(walk.text.find_first_not_of('\n')),
                               std::regex("(?:a|b)*a(?:a|b){30}")));
}

TEST(Constraint, GbnfReadsWhatLlamaCppDocuments) {
  const GrammarPtr chess = gbnf_of(R"(
# A game.
root   ::= "1. " move " " move "\n" ([1-9] [0-9]? ". " move " " move "\n")+
move   ::= (pawn | nonpawn | castle) [+#]?
nonpawn ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
pawn   ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
castle ::= "O-O" "-O"?
)");
  EXPECT_TRUE(accepts(chess, "1. e4 e5\n2. Nf3 O-O\n"));
  EXPECT_FALSE(accepts(chess, "1. e4 e5\n"));
  EXPECT_FALSE(accepts(chess, "1. e9 e5\n2. Nf3 O-O\n"));
  EXPECT_TRUE(accepts(gbnf_of("root ::= [^\\n\"]{2,3} \"\\x41\\u00e4\" |\n  \"b\""), "日xA\u00e4"));
  EXPECT_TRUE(accepts(gbnf_of("root ::= \"a\"\n     | \"b\" # or\n     | \"c\""), "c"));
  EXPECT_TRUE(accepts(gbnf_of("root ::= x* \"!\"\nx ::= \"a\" | (\"b\" \"c\")"), "abcbca!"));
  const GrammarPtr nested = gbnf_of("root ::= \"(\" root* \")\"");
  EXPECT_TRUE(accepts(nested, "(()(()))"));
  EXPECT_FALSE(accepts(nested, "(()"));
  const std::int32_t call = tiny_id("<call>");
  const auto constraint =
      constrain(gbnf_of("root ::= <[" + std::to_string(call) + "]> \"x\""), tiny_vocabulary());
  constraint->accept(call);
  EXPECT_EQ(allowed_ids(*constraint, kTinySize), std::vector<std::int32_t>{'x'});
}

TEST(Constraint, ANamedTokenMaySpellSomethingAsWell) {
  const std::string named = std::to_string(tiny_id("ab"));
  const auto constraint =
      constrain(gbnf_of("root ::= <[" + named + "]> \"x\" | \"abc\""), tiny_vocabulary());
  constraint->accept(tiny_id("ab"));
  EXPECT_EQ(allowed_ids(*constraint, kTinySize), (std::vector<std::int32_t>{'c', 'x'}));
}

TEST(Constraint, GbnfRefusesWhatCannotBeWritten) {
  const std::pair<const char*, std::string_view> cases[] = {
      {"", "no rule \"root\""},
      {"a ::= \"x\"", "no rule \"root\""},
      {"root ::= b", "\"b\" is not defined"},
      {"root ::= \"a", "without its end"},
      {"root ::= (\"a\"", "expected \")\""},
      {"root ::= \"a\" )", "end of the rule"},
      {"root ::= \"a\"\nroot ::= \"b\"", "twice"},
      {"root ::= root \"a\" | \"a\"", "left recursion"},
      {"root ::= e root | \"a\"\ne ::= \"x\"?", "left recursion"},
      {"root ::= root", "no text"},
      {"root ::= \"a\" root", "no text"},
      {"root := \"a\"", "line 1"},
      {"root ::= <think>", "<[id]>"},
  };
  for (const auto& [text, expected] : cases) {
    const auto grammar = gbnf(text);
    ASSERT_FALSE(grammar.ok()) << text;
    EXPECT_NE(grammar.error().message.find(expected), std::string::npos)
        << text << ": " << grammar.error().message;
  }
}

TEST(Constraint, DeadEndsAreNotEntered) {
  // "ab" leads nowhere, so its "a" may not be written.
  const GrammarPtr grammar = gbnf_of("root ::= \"a\" never | \"c\"\nnever ::= \"b\" never");
  const auto constraint = constrain(grammar, tiny_vocabulary());
  EXPECT_EQ(allowed_ids(*constraint, kTinySize),
            (std::vector<std::int32_t>{'\n', 'c', tiny_id("\n\n")}));
}

TEST(Constraint, AmbiguityAndDepthAreBounded) {
  // Exponentially many ways to read the same text.
  const GrammarPtr ambiguous = gbnf_of("root ::= \"a\" root root | \"a\"? root2\nroot2 ::= \"b\"?");
  const auto constraint = constrain(ambiguous, tiny_vocabulary());
  for (int i = 0; i < 400; ++i) {
    ASSERT_FALSE(allowed_ids(*constraint, kTinySize).empty());
    constraint->accept('a');
  }
  // Nests as deep as it may, and then has to come back.
  const auto deep = constrain(gbnf_of("root ::= \"(\" root \")\" | \"x\""), tiny_vocabulary());
  int depth = 0;
  while (true) {
    const auto ids = allowed_ids(*deep, kTinySize);
    if (std::find(ids.begin(), ids.end(), '(') == ids.end()) break;
    deep->accept('(');
    ASSERT_LT(++depth, 1000);
  }
  EXPECT_GT(depth, 100);
  EXPECT_EQ(allowed_ids(*deep, kTinySize), std::vector<std::int32_t>{'x'});
  deep->accept('x');
  for (; depth > 0; --depth) deep->accept(')');
  EXPECT_TRUE(deep->complete());
}

}  // namespace
}  // namespace sputnik::grammar
