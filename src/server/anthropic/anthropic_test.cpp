#include <gtest/gtest.h>

#include "server/anthropic/anthropic_reply.h"
#include "server/anthropic/anthropic_request.h"
#include "server/anthropic/anthropic_routes.h"
#include "server/common/json_out.h"
#include "server/service_testing.h"

namespace sputnik::server::anthropic {
namespace {

using service::Finish;
using service::ToolChoice;

MessagesCall read(const std::string& body) {
  auto call = read_messages_request(post(body));
  EXPECT_TRUE(call.ok()) << (call.ok() ? "" : call.error().message);
  return call.ok() ? std::move(call).value() : MessagesCall{};
}
MessagesCall read_fields(const std::string& fields) {
  return read("{" + fields + R"(,"messages":[{"role":"user","content":"hi"}]})");
}
const service::ChatInput& chat_of(const MessagesCall& call) {
  return std::get<service::ChatInput>(call.request.input);
}
std::string error_of(const std::string& body) {
  const auto call = read_messages_request(post(body));
  EXPECT_FALSE(call.ok()) << body;
  return call.ok() ? "" : call.error().message;
}
std::string error_of_fields(const std::string& fields) {
  return error_of("{" + fields + R"(,"messages":[{"role":"user","content":"hi"}]})");
}

TEST(AnthropicRequest, CarriesEveryField) {
  const MessagesCall call = read_fields(
      R"("model":"claude-x","max_tokens":4096,"temperature":1,"top_p":0.5,"top_k":5,"stream":true,
         "stop_sequences":["a","b"],"metadata":{"user_id":"ann"},
         "system":[{"type":"text","text":"s1","cache_control":{"type":"ephemeral"}},{"type":"text","text":"s2"}],
         "thinking":{"type":"enabled","budget_tokens":100})");
  EXPECT_EQ(call.request.model, "claude-x");
  EXPECT_EQ(call.request.max_tokens, 4096);
  EXPECT_EQ(call.request.sampling.temperature, 1.f);
  EXPECT_EQ(call.request.sampling.top_p, 0.5f);
  EXPECT_EQ(call.request.sampling.top_k, 5);
  EXPECT_EQ(call.request.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(call.request.user, "key/ann");
  EXPECT_EQ(call.request.thinking.enabled, true);
  EXPECT_EQ(call.request.thinking.budget, 100);
  EXPECT_TRUE(call.stream);
  EXPECT_EQ(chat_of(call).messages[0].role, chat::Role::kSystem);
  EXPECT_EQ(chat_of(call).messages[0].content, "s1\ns2");
  EXPECT_FALSE(chat_of(call).continue_last);
}

TEST(AnthropicRequest, ChecksTheBudgetOfThoughts) {
  EXPECT_EQ(
      error_of_fields(R"("max_tokens":100,"thinking":{"type":"enabled","budget_tokens":100})"),
      "thinking.budget_tokens: 100 is not less than max_tokens, 100");
  EXPECT_EQ(error_of_fields(R"("thinking":{"type":"enabled","budget_tokens":0})"),
            "thinking.budget_tokens: 0 is not an integer from 1 to 16777216");
  EXPECT_EQ(error_of_fields(R"("thinking":{"type":"on"})"),
            "thinking.type: \"on\" is none of enabled, disabled, adaptive");
  EXPECT_EQ(read_fields(R"("thinking":{"type":"disabled"})").request.thinking.enabled, false);
  EXPECT_FALSE(read_fields(R"("thinking":{"type":"adaptive"})").request.thinking.enabled);
  EXPECT_EQ(read_fields(R"("output_config":{"effort":"low"})").request.thinking.budget, 1024);
}

TEST(AnthropicRequest, TurnsBlocksIntoMessages) {
  const MessagesCall call = read(
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
        {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},
          {"type":"redacted_thinking","data":"x"},{"type":"text","text":"c"},
          {"type":"tool_use","id":"u1","name":"f","input":{"z":1,"a":2}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"u1","is_error":true,
          "content":[{"type":"text","text":"no"}]},{"type":"text","text":"d"}]}]})");
  const auto& messages = chat_of(call).messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].content, "a\nb");
  EXPECT_EQ(messages[1].reasoning, "t");
  EXPECT_EQ(messages[1].content, "c");
  EXPECT_EQ(messages[1].tool_calls[0].id, "u1");
  EXPECT_EQ(messages[1].tool_calls[0].arguments, R"({"z": 1, "a": 2})");
  EXPECT_EQ(messages[2].role, chat::Role::kTool);
  EXPECT_EQ(messages[2].tool_call_id, "u1");
  EXPECT_EQ(messages[2].content, "Error: no");
  EXPECT_EQ(messages[3].content, "d");
}

TEST(AnthropicRequest, GoesOnWithAnAssistantsMessageAtTheEnd) {
  EXPECT_TRUE(chat_of(read(R"({"messages":[{"role":"user","content":"a"},
                               {"role":"assistant","content":"It is"}]})"))
                  .continue_last);
}

TEST(AnthropicRequest, ReadsToolsAndEveryChoice) {
  const std::string tools =
      R"("tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}])";
  const MessagesCall call = read_fields(tools);
  EXPECT_EQ(chat_of(call).tools[0].json,
            R"({"type": "function", "function": {"name": "f", "description": "d", )"
            R"("parameters": {"type": "object"}}})");
  const auto choice = [&](const std::string& json) {
    return chat_of(read_fields(tools + ",\"tool_choice\":" + json));
  };
  EXPECT_EQ(choice(R"({"type":"auto"})").tool_choice.kind, ToolChoice::Kind::kAuto);
  EXPECT_EQ(choice(R"({"type":"any"})").tool_choice.kind, ToolChoice::Kind::kRequired);
  EXPECT_EQ(choice(R"({"type":"none"})").tool_choice.kind, ToolChoice::Kind::kNone);
  EXPECT_EQ(choice(R"({"type":"tool","name":"f"})").tool_choice.name, "f");
  EXPECT_TRUE(choice(R"({"type":"auto"})").parallel_tool_calls);
  EXPECT_FALSE(choice(R"({"type":"auto","disable_parallel_tool_use":true})").parallel_tool_calls);
  EXPECT_EQ(error_of_fields(R"("tools":[{"type":"web_search_20250305","name":"web_search"}])"),
            "tools[0].type: \"web_search_20250305\" runs on Anthropic's machines alone");
}

TEST(AnthropicRequest, NamesThePlaceOfAMistake) {
  EXPECT_EQ(error_of(R"({"messages":[{"role":"system","content":"a"}]})"),
            "messages[0].role: \"system\" is none of user, assistant");
  EXPECT_EQ(
      error_of(R"({"messages":[{"role":"user","content":[{"type":"image"}]}]})"),
      "messages[0].content[0]: a block of type \"image\" is nothing that this model can read");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"user","content":3}]})"),
            "messages[0].content: expected an array, found a number");
  EXPECT_EQ(error_of(R"({"messages":[{"role":"assistant","content":[
                         {"type":"tool_use","id":"a","name":"f","input":"{}"}]}]})"),
            "messages[0].content[0].input: expected an object, found a string");
}

class AnthropicReply : public testing::Test {
 protected:
  Sent create(const std::string& fields) {
    Reply reply =
        call_route(routes_, "POST", "/anthropic/v1/messages",
                   post("{" + fields + R"(,"messages":[{"role":"user","content":"hi"}]})"));
    return send(reply);
  }
  ScriptedService service_;
  std::vector<Route> routes_ = anthropic_routes(service_);
};

TEST_F(AnthropicReply, IsAMessageOfBlocks) {
  service_.script = {reasoning_event("Hm."),
                     content_event("Hi"),
                     call_event(0, "u1", "f"),
                     arguments_event(0, R"({"a":1})"),
                     finished_event(Finish::kToolCalls),
                     done_event()};
  const Json json = Json::parse(create(R"("model":"claude-x")").body);
  EXPECT_EQ(json["type"], "message");
  EXPECT_EQ(json["role"], "assistant");
  EXPECT_EQ(json["model"], "tiny");
  EXPECT_EQ(json["content"][0]["thinking"], "Hm.");
  EXPECT_EQ(json["content"][0]["signature"], thought_signature("Hm."));
  EXPECT_EQ(json["content"][1]["text"], "Hi");
  EXPECT_EQ(json["content"][2]["type"], "tool_use");
  EXPECT_EQ(json["content"][2]["input"]["a"], 1);
  EXPECT_EQ(json["stop_reason"], "tool_use");
  EXPECT_EQ(json["usage"]["input_tokens"], 6);
  EXPECT_EQ(json["usage"]["cache_read_input_tokens"], 64);
  EXPECT_EQ(json["usage"]["output_tokens"], 5);
}

TEST_F(AnthropicReply, SignsEachThoughtWithItsOwnHash) {
  EXPECT_EQ(thought_signature("a").size(), 44u);
  EXPECT_NE(thought_signature("a"), thought_signature("b"));
  EXPECT_EQ(thought_signature("a"), thought_signature("a"));
}

TEST_F(AnthropicReply, MapsEveryStopReason) {
  const auto reason_of = [&](Finish finish, std::string stop = {}) {
    auto finished = finished_event(finish);
    finished.stop_string = std::move(stop);
    service_.script = {content_event("x"), finished, done_event()};
    return Json::parse(create(R"("model":"tiny")").body);
  };
  EXPECT_EQ(reason_of(Finish::kStop)["stop_reason"], "end_turn");
  EXPECT_TRUE(reason_of(Finish::kStop)["stop_sequence"].is_null());
  EXPECT_EQ(reason_of(Finish::kStop, "END")["stop_reason"], "stop_sequence");
  EXPECT_EQ(reason_of(Finish::kStop, "END")["stop_sequence"], "END");
  EXPECT_EQ(reason_of(Finish::kLength)["stop_reason"], "max_tokens");
  EXPECT_EQ(reason_of(Finish::kRepetition)["stop_reason"], "max_tokens");
}

TEST_F(AnthropicReply, StreamsBlocksOneAfterAnother) {
  service_.script = {reasoning_event("Hm."),
                     content_event("Hi"),
                     call_event(0, "u1", "f"),
                     arguments_event(0, R"({"a":)"),
                     arguments_event(0, "1}"),
                     finished_event(Finish::kToolCalls),
                     done_event()};
  const Sent sent = create(R"("stream":true)");
  std::vector<std::string> types;
  std::vector<Json> events;
  for (const auto& text : sse_data(sent.body)) {
    events.push_back(Json::parse(text));
    types.push_back(events.back()["type"]);
    EXPECT_NE(sent.body.find("event: " + types.back() + "\ndata: "), std::string::npos);
  }
  EXPECT_EQ(types,
            (std::vector<std::string>{
                "message_start", "content_block_start", "content_block_delta",
                "content_block_delta", "content_block_stop", "content_block_start",
                "content_block_delta", "content_block_stop", "content_block_start",
                "content_block_delta", "content_block_stop", "message_delta", "message_stop"}));
  EXPECT_EQ(events[0]["message"]["content"], Json::array());
  EXPECT_EQ(events[0]["message"]["usage"]["input_tokens"], 6);
  EXPECT_EQ(events[1]["content_block"]["type"], "thinking");
  EXPECT_EQ(events[2]["delta"]["thinking"], "Hm.");
  EXPECT_EQ(events[3]["delta"]["type"], "signature_delta");
  EXPECT_EQ(events[3]["delta"]["signature"], thought_signature("Hm."));
  EXPECT_EQ(events[6]["index"], 1);
  EXPECT_EQ(events[6]["delta"]["text"], "Hi");
  EXPECT_EQ(events[8]["content_block"]["name"], "f");
  EXPECT_EQ(events[9]["delta"]["partial_json"], R"({"a":1})");
  EXPECT_EQ(events[11]["delta"]["stop_reason"], "tool_use");
  EXPECT_EQ(events[11]["usage"]["output_tokens"], 5);
}

TEST_F(AnthropicReply, PingsAndTellsFailures) {
  Reply reply = call_route(routes_, "POST", "/v1/messages",
                           post(R"({"stream":true,"messages":[{"role":"user","content":"a"}]})"));
  EXPECT_EQ(reply.source->keep_alive(), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
  service_.generation->push(content_event("a"));
  send(reply);
  service_.generation->push(failed_event("full"));
  const Sent sent = send(reply);
  EXPECT_EQ(sent.state, ReplySource::State::kBroken);
  EXPECT_TRUE(sent.body.starts_with("event: error\ndata: {\"type\":\"error\""));
  service_.error = exhausted("full");
  const Reply refused = call_route(routes_, "POST", "/v1/messages",
                                   post(R"({"messages":[{"role":"user","content":"a"}]})"));
  EXPECT_EQ(refused.head.status, 429);
  EXPECT_EQ(Json::parse(refused.body)["error"]["type"], "rate_limit_error");
}

TEST_F(AnthropicReply, CountsTokens) {
  const Reply reply = call_route(routes_, "POST", "/v1/messages/count_tokens",
                                 post(R"({"messages":[{"role":"user","content":"a"}]})"));
  EXPECT_EQ(reply.body, R"({"input_tokens":42})");
}

}  // namespace
}  // namespace sputnik::server::anthropic
