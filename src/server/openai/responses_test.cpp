#include <gtest/gtest.h>

#include "server/common/json_out.h"
#include "server/openai/openai_routes.h"
#include "server/openai/responses_request.h"
#include "server/service_testing.h"

namespace sputnik::server::openai {
namespace {

using service::Finish;

ResponsesCall read(const std::string& body) {
  auto call = read_responses_request(post(body));
  EXPECT_TRUE(call.ok()) << (call.ok() ? "" : call.error().message);
  return call.ok() ? std::move(call).value() : ResponsesCall{};
}
const service::ChatInput& chat_of(const ResponsesCall& call) {
  return std::get<service::ChatInput>(call.request.input);
}
std::string error_of(const std::string& body) {
  const auto call = read_responses_request(post(body));
  EXPECT_FALSE(call.ok());
  return call.ok() ? "" : call.error().message;
}

TEST(ResponsesRequest, TakesATextAsOneUserMessage) {
  const ResponsesCall call = read(
      R"({"input":"hi","instructions":"i","max_output_tokens":5,"reasoning":{"effort":"low"},
          "text":{"format":{"type":"json_schema","name":"n","schema":{"b":1,"a":2}}}})");
  ASSERT_EQ(chat_of(call).messages.size(), 2u);
  EXPECT_EQ(chat_of(call).messages[0].role, chat::Role::kSystem);
  EXPECT_EQ(chat_of(call).messages[1].content, "hi");
  EXPECT_EQ(call.request.max_tokens, 5);
  EXPECT_EQ(call.request.thinking.budget, 1024);
  EXPECT_EQ(call.request.format.text, R"({"b": 1, "a": 2})");
}

TEST(ResponsesRequest, GathersTheItemsOfOneTurn) {
  const ResponsesCall call = read(
      R"({"input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},
        {"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"r"}]},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"b"}]},
        {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
        {"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},
        {"type":"function_call_output","call_id":"c1","output":"1"},
        {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"2"}]}],
        "tools":[{"type":"function","name":"f","description":"d","parameters":{"z":1,"a":2}}],
        "tool_choice":{"type":"function","name":"f"}})");
  const auto& messages = chat_of(call).messages;
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[1].reasoning, "r");
  EXPECT_EQ(messages[1].content, "b");
  ASSERT_EQ(messages[1].tool_calls.size(), 2u);
  EXPECT_EQ(messages[1].tool_calls[1].id, "c2");
  EXPECT_EQ(messages[3].role, chat::Role::kTool);
  EXPECT_EQ(messages[3].content, "2");
  EXPECT_EQ(chat_of(call).tools[0].json,
            R"({"type": "function", "function": {"name": "f", "description": "d", )"
            R"("parameters": {"z": 1, "a": 2}}})");
  EXPECT_EQ(chat_of(call).tool_choice.name, "f");
}

TEST(ResponsesRequest, RefusesWhatNeedsAMemory) {
  EXPECT_EQ(error_of(R"({"input":"a","previous_response_id":"r"})"),
            "previous_response_id: nothing is kept here between requests; send the whole "
            "conversation");
  EXPECT_EQ(error_of(R"({"input":"a","background":true})"),
            "background: use \"detached\": true and /v1/generations");
  EXPECT_EQ(error_of(R"({"input":[{"type":"item_reference","id":"x"}]})"),
            "input[0].type: an item of type \"item_reference\" is nothing that can be read here");
  EXPECT_EQ(error_of("{}"), "input: it is missing");
}

class ResponsesReply : public testing::Test {
 protected:
  Sent respond(const std::string& body) {
    Reply reply = call_route(routes_, "POST", "/v1/responses", post(body));
    return send(reply);
  }
  ScriptedService service_;
  std::vector<Route> routes_ = openai_routes(service_, std::make_shared<EmbedWorker>(service_));
};

TEST_F(ResponsesReply, IsAListOfItems) {
  service_.script = {reasoning_event("Hm."),
                     content_event("Hi"),
                     call_event(0, "c1", "f"),
                     arguments_event(0, "{}"),
                     finished_event(Finish::kToolCalls),
                     done_event()};
  const Json json =
      Json::parse(respond(R"({"input":"a","metadata":{"k":"v"},"receipt":true})").body);
  EXPECT_EQ(json["id"], "gen-1");
  EXPECT_EQ(json["object"], "response");
  EXPECT_EQ(json["status"], "completed");
  EXPECT_EQ(json["metadata"]["k"], "v");
  EXPECT_EQ(json["store"], false);
  EXPECT_EQ(json["receipt"]["seed"], 7);
  const Json& output = json["output"];
  ASSERT_EQ(output.size(), 3u);
  EXPECT_EQ(output[0]["type"], "reasoning");
  EXPECT_EQ(output[0]["content"][0]["text"], "Hm.");
  EXPECT_EQ(output[1]["type"], "message");
  EXPECT_EQ(output[1]["content"][0]["type"], "output_text");
  EXPECT_EQ(output[1]["content"][0]["text"], "Hi");
  EXPECT_EQ(output[2]["type"], "function_call");
  EXPECT_EQ(output[2]["call_id"], "c1");
  EXPECT_EQ(json["usage"]["input_tokens"], 70);
  EXPECT_EQ(json["usage"]["output_tokens_details"]["reasoning_tokens"], 3);
}

TEST_F(ResponsesReply, IsIncompleteWhenItWasCut) {
  service_.script = {content_event("Hi"), finished_event(Finish::kLength), done_event()};
  const Json json = Json::parse(respond(R"({"input":"a"})").body);
  EXPECT_EQ(json["status"], "incomplete");
  EXPECT_EQ(json["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(json["output"][0]["status"], "incomplete");
}

TEST_F(ResponsesReply, StreamsEventsInTheirOrder) {
  service_.script = {reasoning_event("Hm."),
                     content_event("Hi"),
                     content_event("!"),
                     call_event(0, "c1", "f"),
                     arguments_event(0, "{}"),
                     finished_event(Finish::kToolCalls),
                     done_event()};
  std::vector<std::string> types;
  std::vector<Json> events;
  for (const auto& text : sse_data(respond(R"({"input":"a","stream":true})").body)) {
    events.push_back(Json::parse(text));
    types.push_back(events.back()["type"]);
    EXPECT_EQ(events.back()["sequence_number"], events.size() - 1);
  }
  EXPECT_EQ(
      types,
      (std::vector<std::string>{
          "response.created", "response.in_progress", "response.output_item.added",
          "response.content_part.added", "response.reasoning_text.delta",
          "response.reasoning_text.done", "response.content_part.done", "response.output_item.done",
          "response.output_item.added", "response.content_part.added", "response.output_text.delta",
          "response.output_text.done", "response.content_part.done", "response.output_item.done",
          "response.output_item.added", "response.function_call_arguments.delta",
          "response.function_call_arguments.done", "response.output_item.done",
          "response.completed"}));
  EXPECT_EQ(events[10]["delta"], "Hi!");
  EXPECT_EQ(events[10]["output_index"], 1);
  EXPECT_EQ(events[9]["part"]["type"], "output_text");
  EXPECT_EQ(events[14]["item"]["name"], "f");
  EXPECT_EQ(events[16]["arguments"], "{}");
  EXPECT_EQ(events[18]["response"]["output"].size(), 3u);
  EXPECT_EQ(events[18]["response"]["output"][1]["id"], events[10]["item_id"]);
  EXPECT_EQ(events[18]["response"]["usage"]["total_tokens"], 75);
}

TEST_F(ResponsesReply, SaysThatAStreamFailed) {
  service_.script = {content_event("Hi"), failed_event("full")};
  const Sent sent = respond(R"({"input":"a","stream":true})");
  EXPECT_EQ(sent.state, ReplySource::State::kBroken);
  const auto data = sse_data(sent.body);
  EXPECT_EQ(Json::parse(data[data.size() - 2])["type"], "response.failed");
  EXPECT_EQ(Json::parse(data.back())["type"], "error");
}

}  // namespace
}  // namespace sputnik::server::openai
