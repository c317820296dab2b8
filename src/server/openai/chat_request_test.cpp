#include "server/openai/chat_request.h"

#include <gtest/gtest.h>

#include "server/openai/completion_request.h"
#include "server/service_testing.h"

namespace sputnik::server::openai {
namespace {

using service::ChatInput;
using service::ResponseFormat;
using service::ToolChoice;

constexpr const char* kHello = R"("messages":[{"role":"user","content":"hello"}])";

ChatCall read(const std::string& body) {
  auto call = read_chat_request(post(body));
  EXPECT_TRUE(call.ok()) << body << "\n" << (call.ok() ? "" : call.error().message);
  return call.ok() ? std::move(call).value() : ChatCall{};
}

// With a hello and these fields.
ChatCall read_fields(const std::string& fields) {
  return read("{" + fields + "," + kHello + "}");
}

std::string error_of(const std::string& body) {
  const auto call = read_chat_request(post(body));
  EXPECT_FALSE(call.ok()) << body;
  return call.ok() ? "" : call.error().message;
}

std::string error_of_fields(const std::string& fields) {
  return error_of("{" + fields + "," + kHello + "}");
}

const ChatInput& chat_of(const ChatCall& call) {
  return std::get<ChatInput>(call.request.input);
}

TEST(ChatRequest, LeavesEmptyWhatTheClientLeftOut) {
  const ChatCall call = read_fields(R"("temperature":null,"stop":null,"tools":null)");
  EXPECT_EQ(call.request.model, "");
  EXPECT_FALSE(call.request.sampling.temperature.has_value());
  EXPECT_FALSE(call.request.thinking.enabled.has_value());
  EXPECT_FALSE(call.request.thinking.budget.has_value());
  EXPECT_EQ(call.request.max_tokens, -1);
  EXPECT_TRUE(call.request.stop.empty());
  EXPECT_EQ(call.request.n, 1);
  EXPECT_FALSE(call.request.vote.has_value());
  EXPECT_EQ(call.request.user, "key");
  EXPECT_FALSE(call.reply.stream);
  ASSERT_EQ(chat_of(call).messages.size(), 1u);
  EXPECT_EQ(chat_of(call).messages[0].content, "hello");
}

TEST(ChatRequest, CarriesEverySamplingField) {
  const ChatCall call = read_fields(
      R"("model":"m","temperature":0.5,"top_p":0.9,"min_p":0.1,"top_k":40,"frequency_penalty":-2,
         "presence_penalty":2,"repetition_penalty":1.1,"seed":-1,"n":64,"priority":-3,
         "user_id":"a_b-1","logprobs":true,"top_logprobs":20,"max_tokens":7,"detached":true,
         "receipt":true,"stream":true,"stream_options":{"include_usage":true},"stop":["a","b"])");
  const auto& request = call.request;
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.top_p, 0.9f);
  EXPECT_EQ(request.sampling.min_p, 0.1f);
  EXPECT_EQ(request.sampling.top_k, 40);
  EXPECT_EQ(request.sampling.frequency_penalty, -2.f);
  EXPECT_EQ(request.sampling.presence_penalty, 2.f);
  EXPECT_EQ(request.sampling.repetition_penalty, 1.1f);
  EXPECT_EQ(request.sampling.seed, 0xFFFFFFFFFFFFFFFFu);
  EXPECT_TRUE(request.sampling.logprobs);
  EXPECT_EQ(request.sampling.top_logprobs, 20);
  EXPECT_EQ(request.n, 64);
  EXPECT_EQ(request.priority, -3);
  EXPECT_EQ(request.user, "key/a_b-1");
  EXPECT_EQ(request.max_tokens, 7);
  EXPECT_TRUE(request.detached);
  EXPECT_EQ(request.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(call.reply.receipt);
  EXPECT_TRUE(call.reply.stream);
  EXPECT_TRUE(call.reply.include_usage);
}

TEST(ChatRequest, PrefersTheNewerNameOfMaxTokens) {
  EXPECT_EQ(read_fields(R"("max_tokens":7,"max_completion_tokens":9)").request.max_tokens, 9);
}

TEST(ChatRequest, NamesTheFieldThatIsOutOfItsRange) {
  EXPECT_EQ(error_of_fields(R"("temperature":2.1)"),
            "temperature: 2.1 is not a number from 0 to 2");
  EXPECT_EQ(error_of_fields(R"("max_tokens":0)"),
            "max_tokens: 0 is not an integer from 1 to 16777216");
  EXPECT_EQ(error_of_fields(R"("n":65)"), "n: 65 is not an integer from 1 to 64");
  EXPECT_EQ(error_of_fields(R"("top_logprobs":21,"logprobs":true)"),
            "top_logprobs: 21 is not an integer from 0 to 20");
  EXPECT_EQ(error_of_fields(R"("top_logprobs":2)"), "top_logprobs: it needs \"logprobs\": true");
  EXPECT_EQ(error_of_fields(R"("stream_options":{})"), "stream_options: it needs \"stream\": true");
  EXPECT_EQ(error_of_fields(R"("user_id":"a b")"),
            "user_id: 1 to 512 letters, digits, '_' and '-' are possible");
  EXPECT_EQ(error_of_fields(R"("seed":99999999999999999999)").substr(0, 5), "seed:");
  EXPECT_EQ(error_of_fields(R"("frequency_penalty":1e300)").substr(0, 17), "frequency_penalty");
}

TEST(ChatRequest, NamesTheFieldThatIsOfAnotherType) {
  EXPECT_EQ(error_of_fields(R"("temperature":"1")"),
            "temperature: expected a number, found a string");
  EXPECT_EQ(error_of_fields(R"("stream":1)"), "stream: expected a boolean, found a number");
  EXPECT_EQ(error_of_fields(R"("max_tokens":1.5)"),
            "max_tokens: 1.5 is not an integer from 1 to 16777216");
  EXPECT_EQ(error_of_fields(R"("stop":[1])"), "stop[0]: expected a string, found a number");
  EXPECT_EQ(error_of_fields(R"("stop":"")"), "stop: an empty string is everywhere");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user","content":7}]})"),
            "messages[0].content: expected a string or an array of text parts, found a number");
  EXPECT_EQ(error_of(R"({"messages":"hi"})"), "messages: expected an array, found a string");
  EXPECT_EQ(error_of(R"({"messages":[]})"), "messages: there must be at least one");
  EXPECT_EQ(error_of("{}"), "messages: it is missing");
}

TEST(ChatRequest, TakesSixteenStopStringsAndNoMore) {
  const auto stops = [](int n) {
    std::string list;
    for (int i = 0; i < n; ++i) list += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\"";
    return "\"stop\":[" + list + "]";
  };
  EXPECT_EQ(read_fields(stops(16)).request.stop.size(), 16u);
  EXPECT_EQ(error_of_fields(stops(17)), "stop: 17 strings, at most 16 are possible");
  EXPECT_EQ(read_fields(R"("stop":"x")").request.stop, std::vector<std::string>{"x"});
}

TEST(ChatRequest, KnowsFiveRolesAndNoOther) {
  const ChatCall call = read(
      R"({"messages":[{"role":"developer","content":"d"},{"role":"user","content":"u","name":"Ann"},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
         "function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c1","content":"42"}]})");
  const auto& messages = chat_of(call).messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].role, chat::Role::kSystem);
  EXPECT_EQ(messages[1].name, "Ann");
  EXPECT_FALSE(messages[2].content.has_value());
  ASSERT_EQ(messages[2].tool_calls.size(), 1u);
  EXPECT_EQ(messages[2].tool_calls[0].id, "c1");
  EXPECT_EQ(messages[2].tool_calls[0].name, "f");
  EXPECT_EQ(messages[3].tool_call_id, "c1");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"boss","content":"u"}]})"),
            "messages[0].role: \"boss\" is none of system, developer, user, assistant, tool");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"tool","content":"u"}]})"),
            "messages[0].tool_call_id: it is missing");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user"}]})"), "messages[0].content: it is missing");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"assistant"}]})"),
            "messages[0].content: it is missing");
}

TEST(ChatRequest, JoinsTextPartsAndRefusesOthers) {
  const ChatCall call = read(
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]})");
  EXPECT_EQ(chat_of(call).messages[0].content, "a\nb");
  EXPECT_EQ(
      error_of(R"({"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]})"),
      "messages[0].content[0]: a part of type \"image_url\" is nothing that this model can "
      "read: text alone is");
}

TEST(ChatRequest, MergesNeighboursOfOneRole) {
  const ChatCall call = read(
      R"({"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},
        {"role":"assistant","content":"c"},{"role":"assistant","content":"d"}]})");
  ASSERT_EQ(chat_of(call).messages.size(), 3u);
  EXPECT_EQ(chat_of(call).messages[0].content, "a\n\nb");
}

TEST(ChatRequest, AcceptsOldThoughtsUnderBothNames) {
  const ChatCall call = read(
      R"({"messages":[{"role":"user","content":"a"},
        {"role":"assistant","content":"b","reasoning_content":"r1"},{"role":"user","content":"c"},
        {"role":"assistant","content":"d","reasoning":"r2"},{"role":"user","content":"e"}]})");
  EXPECT_EQ(chat_of(call).messages[1].reasoning, "r1");
  EXPECT_EQ(chat_of(call).messages[3].reasoning, "r2");
}

TEST(ChatRequest, GoesOnWithTheLastMessageIfItIsAPrefix) {
  const ChatCall content = read(
      R"({"messages":[{"role":"user","content":"a"},
        {"role":"assistant","prefix":true,"content":"b","reasoning_content":"r"}]})");
  EXPECT_TRUE(chat_of(content).continue_last);
  EXPECT_EQ(chat_of(content).messages[1].reasoning, "r");
  const ChatCall thought = read(
      R"({"messages":[{"role":"user","content":"a"},
        {"role":"assistant","prefix":true,"content":null,"reasoning_content":"r"}]})");
  EXPECT_TRUE(chat_of(thought).continue_last);
  EXPECT_FALSE(read_fields(R"("model":"m")").request.detached);
  EXPECT_EQ(error_of(
                R"({"messages":[{"role":"assistant","prefix":true,"content":"b"},
                    {"role":"user","content":"a"}]})"),
            "messages[0].prefix: only the last message can be a prefix, and only the assistant's");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user","prefix":true,"content":"b"}]})"),
            "messages[0].prefix: only the last message can be a prefix, and only the assistant's");
}

TEST(ChatRequest, MapsEffortToBudgets) {
  const auto thinking = [](const std::string& fields) {
    return read_fields(fields).request.thinking;
  };
  EXPECT_EQ(thinking(R"("reasoning_effort":"none")").enabled, false);
  EXPECT_EQ(thinking(R"("reasoning_effort":"minimal")").budget, 256);
  EXPECT_EQ(thinking(R"("reasoning_effort":"low")").budget, 1024);
  EXPECT_EQ(thinking(R"("reasoning_effort":"medium")").budget, 4096);
  EXPECT_EQ(thinking(R"("reasoning_effort":"high")").budget, 16384);
  EXPECT_EQ(thinking(R"("reasoning_effort":"xhigh")").budget, 65536);
  EXPECT_EQ(thinking(R"("reasoning_effort":"max")").enabled, true);
  EXPECT_FALSE(thinking(R"("reasoning_effort":"max")").budget.has_value());
  EXPECT_EQ(error_of_fields(R"("reasoning_effort":"huge")"),
            "reasoning_effort: \"huge\" is none of none, minimal, low, medium, high, xhigh, max, "
            "ultra");
}

TEST(ChatRequest, LetsTheThinkingObjectOverruleTheEffort) {
  const auto off =
      read_fields(R"("reasoning_effort":"low","thinking":{"type":"disabled"})").request.thinking;
  EXPECT_EQ(off.enabled, false);
  const auto budget =
      read_fields(R"("thinking":{"type":"enabled","budget_tokens":77})").request.thinking;
  EXPECT_EQ(budget.enabled, true);
  EXPECT_EQ(budget.budget, 77);
  EXPECT_EQ(error_of_fields(R"("thinking":{"type":"maybe"})"),
            "thinking.type: \"maybe\" is none of enabled, disabled, adaptive");
}

TEST(ChatRequest, ReadsEveryResponseFormat) {
  const auto format = [](const std::string& json) {
    return read_fields("\"response_format\":" + json).request.format;
  };
  EXPECT_EQ(format(R"({"type":"text"})").kind, ResponseFormat::Kind::kText);
  EXPECT_EQ(format(R"({"type":"json_object"})").kind, ResponseFormat::Kind::kJsonObject);
  const auto schema =
      format(R"({"type":"json_schema","json_schema":{"name":"n","schema":{"z":1,"a":2}}})");
  EXPECT_EQ(schema.kind, ResponseFormat::Kind::kJsonSchema);
  EXPECT_EQ(schema.text, R"({"z": 1, "a": 2})");
  EXPECT_EQ(format(R"({"type":"regex","regex":"a+"})").text, "a+");
  EXPECT_EQ(format(R"({"type":"grammar","grammar":"root ::= \"a\""})").kind,
            ResponseFormat::Kind::kGrammar);
  EXPECT_EQ(error_of_fields(R"("response_format":{"type":"xml"})"),
            "response_format.type: \"xml\" is none of text, json_object, json_schema, regex, "
            "grammar");
  EXPECT_EQ(error_of_fields(R"("response_format":{"type":"json_schema","json_schema":{}})"),
            "response_format.json_schema.schema: it is missing");
}

constexpr const char* kTools =
    R"("tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,
       "parameters":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer"}}}}},
       {"type":"function","function":{"name":"g"}}])";

TEST(ChatRequest, KeepsToolsAsTheClientWroteThem) {
  const ChatCall call = read_fields(kTools);
  const auto& tools = chat_of(call).tools;
  ASSERT_EQ(tools.size(), 2u);
  EXPECT_EQ(tools[0].name, "f");
  EXPECT_EQ(tools[0].description, "d");
  EXPECT_TRUE(tools[0].strict);
  EXPECT_EQ(
      tools[0].parameters,
      R"({"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "integer"}}})");
  EXPECT_TRUE(tools[0].json.starts_with(
      R"({"type": "function", "function": {"name": "f", "description": "d", "strict": true)"));
  EXPECT_EQ(tools[1].parameters, "");
  EXPECT_TRUE(chat_of(call).parallel_tool_calls);
}

TEST(ChatRequest, ReadsEveryFormOfToolChoice) {
  const auto choice = [](const std::string& json) {
    return chat_of(read_fields(std::string(kTools) + ",\"tool_choice\":" + json)).tool_choice;
  };
  EXPECT_EQ(choice("\"auto\"").kind, ToolChoice::Kind::kAuto);
  EXPECT_EQ(choice("\"none\"").kind, ToolChoice::Kind::kNone);
  EXPECT_EQ(choice("\"required\"").kind, ToolChoice::Kind::kRequired);
  EXPECT_EQ(choice(R"({"type":"function","function":{"name":"g"}})").kind,
            ToolChoice::Kind::kNamed);
  EXPECT_EQ(choice(R"({"type":"function","function":{"name":"g"}})").name, "g");
  const ChatCall allowed =
      read_fields(std::string(kTools) +
                  R"(,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required",
         "tools":[{"type":"function","function":{"name":"g"}}]}},"parallel_tool_calls":false)");
  ASSERT_EQ(chat_of(allowed).tools.size(), 1u);
  EXPECT_EQ(chat_of(allowed).tools[0].name, "g");
  EXPECT_EQ(chat_of(allowed).tool_choice.kind, ToolChoice::Kind::kRequired);
  EXPECT_FALSE(chat_of(allowed).parallel_tool_calls);
}

TEST(ChatRequest, RefusesToolsThatCannotBeCalled) {
  EXPECT_EQ(error_of_fields(R"("tool_choice":"required")"),
            "tool_choice: a call is required, but there are no tools");
  EXPECT_EQ(error_of_fields(std::string(kTools) +
                            R"(,"tool_choice":{"type":"function","function":{"name":"h"}})"),
            "tool_choice: there is no tool of the name \"h\"");
  EXPECT_EQ(error_of_fields(
                R"("tools":[{"type":"function","function":{"name":"f"}},
                            {"type":"function","function":{"name":"f"}}])"),
            "tools: there are two of the name \"f\"");
  EXPECT_EQ(error_of_fields(R"("tools":[{"type":"function","function":{"name":"a b"}}])"),
            "tools[0].function.name: \"a b\" is no name of a tool: 1 to 64 letters, digits, '_' "
            "and '-'");
  EXPECT_EQ(error_of_fields(R"("tools":[{"type":"web_search"}])"),
            "tools[0].type: \"web_search\" is not function");
  std::string many;
  for (int i = 0; i < 129; ++i) many += (i > 0 ? ",{}" : "{}");
  EXPECT_EQ(error_of_fields("\"tools\":[" + many + "]"),
            "tools: 129 of them, at most 128 are possible");
}

TEST(ChatRequest, TakesAVoteOfEightUnlessToldHowMany) {
  EXPECT_EQ(read_fields(R"("cons":true)").request.n, 8);
  EXPECT_TRUE(read_fields(R"("cons":true)").request.vote->early_stop);
  EXPECT_FALSE(read_fields(R"("cons":{"early_stop":false},"n":3)").request.vote->early_stop);
  EXPECT_EQ(read_fields(R"("cons":{"early_stop":false},"n":3)").request.n, 3);
  EXPECT_FALSE(read_fields(R"("cons":false)").request.vote.has_value());
  EXPECT_EQ(error_of_fields(R"("cons":true,"n":1)"), "cons: a vote needs n of 2 at least");
}

TEST(ChatRequest, RefusesRatherThanIgnoresWhatWouldChangeTheAnswer) {
  EXPECT_EQ(error_of_fields(R"("functions":[{"name":"f"}])"),
            "functions: use tools and tool_choice");
  EXPECT_EQ(error_of_fields(R"("logit_bias":{"5":100})"), "logit_bias: it is not supported");
  EXPECT_EQ(error_of_fields(R"("modalities":["text","audio"])"),
            "modalities[1]: text alone is possible");
}

TEST(ChatRequest, SurvivesHostileBodies) {
  EXPECT_EQ(error_of(""), "failed to deserialize the JSON body: it is empty");
  EXPECT_EQ(error_of("[]"),
            "failed to deserialize the JSON body: expected an object, found an array");
  EXPECT_EQ(error_of(std::string(100000, '[')),
            "failed to deserialize the JSON body: JSON nests deeper than 64 levels");
  const std::string malformed =
      error_of("{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}");
  EXPECT_TRUE(malformed.starts_with("failed to deserialize the JSON body: not JSON at byte 4"));
  EXPECT_NE(malformed.find("UTF-8"), std::string::npos) << malformed;
  EXPECT_TRUE(error_of(R"({"messages":[{"role":"user","content":"\ud800"}]})")
                  .starts_with("failed to deserialize the JSON body"));
  EXPECT_EQ(error_of("{\"a\":[" + std::string(1'000'001, ',')),
            "failed to deserialize the JSON body: it has more than 1000000 values");
  EXPECT_TRUE(error_of(R"({"temperature":1e999,"messages":[]})")
                  .starts_with("failed to deserialize the JSON body"));
}

TEST(CompletionRequest, ReadsTextTokensAndTheOldLogprobs) {
  const auto read_text = [](const std::string& body) {
    auto call = read_completion_request(post(body));
    EXPECT_TRUE(call.ok()) << (call.ok() ? "" : call.error().message);
    return call.ok() ? std::move(call).value() : ChatCall{};
  };
  const ChatCall text = read_text(R"({"prompt":"ab","suffix":"c","echo":true,"logprobs":3})");
  const auto& input = std::get<service::CompletionInput>(text.request.input);
  EXPECT_EQ(input.prompt, "ab");
  EXPECT_EQ(input.suffix, "c");
  EXPECT_TRUE(input.echo);
  EXPECT_TRUE(text.request.sampling.logprobs);
  EXPECT_EQ(text.request.sampling.top_logprobs, 3);
  EXPECT_EQ(text.request.max_tokens, 16);
  const ChatCall tokens = read_text(R"({"prompt":[[1,2]]})");
  EXPECT_EQ(std::get<service::CompletionInput>(tokens.request.input).tokens,
            (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(read_completion_request(post(R"({"prompt":["a","b"]})")).error().message,
            "prompt: one prompt at a time is possible");
  EXPECT_EQ(read_completion_request(post(R"({"prompt":[-1]})")).error().message,
            "prompt[0]: -1 is not an integer from 0 to 2147483647");
}

}  // namespace
}  // namespace sputnik::server::openai
