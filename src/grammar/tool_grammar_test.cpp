#include "grammar/tool_grammar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "chat/tool_call_parser.h"
#include "grammar/grammar_testing.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik::grammar {
namespace {

using chat::ToolCallFormat;
using chat::ToolEvent;
using chat::ToolMark;
using Json = nlohmann::json;

// Bytes, and every mark as a control token, so that random walks find them.
const Tokenizer& marks_tokenizer() {
  static const Tokenizer tokenizer = [] {
    TokenizerSpec spec = byte_level_spec({{"{", "\""}, {"\"", ":"}, {"}", "\n"}, {"<", "t"}});
    auto id = static_cast<std::int32_t>(spec.pieces.size());
    for (int i = 0; i < chat::kNumToolMarks; ++i)
      spec.added_tokens.push_back(added_token(id++, chat::text_of(static_cast<ToolMark>(i))));
    spec.added_tokens.push_back(added_token(id++, "<end>"));
    return Tokenizer::from_spec(std::move(spec)).value();
  }();
  return tokenizer;
}

std::shared_ptr<const Vocabulary> marks_vocabulary() {
  const Tokenizer& tokenizer = marks_tokenizer();
  static const auto vocabulary =
      Vocabulary::create(tokenizer, {*tokenizer.id_of("<end>")}, tokenizer.vocab_size());
  return vocabulary;
}

std::vector<chat::Tool> two_tools(bool strict) {
  chat::Tool weather, stop;
  weather.name = "get_weather";
  weather.parameters =
      R"({"type":"object","properties":{"city":{"type":"string","maxLength":4},"days":{"type":"integer","minimum":1,"maximum":9}},"required":["city","days"],"additionalProperties":false})";
  weather.strict = strict;
  stop.name = "get_out";
  return {weather, stop};
}

struct Call {
  std::string name, arguments;
};
struct Parsed {
  std::string content;
  std::vector<Call> calls;
  int n_ended = 0;
};

Parsed parse(const ToolCallFormat& format, const Walk& walk) {
  chat::ToolCallParser parser(format);
  Parsed parsed;
  const auto add = [&](std::span<const ToolEvent> events) {
    for (const ToolEvent& event : events) {
      if (event.kind == ToolEvent::Kind::kContent) parsed.content += event.text;
      if (event.kind == ToolEvent::Kind::kCallBegin) parsed.calls.push_back({event.text, ""});
      if (event.kind == ToolEvent::Kind::kArguments)
        parsed.calls.at(event.index).arguments += event.text;
      parsed.n_ended += event.kind == ToolEvent::Kind::kCallEnd;
    }
  };
  const auto ids = format.ids();
  for (const std::int32_t id : walk.ids) {
    const bool is_mark = std::binary_search(ids.begin(), ids.end(), id);
    add(is_mark ? parser.feed_mark(id) : parser.feed_text(marks_tokenizer().token_bytes(id)));
  }
  add(parser.finish());
  return parsed;
}

TEST(ToolGrammar, WhatItAllowsIsReadAsCallsThatAreValid) {
  // With marks as tokens, and spelled.
  const Tokenizer plain = Tokenizer::from_spec(byte_level_spec({})).value();
  Rng rng(3);
  int n_texts = 0, n_calls = 0, n_parallel = 0;
  for (const std::string_view name : chat::ChatTemplate::names()) {
    const auto family = chat::ChatTemplate::by_name(name).value();
    for (const Tokenizer* tokenizer : {&marks_tokenizer(), &plain}) {
      const auto format = chat::tool_call_format(family, *tokenizer);
      for (const auto kind :
           {ToolChoice::Kind::kAuto, ToolChoice::Kind::kRequired, ToolChoice::Kind::kNamed}) {
        for (const bool strict : {false, true}) {
          const auto tools = two_tools(strict);
          const ToolChoice choice{kind, kind == ToolChoice::Kind::kNamed ? "get_weather" : ""};
          const auto grammar = tool_call_grammar(format, tools, choice, true);
          ASSERT_TRUE(grammar.ok()) << grammar.error().message;
          for (int i = 0; i < 8; ++i) {
            const Walk walk =
                random_walk(grammar.value(), marks_tokenizer(), marks_vocabulary(), rng, 200);
            SCOPED_TRACE(testing::Message()
                         << name << ", " << static_cast<int>(kind) << ": " << walk.text);
            EXPECT_TRUE(walk.complete);
            const Parsed parsed = parse(format, walk);
            EXPECT_EQ(parsed.n_ended, static_cast<int>(parsed.calls.size()));
            n_texts += parsed.calls.empty();
            n_calls += !parsed.calls.empty();
            n_parallel += parsed.calls.size() > 1;
            for (const chat::ToolMark mark : chat::opening_marks())
              EXPECT_EQ(parsed.content.find(chat::text_of(mark)), std::string::npos);
            if (kind != ToolChoice::Kind::kAuto) {
              EXPECT_EQ(parsed.content, "");
              EXPECT_GE(parsed.calls.size(), 1u);
            }
            if (kind == ToolChoice::Kind::kNamed) {
              EXPECT_EQ(parsed.calls.size(), 1u);
            }
            if (!format.parallel) {
              EXPECT_LE(parsed.calls.size(), 1u);
            }
            for (const Call& call : parsed.calls) {
              const Json arguments = Json::parse(call.arguments, nullptr, false);
              ASSERT_TRUE(arguments.is_object()) << call.arguments;
              const bool is_weather = call.name == "get_weather";
              EXPECT_TRUE(is_weather || call.name == "get_out") << call.name;
              if (is_weather && (strict || kind != ToolChoice::Kind::kAuto)) {
                EXPECT_EQ(why_invalid(Json::parse(tools[0].parameters), arguments), "");
              }
              if (!is_weather && kind != ToolChoice::Kind::kAuto) {
                EXPECT_TRUE(arguments.empty());
              }
            }
          }
        }
      }
    }
  }
  EXPECT_GT(n_texts, 50);
  EXPECT_GT(n_calls, 200);
  EXPECT_GT(n_parallel, 20);
}

TEST(ToolGrammar, TextThenCallsAreAllowedTokenByToken) {
  const Tokenizer& tokenizer = family_tokenizer("qwen2.5");
  const auto qwen =
      chat::tool_call_format(chat::ChatTemplate::by_name("qwen2.5").value(), tokenizer);
  const auto grammar =
      tool_call_grammar(qwen, two_tools(true), {ToolChoice::Kind::kAuto, ""}, true).value();
  const std::string call =
      "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Roma\", \"days\": 2}}\n"
      "</tool_call>";
  for (const std::string& text :
       {std::string("Just a < b text."), call, "Let me see.\n\n" + call + "\n" + call}) {
    const auto ids = tokenizer.encode(text, {.parse_special = true});
    const auto why = refusal(grammar, family_vocabulary("qwen2.5"), ids, tokenizer.vocab_size());
    EXPECT_FALSE(why.has_value()) << text << ": " << *why;
  }
  for (const std::string& text : {call + "x", "<tool_call>\n{\"name\": \"other\"" + call}) {
    const auto ids = tokenizer.encode(text, {.parse_special = true});
    EXPECT_TRUE(refusal(grammar, family_vocabulary("qwen2.5"), ids, tokenizer.vocab_size()));
  }
}

TEST(ToolGrammar, SaysWhichToolIsWrong) {
  const ToolCallFormat format;
  const auto error_of = [&](std::vector<chat::Tool> tools, const ToolChoice& choice) {
    const auto grammar = tool_call_grammar(format, tools, choice, true);
    return grammar.ok() ? std::string() : grammar.error().message;
  };
  const ToolChoice automatic, required{ToolChoice::Kind::kRequired, ""},
      named{ToolChoice::Kind::kNamed, "nothing"};
  chat::Tool tool;
  tool.name = "f";
  EXPECT_EQ(error_of({}, automatic), "there are no tools to call");
  EXPECT_EQ(error_of({tool, tool}, automatic), "two tools are named \"f\"");
  EXPECT_EQ(error_of({tool}, named), "there is no tool \"nothing\" to be called");
  tool.parameters = R"({"not":{}})";
  EXPECT_EQ(error_of({tool}, automatic), "");
  EXPECT_EQ(error_of({tool}, required), "");  // any object
  tool.strict = true;
  EXPECT_EQ(error_of({tool}, automatic), "tool f: $: \"not\" is not supported");
  tool.name = "a\"b";
  EXPECT_EQ(error_of({tool}, automatic), "\"a\"b\" is no name");
}

}  // namespace
}  // namespace sputnik::grammar
