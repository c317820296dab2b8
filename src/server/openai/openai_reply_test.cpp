#include <gtest/gtest.h>

#include "server/common/json_out.h"
#include "server/openai/openai_routes.h"
#include "server/service_testing.h"

namespace sputnik::server::openai {
namespace {

using service::Event;
using service::Finish;

constexpr const char* kHello = R"("messages":[{"role":"user","content":"hello"}])";

class OpenaiReply : public testing::Test {
 protected:
  Reply chat(const std::string& fields = R"("model":"tiny")") {
    return call_route(routes_, "POST", "/v1/chat/completions",
                      post("{" + fields + "," + kHello + "}"));
  }
  Json chat_json(const std::string& fields = R"("model":"tiny")") {
    Reply reply = chat(fields);
    return Json::parse(send(reply).body);
  }
  // The chunks of a stream, [DONE] left out but looked for.
  std::vector<Json> chunks_of(const std::string& body) {
    std::vector<Json> chunks;
    auto data = sse_data(body);
    EXPECT_FALSE(data.empty());
    if (data.empty()) return chunks;
    EXPECT_EQ(data.back(), "[DONE]");
    data.pop_back();
    for (const auto& text : data) chunks.push_back(Json::parse(text));
    return chunks;
  }
  std::vector<Json> stream(const std::string& fields = R"("model":"tiny")") {
    Reply reply = chat(R"("stream":true,)" + fields);
    const Sent sent = send(reply);
    EXPECT_EQ(sent.content_type, "text/event-stream");
    EXPECT_EQ(sent.state, ReplySource::State::kDone);
    return chunks_of(sent.body);
  }

  ScriptedService service_;
  std::shared_ptr<EmbedWorker> worker_ = std::make_shared<EmbedWorker>(service_);
  std::vector<Route> routes_ = openai_routes(service_, worker_);
};

TEST_F(OpenaiReply, SaysThoughtAndAnswerApartWithExactUsage) {
  service_.script = short_answer();
  const Json json = chat_json();
  EXPECT_EQ(json["id"], "gen-1");
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["created"], 1700000000);
  EXPECT_EQ(json["model"], "tiny");
  EXPECT_EQ(json["system_fingerprint"], "fp_1");
  const Json& choice = json["choices"][0];
  EXPECT_EQ(choice["message"]["role"], "assistant");
  EXPECT_EQ(choice["message"]["content"], "Hi!");
  EXPECT_EQ(choice["message"]["reasoning_content"], "Hm.");
  EXPECT_FALSE(choice["message"].contains("tool_calls"));
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_TRUE(choice["logprobs"].is_null());
  const Json& usage = json["usage"];
  EXPECT_EQ(usage["prompt_tokens"], 70);
  EXPECT_EQ(usage["prompt_cache_hit_tokens"], 64);
  EXPECT_EQ(usage["prompt_cache_miss_tokens"], 6);
  EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"], 64);
  EXPECT_EQ(usage["completion_tokens"], 5);
  EXPECT_EQ(usage["completion_tokens_details"]["reasoning_tokens"], 3);
  EXPECT_EQ(usage["total_tokens"], 75);
  EXPECT_FALSE(json.contains("receipt"));
  EXPECT_FALSE(json.contains("cons"));
}

TEST_F(OpenaiReply, AnswersAtTheRootAndAtBetaAsWell) {
  service_.script = short_answer();
  for (const char* pattern : {"/chat/completions", "/beta/chat/completions"}) {
    Reply reply = call_route(routes_, "POST", pattern, post(std::string("{") + kHello + "}"));
    EXPECT_EQ(Json::parse(send(reply).body)["choices"][0]["message"]["content"], "Hi!");
  }
}

TEST_F(OpenaiReply, MapsEveryFinishReason) {
  const auto choice_of = [&](Finish finish) {
    service_.script = {content_event("x"), finished_event(finish), done_event()};
    return chat_json()["choices"][0];
  };
  EXPECT_EQ(choice_of(Finish::kLength)["finish_reason"], "length");
  EXPECT_FALSE(choice_of(Finish::kLength).contains("finish_detail"));
  EXPECT_EQ(choice_of(Finish::kToolCalls)["finish_reason"], "tool_calls");
  EXPECT_EQ(choice_of(Finish::kRepetition)["finish_reason"], "length");
  EXPECT_EQ(choice_of(Finish::kRepetition)["finish_detail"], "repetition");
  EXPECT_EQ(choice_of(Finish::kVoteDecided)["finish_detail"], "vote_decided");
  EXPECT_EQ(choice_of(Finish::kCancelled)["finish_detail"], "cancelled");
  EXPECT_EQ(choice_of(Finish::kFailed)["finish_reason"], "insufficient_system_resource");
}

TEST_F(OpenaiReply, StreamsThoughtThenAnswerWithTheOtherOneNull) {
  service_.script = short_answer();
  const auto chunks = stream();
  ASSERT_EQ(chunks.size(), 3u);
  EXPECT_EQ(chunks[0]["object"], "chat.completion.chunk");
  EXPECT_EQ(chunks[0]["id"], "gen-1");
  const Json& thought = chunks[0]["choices"][0]["delta"];
  EXPECT_EQ(thought["role"], "assistant");
  EXPECT_TRUE(thought["content"].is_null());
  EXPECT_EQ(thought["reasoning_content"], "Hm.");
  const Json& answer = chunks[1]["choices"][0]["delta"];
  EXPECT_FALSE(answer.contains("role"));
  EXPECT_EQ(answer["content"], "Hi!");
  EXPECT_TRUE(answer["reasoning_content"].is_null());
  EXPECT_TRUE(chunks[1]["choices"][0]["finish_reason"].is_null());
  EXPECT_EQ(chunks[2]["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(chunks[2]["choices"][0]["delta"], Json::object());
  EXPECT_FALSE(chunks[2].contains("usage"));
}

TEST_F(OpenaiReply, EndsAStreamWithUsageIfAskedTo) {
  service_.script = short_answer();
  const auto chunks = stream(R"("stream_options":{"include_usage":true})");
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_TRUE(chunks[0]["usage"].is_null());
  EXPECT_EQ(chunks[3]["choices"], Json::array());
  EXPECT_EQ(chunks[3]["usage"]["total_tokens"], 75);
}

TEST_F(OpenaiReply, GivesTheReceiptToWhoeverAsks) {
  service_.script = short_answer();
  EXPECT_EQ(chat_json(R"("receipt":true)")["receipt"]["seed"], 7);
  EXPECT_EQ(stream(R"("receipt":true)").back()["receipt"]["seed"], 7);
}

TEST_F(OpenaiReply, NumbersEventsSoThatAClientCanComeBack) {
  service_.script = short_answer();
  Reply reply = chat(R"("stream":true)");
  const std::string body = send(reply).body;
  // "Hi" and "!" are events 1 and 2 and were joined.
  EXPECT_TRUE(body.starts_with("id: 0\ndata: {"));
  EXPECT_EQ(body.find("id: 1\n"), std::string::npos);
  EXPECT_NE(body.find("id: 2\ndata: {"), std::string::npos);
  EXPECT_NE(body.find("id: 3\ndata: {"), std::string::npos);
}

TEST_F(OpenaiReply, SendsWhatComesWhenItComes) {
  Reply reply = chat(R"("stream":true)");
  EXPECT_EQ(reply.source->keep_alive(), ": keep-alive\n\n");
  int n_wakes = 0;
  reply.source->set_wake([&] { ++n_wakes; });
  std::string body;
  EXPECT_EQ(reply.source->poll(reply.head, body), ReplySource::State::kWaiting);
  EXPECT_EQ(body, "");
  service_.generation->push(progress_event(512, 2048));
  EXPECT_EQ(n_wakes, 1);
  EXPECT_EQ(reply.source->poll(reply.head, body), ReplySource::State::kWaiting);
  EXPECT_EQ(body, ": prompt 512/2048\n\n");
  body.clear();
  service_.generation->push(content_event("a"));
  EXPECT_EQ(reply.source->poll(reply.head, body), ReplySource::State::kWaiting);
  EXPECT_EQ(sse_data(body).size(), 1u);
  body.clear();
  service_.generation->push(finished_event(Finish::kStop));
  service_.generation->push(done_event());
  EXPECT_EQ(reply.source->poll(reply.head, body), ReplySource::State::kDone);
  EXPECT_EQ(sse_data(body).back(), "[DONE]");
}

TEST_F(OpenaiReply, LeavesTheGenerationWhenTheClientLeaves) {
  for (const char* fields : {R"("stream":true)", R"("stream":false)"}) {
    Reply reply = chat(fields);
    reply.source->set_wake([] {});
    EXPECT_EQ(service_.generation->n_listeners, 1);
    EXPECT_TRUE(service_.generation->wake_);
    reply.source.reset();
    EXPECT_EQ(service_.generation->n_listeners, 0);
    EXPECT_FALSE(service_.generation->wake_);
  }
}

TEST_F(OpenaiReply, BreaksAStreamThatFailsHalfway) {
  service_.script = {content_event("a")};
  Reply reply = chat(R"("stream":true)");
  EXPECT_EQ(send(reply).state, ReplySource::State::kWaiting);
  service_.generation->push(failed_event("the memory is full"));
  const Sent sent = send(reply);
  EXPECT_EQ(sent.state, ReplySource::State::kBroken);
  const auto data = sse_data(sent.body);
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(Json::parse(data[0])["error"]["message"], "the memory is full");
}

TEST_F(OpenaiReply, HasAStatusForWhatFailsBeforeTheFirstByte) {
  service_.script = {failed_event("the memory is full")};
  for (const char* fields : {R"("stream":true)", R"("stream":false)"}) {
    Reply reply = chat(fields);
    const Sent sent = send(reply);
    EXPECT_EQ(sent.status, 500);
    EXPECT_EQ(sent.content_type, "application/json");
    EXPECT_EQ(sent.state, ReplySource::State::kDone);
    EXPECT_EQ(Json::parse(sent.body)["error"]["type"], "server_error");
  }
}

TEST_F(OpenaiReply, SaysWhyARequestIsRefused) {
  const auto refused = [&](Error error) {
    service_.error = std::move(error);
    return chat();
  };
  Reply full = refused(exhausted("the queue is full"));
  EXPECT_EQ(full.head.status, 429);
  ASSERT_EQ(full.head.headers.size(), 1u);
  EXPECT_EQ(full.head.headers[0], (std::pair<std::string, std::string>("retry-after", "17")));
  EXPECT_EQ(Json::parse(full.body)["error"]["code"], "rate_limit_error");
  EXPECT_EQ(refused(not_found("no such model")).head.status, 404);
  Reply invalid = refused(invalid_argument("messages: too long"));
  EXPECT_EQ(invalid.head.status, 400);
  EXPECT_EQ(
      invalid.body,
      R"({"error":{"message":"messages: too long","type":"invalid_request_error","param":null,)"
      R"("code":"invalid_request_error"}})");
}

TEST_F(OpenaiReply, CallsToolsInOnePieceAndInMany) {
  service_.script = {call_event(0, "c1", "f"),
                     arguments_event(0, "{\"a\":"),
                     arguments_event(0, "1}"),
                     call_event(1, "c2", "g"),
                     arguments_event(1, "{}"),
                     finished_event(Finish::kToolCalls),
                     done_event()};
  const Json whole = chat_json()["choices"][0];
  EXPECT_TRUE(whole["message"]["content"].is_null());
  EXPECT_EQ(whole["finish_reason"], "tool_calls");
  const Json& calls = whole["message"]["tool_calls"];
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0]["id"], "c1");
  EXPECT_EQ(calls[0]["type"], "function");
  EXPECT_EQ(calls[0]["function"]["name"], "f");
  EXPECT_EQ(calls[0]["function"]["arguments"], "{\"a\":1}");
  EXPECT_EQ(calls[1]["function"]["arguments"], "{}");

  const auto chunks = stream();
  const Json& begin = chunks[0]["choices"][0]["delta"]["tool_calls"][0];
  EXPECT_EQ(begin["index"], 0);
  EXPECT_EQ(begin["id"], "c1");
  EXPECT_EQ(begin["function"]["name"], "f");
  EXPECT_EQ(begin["function"]["arguments"], "");
  const Json& piece = chunks[1]["choices"][0]["delta"]["tool_calls"][0];
  EXPECT_FALSE(piece.contains("id"));
  EXPECT_EQ(piece["function"]["arguments"], "{\"a\":1}");
  EXPECT_EQ(chunks[2]["choices"][0]["delta"]["tool_calls"][0]["index"], 1);
}

service::TokenLogprobs token(const std::string& bytes, float logprob) {
  return {{1, bytes, logprob}, {{1, bytes, logprob}, {2, "\xe4", -3}}};
}

TEST_F(OpenaiReply, GivesLogprobsOfThoughtAndAnswer) {
  Event thought = reasoning_event("Hm");
  thought.logprobs = {token("Hm", -0.5f)};
  Event answer = content_event("Hi");
  answer.logprobs = {token("Hi", -0.25f)};
  service_.script = {thought, answer, finished_event(Finish::kStop), done_event()};
  const Json logprobs = chat_json()["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["content"][0]["token"], "Hi");
  EXPECT_EQ(logprobs["content"][0]["logprob"], -0.25);
  EXPECT_EQ(logprobs["content"][0]["bytes"], (Json::array({72, 105})));
  // Half a character has bytes, and no text.
  EXPECT_EQ(logprobs["content"][0]["top_logprobs"][1]["bytes"], Json::array({0xe4}));
  EXPECT_EQ(logprobs["content"][0]["top_logprobs"][1]["token"], "\xef\xbf\xbd");
  EXPECT_EQ(logprobs["reasoning_content"][0]["token"], "Hm");
  const auto chunks = stream();
  EXPECT_EQ(chunks[0]["choices"][0]["logprobs"]["reasoning_content"][0]["token"], "Hm");
  EXPECT_EQ(chunks[1]["choices"][0]["logprobs"]["content"][0]["token"], "Hi");
}

TEST_F(OpenaiReply, ShowsAllAnswersOfAVoteAndItsOutcome) {
  const auto push_vote = [&] {
    service_.generation->vote_ = service::VoteResult{"42", 2, 3, 1};
    service_.generation->push_all({content_event("41", 0), content_event("42", 1),
                                   content_event("42", 2), finished_event(Finish::kStop, 1),
                                   finished_event(Finish::kStop, 2),
                                   finished_event(Finish::kVoteDecided, 0), done_event()});
  };
  Reply whole = chat(R"("cons":true,"n":3)");
  push_vote();
  const Json json = Json::parse(send(whole).body);
  EXPECT_EQ(json["choices"].size(), 3u);
  EXPECT_EQ(json["choices"][2]["index"], 2);
  EXPECT_EQ(json["cons"]["answer"], "42");
  EXPECT_EQ(json["cons"]["votes"], 2);
  EXPECT_EQ(json["cons"]["counted"], 3);
  EXPECT_EQ(json["cons"]["choice"], 1);
  Reply streamed = chat(R"("cons":true,"n":3,"stream":true)");
  push_vote();
  EXPECT_EQ(chunks_of(send(streamed).body).back()["cons"]["answer"], "42");
}

TEST_F(OpenaiReply, TurnsThinkingOffAndOnByTheNameOfTheModel) {
  service_.script = short_answer();
  chat(R"("model":"deepseek-chat")");
  EXPECT_EQ(service_.requests.back().thinking.enabled, false);
  chat(R"("model":"deepseek-reasoner")");
  EXPECT_EQ(service_.requests.back().thinking.enabled, true);
  chat(R"("model":"deepseek-chat","thinking":{"type":"enabled"})");
  EXPECT_EQ(service_.requests.back().thinking.enabled, true);
  service_.card.can_turn_thinking_off = false;
  chat(R"("model":"deepseek-chat")");
  EXPECT_FALSE(service_.requests.back().thinking.enabled.has_value());
}

TEST_F(OpenaiReply, CompletesTextsWithClassicLogprobs) {
  Event answer = content_event("a\xc3\xa4");
  answer.logprobs = {token("a", -0.5f), token("\xc3\xa4", -1)};
  Event more = content_event("b");
  more.logprobs = {token("b", -2)};
  service_.script = {answer, more, finished_event(Finish::kLength), done_event()};
  Reply reply = call_route(routes_, "POST", "/v1/completions", post(R"({"prompt":"x"})"));
  const Json json = Json::parse(send(reply).body);
  EXPECT_EQ(json["object"], "text_completion");
  EXPECT_EQ(json["choices"][0]["text"],
            "a\xc3\xa4"
            "b");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "length");
  const Json& logprobs = json["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], Json::array({"a", "\xc3\xa4", "b"}));
  EXPECT_EQ(logprobs["text_offset"], Json::array({0, 1, 2}));
  EXPECT_EQ(logprobs["token_logprobs"], Json::array({-0.5, -1.0, -2.0}));
  EXPECT_EQ(logprobs["top_logprobs"][0]["a"], -0.5);
  Reply streamed =
      call_route(routes_, "POST", "/v1/completions", post(R"({"prompt":"x","stream":true})"));
  const auto chunks = chunks_of(send(streamed).body);
  EXPECT_EQ(chunks[0]["choices"][0]["text"],
            "a\xc3\xa4"
            "b");
  EXPECT_EQ(chunks[1]["choices"][0]["finish_reason"], "length");
}

TEST_F(OpenaiReply, ListsTheModelAndTheNamesItAnswersTo) {
  Reply reply = call_route(routes_, "GET", "/models", {});
  const Json json = Json::parse(reply.body);
  ASSERT_EQ(json["data"].size(), 3u);
  EXPECT_EQ(json["data"][0]["id"], "tiny");
  EXPECT_EQ(json["data"][0]["object"], "model");
  EXPECT_EQ(json["data"][1]["id"], "deepseek-chat");
  EXPECT_EQ(json["data"][1]["sputnik"]["model"], "tiny");
  HttpRequest one;
  one.path_parameters = {{"id", "deepseek-chat"}};
  EXPECT_EQ(Json::parse(call_route(routes_, "GET", "/v1/models/{id...}", one).body)["id"],
            "deepseek-chat");
  one.path_parameters = {{"id", "gpt"}};
  EXPECT_EQ(call_route(routes_, "GET", "/v1/models/{id...}", one).head.status, 404);
}

TEST_F(OpenaiReply, IsAlwaysAffordable) {
  const Json json = Json::parse(call_route(routes_, "GET", "/user/balance", {}).body);
  EXPECT_EQ(json["is_available"], true);
  EXPECT_TRUE(json["balance_infos"][0]["total_balance"].is_string());
}

TEST_F(OpenaiReply, EmbedsTextsInBothEncodings) {
  const auto embed = [&](const std::string& body) {
    Reply reply = call_route(routes_, "POST", "/v1/embeddings", post(body));
    Sent sent = send(reply);
    while (sent.state == ReplySource::State::kWaiting) sent = send(reply);
    return sent;
  };
  const Json floats = Json::parse(embed(R"({"input":["a","bcd"]})").body);
  EXPECT_EQ(floats["data"][1]["embedding"], Json::array({1.0, -0.5}));
  EXPECT_EQ(floats["data"][1]["index"], 1);
  EXPECT_EQ(floats["usage"]["prompt_tokens"], 4);
  EXPECT_EQ(floats["model"], "tiny");
  // 0000803f and 000000bf
  const Json text = Json::parse(embed(R"({"input":"a","encoding_format":"base64"})").body);
  EXPECT_EQ(text["data"][0]["embedding"], "AACAPwAAAL8=");
  const Sent failed = embed(R"({"input":["a","fail"]})");
  EXPECT_EQ(failed.status, 400);
  EXPECT_EQ(Json::parse(failed.body)["error"]["message"], "input[1]: this text cannot be embedded");
  EXPECT_EQ(embed(R"({"input":[1,2]})").status, 400);
  EXPECT_EQ(embed(R"({"input":"a","dimensions":3})").status, 400);
  EXPECT_EQ(embed(R"({"input":[]})").status, 400);
  EXPECT_EQ(embed(R"({"input":"a","model":"gpt"})").status, 404);
}

}  // namespace
}  // namespace sputnik::server::openai
