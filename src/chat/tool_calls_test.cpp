#include "chat/tool_calls.h"

#include <gtest/gtest.h>

#include "chat/chat_testing.h"
#include "chat/tool_call_parser.h"

namespace sputnik::chat {
namespace {

struct Parsed {
  std::string content;
  std::vector<ToolCall> calls;
  std::vector<bool> ended;
};

void add(Parsed& parsed, std::span<const ToolEvent> events) {
  for (const ToolEvent& event : events) {
    switch (event.kind) {
      case ToolEvent::Kind::kContent:
        parsed.content += event.text;
        break;
      case ToolEvent::Kind::kCallBegin:
        EXPECT_EQ(event.index, static_cast<int>(parsed.calls.size()));
        parsed.calls.push_back({});
        parsed.calls.back().name = event.text;
        parsed.ended.push_back(false);
        break;
      case ToolEvent::Kind::kArguments:
        ASSERT_LT(static_cast<std::size_t>(event.index), parsed.calls.size());
        parsed.calls[event.index].arguments += event.text;
        break;
      case ToolEvent::Kind::kCallEnd:
        ASSERT_LT(static_cast<std::size_t>(event.index), parsed.calls.size());
        parsed.ended[event.index] = true;
        break;
    }
  }
}

// In two pieces.
Parsed parse(const ToolCallFormat& format, std::string_view text, std::size_t cut = 0) {
  ToolCallParser parser(format);
  Parsed parsed;
  add(parsed, parser.feed_text(text.substr(0, cut)));
  add(parsed, parser.feed_text(text.substr(cut)));
  add(parsed, parser.finish());
  for (const bool ended : parsed.ended) EXPECT_TRUE(ended);
  return parsed;
}

std::string shown(const Parsed& parsed) {
  std::string text = parsed.content;
  for (const ToolCall& call : parsed.calls) text += "|" + call.name + "(" + call.arguments + ")";
  return text;
}

ToolCallFormat tagged() {
  return {};
}

ToolCallFormat llama() {
  ToolCallFormat format;
  format.kind = ToolCallFormat::Kind::kLlama;
  return format;
}

const Tokenizer& tokenizer_for(std::string_view family) {
  static const Tokenizer deepseek = load_family_tokenizer("deepseek-r1"),
                         qwen = load_family_tokenizer("qwen2.5"),
                         distill = load_family_tokenizer("r1-distill-llama"),
                         llama_tokenizer = load_family_tokenizer("llama-3.1");
  return family.starts_with("qwen")       ? qwen
         : family.starts_with("llama")    ? llama_tokenizer
         : family.starts_with("deepseek") ? deepseek
                                          : distill;
}

// What the model would have written, had it written what the template prints for its turn.
std::string turn_of(const ChatTemplate& family, const std::vector<Message>& messages) {
  const auto whole = family.render(messages, {}, {false, false});
  EXPECT_TRUE(whole.ok()) << family.name() << ": " << whole.error().message;
  std::string text = whole.value().text;
  const std::string before = family.render({messages.data(), 1}, {}, {false, false}).value().text;
  EXPECT_TRUE(text.starts_with(before));
  text.erase(0, before.size());
  for (const std::string_view head :
       {"<｜Assistant｜>", "</think>", "<|im_start|>assistant\n",
        "<|start_header_id|>assistant<|end_header_id|>\n\n", " Assistant: ", "Assistant: "}) {
    if (text.starts_with(head)) text.erase(0, head.size());
  }
  // V3 and R1 end every group of calls but the first.
  for (const std::string_view end : family.end_pieces()) {
    for (std::size_t at; (at = text.find(end)) != text.npos;) text.erase(at, end.size());
  }
  return text;
}

ToolCall call(std::string name, std::string arguments) {
  ToolCall result;
  result.name = std::move(name);
  result.arguments = std::move(arguments);
  return result;
}

std::string normal(const std::string& json) {
  const auto parsed = parse_ordered_json(json);
  return parsed.ok() ? to_python_json(parsed.value()) : json;
}

const std::vector<std::vector<ToolCall>> kHistories = {
    {call("get_weather", R"({"city": "Roma", "days": 3})")},
    {call("a", "{}"), call("b-c_D", R"({"x": [1, {"y": "}\"]<tool_call>"}], "z": "日本\n"})")},
    {call("f", R"({"text": "</tool_call> ``` <｜tool▁call▁end｜> {"})"),
     call("f", R"({"n": null})"), call("g", R"({"a":{"b":{"c":[]}}})")},
};

void expect_calls(const Parsed& parsed, const std::vector<ToolCall>& expected) {
  EXPECT_EQ(parsed.content, "");
  ASSERT_EQ(parsed.calls.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(parsed.calls[i].name, expected[i].name);
    EXPECT_EQ(normal(parsed.calls[i].arguments), normal(expected[i].arguments));
  }
}

TEST(ToolCalls, WhatTheTemplatePrintsIsReadBackWhereverItIsCut) {
  for (const std::string_view name : ChatTemplate::names()) {
    const auto family = ChatTemplate::by_name(name).value();
    const auto format = tool_call_format(family, tokenizer_for(name));
    for (const auto& calls : kHistories) {
      if (!format.parallel && calls.size() > 1) continue;
      SCOPED_TRACE(testing::Message() << name << ", " << calls.size());
      Message answer;
      answer.role = Role::kAssistant;
      answer.tool_calls = calls;
      const auto messages =
          messages_with_tools(format, std::vector{make_message(Role::kUser, "q"), answer}, {});
      const std::string text = turn_of(family, messages);
      for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        SCOPED_TRACE(testing::Message() << cut << " of " << text);
        expect_calls(parse(format, text, cut), calls);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(ToolCalls, MarksThatAreTokensAreFoundById) {
  std::size_t n_read = 0;
  for (const std::string_view name : ChatTemplate::names()) {
    const auto family = ChatTemplate::by_name(name).value();
    const Tokenizer& tokenizer = tokenizer_for(name);
    const auto format = tool_call_format(family, tokenizer);
    for (const auto& calls : kHistories) {
      if (!format.parallel && calls.size() > 1) continue;
      SCOPED_TRACE(testing::Message() << name << ", " << calls.size());
      Message answer;
      answer.role = Role::kAssistant;
      answer.tool_calls = calls;
      const auto messages =
          messages_with_tools(format, std::vector{make_message(Role::kUser, "q"), answer}, {});
      const auto rendered = family.render(messages, {}, {false, false}).value();
      const std::string text = turn_of(family, messages);
      // The same text with the template's own control tokens, as the model's ids would be.
      const std::size_t begin = rendered.text.find(text.substr(0, text.find_last_not_of('\n') + 1));
      if (begin == rendered.text.npos) continue;  // an end within the turn
      ++n_read;
      Rendered turn;
      turn.text = text;
      for (const Segment& segment : rendered.segments) {
        const std::size_t from = std::max(segment.begin, begin),
                          to = std::min(segment.end, begin + text.size());
        if (from < to) turn.segments.push_back({from - begin, to - begin, segment.is_control});
      }
      ReasoningOptions options = ReasoningParser::options_for(tokenizer, family, turn);
      options.mark_ids = format.ids();
      options.starts_in_thought = false;
      ReasoningParser reasoning(tokenizer, options);
      ToolCallParser parser(format);
      Parsed parsed;
      for (const std::int32_t id : encode(tokenizer, turn, Injection::kEscaped)) {
        for (const AnswerEvent& event : reasoning.feed(id)) add(parsed, parser.feed(event));
      }
      for (const AnswerEvent& event : reasoning.finish()) add(parsed, parser.feed(event));
      add(parsed, parser.finish());
      expect_calls(parsed, calls);
    }
  }
  EXPECT_GE(n_read, 2 * ChatTemplate::names().size());
}

TEST(ToolCalls, WhatModelsReallyWriteIsUnderstood) {
  const std::pair<const char*, const char*> cases[] = {
      {"No call here.", "No call here."},
      {"a < b and <tool> <tool_cal", "a < b and <tool> <tool_cal"},
      {"Let me see.\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n",
       "Let me see.|f({\"a\": 1})"},
      {"<tool_call>{\"arguments\":{\"a\":1},\"name\":\"f\"}</tool_call>", "|f({\"a\":1})"},
      {"<tool_call>{\"name\":\"f\",\"parameters\":{}}</tool_call>", "|f({})"},
      {"<tool_call>{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}</tool_call>", "|f({\"a\":1})"},
      {"<tool_call>{\"name\":\"f\"}</tool_call>", "|f({})"},
      {"<tool_call>{\"name\":\"f\",\"arguments\":null}</tool_call>", "|f({})"},
      {"<tool_call>\n```json\n{\"name\":\"f\",\"arguments\":{}}\n```\n</tool_call>", "|f({})"},
      {"<tool_call>{\"type\":\"function\",\"name\":\"f\",\"arguments\":{}}", "|f({})"},
      {"<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":[1,", "|f({\"a\":[1,)"},
      {"<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"g\","
       "\"arguments\":{}}</tool_call>",
       "|f({})|g({})"},
      {"<tool_call>{\"name\":\"f\",\"arguments\":{}}<tool_call>{\"name\":\"g\",\"arguments\":{}}",
       "|f({})|g({})"},
      {"The mark <tool_call> begins a call.", "The mark <tool_call> begins a call."},
      {"<tool_call>{\"nam", "<tool_call>{\"nam"},
      {"<tool_call>{oops}</tool_call>", "<tool_call>{oops}</tool_call>"},
      {"<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"a\": "
       "\"`\"}\n```<｜tool▁call▁end｜>",
       "|f({\"a\": \"`\"})"},
      {"x<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\":1}<｜tool▁call▁end｜>"
       "<｜tool▁calls▁end｜>",
       "x|f({\"a\":1})"},
      {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\":{\n```<｜tool▁call▁end｜>",
       "|f({\"a\":{)"},
      {"<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\nnot json\n```<｜tool▁call▁end｜>",
       "|f(not json)"},
      {"{\"name\": \"f\"} is JSON.", "{\"name\": \"f\"} is JSON."},
  };
  for (const auto& [text, expected] : cases) {
    for (std::size_t cut = 0; cut <= std::string_view(text).size(); ++cut)
      ASSERT_EQ(shown(parse(tagged(), text, cut)), expected) << text << " cut at " << cut;
  }
}

TEST(ToolCalls, ALlamasCallIsTheAnswerItself) {
  const std::pair<const char*, const char*> cases[] = {
      {"{\"name\": \"f\", \"parameters\": {\"a\": 1}}", "|f({\"a\": 1})"},
      {"\n\n{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}\n", "|f({})"},
      {"<|python_tag|>{\"name\": \"f\", \"parameters\": {}}", "|f({})"},
      {"{\"name\":\"f\",\"parameters\":{}}; {\"name\":\"g\",\"parameters\":{}}", "|f({})|g({})"},
      {"{x | x > 0} is a set.", "{x | x > 0} is a set."},
      {"{\"answer\": 42}", "{\"answer\": 42}"},
      {"Here: {\"name\": \"f\", \"parameters\": {}}",
       "Here: {\"name\": \"f\", \"parameters\": {}}"},
      {"{", "{"},
  };
  for (const auto& [text, expected] : cases) {
    for (std::size_t cut = 0; cut <= std::string_view(text).size(); ++cut)
      ASSERT_EQ(shown(parse(llama(), text, cut)), expected) << text << " cut at " << cut;
  }
}

TEST(ToolCalls, ContentIsHeldBackOnlyWhileItMayBeAMark) {
  ToolCallParser parser(tagged());
  const auto content = [&](std::string_view text) {
    std::string shown_now;
    for (const ToolEvent& event : parser.feed_text(text)) shown_now += event.text;
    return shown_now;
  };
  EXPECT_EQ(content("Hello"), "Hello");
  EXPECT_EQ(content(" <to"), "");
  EXPECT_EQ(content("ol"), "");
  EXPECT_EQ(content("s>!"), " <tools>!");
}

TEST(ToolCalls, ArgumentsComeAsTheyAreWritten) {
  ToolCallParser parser(tagged());
  std::vector<ToolEvent::Kind> kinds;
  std::string arguments;
  for (const char* piece :
       {"<tool_call>{\"name\": \"f", "\", \"arguments\": {\"a", "\": 1", "}}"}) {
    for (const ToolEvent& event : parser.feed_text(piece)) {
      kinds.push_back(event.kind);
      if (event.kind == ToolEvent::Kind::kArguments) arguments += event.text + "|";
    }
  }
  using Kind = ToolEvent::Kind;
  EXPECT_EQ(kinds, (std::vector{Kind::kCallBegin, Kind::kArguments, Kind::kArguments,
                                Kind::kArguments, Kind::kCallEnd}));
  EXPECT_EQ(arguments, "{\"a|\": 1|}|");
}

TEST(ToolCalls, FamiliesWithoutToolsAreToldInWords) {
  Tool tool;
  tool.name = "f";
  tool.description = "Does \"it\".";
  tool.parameters = R"({"type": "object", "properties": {"a": {"type": "string"}}})";
  Message answer;
  answer.role = Role::kAssistant;
  answer.tool_calls = {call("f", R"({"a": "b"})"), call("f", "{}")};
  Message result = make_message(Role::kTool, "one");
  const std::vector<Message> messages = {make_message(Role::kSystem, "Be brief."),
                                         make_message(Role::kUser, "q"), answer, result,
                                         make_message(Role::kTool, "two")};
  for (const std::string_view name : ChatTemplate::names()) {
    SCOPED_TRACE(name);
    const auto family = ChatTemplate::by_name(name).value();
    const auto format = tool_call_format(family, tokenizer_for(name));
    if (!format.parallel) continue;
    const auto texts = tool_texts({&tool, 1});
    const auto rendered =
        family.render(messages_with_tools(format, messages, {&tool, 1}), texts, {true, false});
    ASSERT_TRUE(rendered.ok()) << rendered.error().message;
    const std::string& text = rendered.value().text;
    for (const std::string_view part :
         {"Be brief.", "Does \\\"it\\\".", "\"a\": \"b\"", "one", "two"})
      EXPECT_NE(text.find(part), text.npos) << part << " in " << text;
    // What the preamble or a message spells is no control token.
    for (const Segment& segment : rendered.value().segments) {
      if (!segment.is_control || format.template_writes_calls) continue;
      const auto piece = text.substr(segment.begin, segment.end - segment.begin);
      EXPECT_EQ(piece.find("tool"), piece.npos);
    }
  }
}

TEST(ToolCalls, MarksDoNotTouchAnswersWithoutTools) {
  const Tokenizer& tokenizer = tokenizer_for("deepseek-r1");
  const auto family = ChatTemplate::by_name("deepseek-r1").value();
  const std::string text = "a<｜tool▁call▁begin｜>b";
  const auto ids = tokenizer.encode(text, {.parse_special = true});
  const auto run = [&](bool with_marks) {
    ReasoningOptions options = ReasoningParser::options_for(tokenizer, family, {});
    options.at_start_of_text = false;
    if (with_marks) options.mark_ids = tool_call_format(family, tokenizer).ids();
    ReasoningParser parser(tokenizer, options, StopStrings::create({"ab"}).value());
    std::vector<AnswerEvent> events;
    for (const std::int32_t id : ids) {
      for (const AnswerEvent& event : parser.feed(id)) events.push_back(event);
    }
    for (const AnswerEvent& event : parser.finish()) events.push_back(event);
    return events;
  };
  std::string plain;
  for (const AnswerEvent& event : run(false)) plain += event.text;
  EXPECT_EQ(plain, text);
  // A stop string is not put together from both sides of a mark, and what it held back comes first.
  const auto events = run(true);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0], (AnswerEvent{AnswerEvent::Kind::kContent, "a"}));
  EXPECT_EQ(events[1].kind, AnswerEvent::Kind::kMark);
  EXPECT_EQ(events[1].text, "<｜tool▁call▁begin｜>");
  EXPECT_EQ(events[2].text, "b");
}

}  // namespace
}  // namespace sputnik::chat
