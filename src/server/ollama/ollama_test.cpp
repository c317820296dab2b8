#include <gtest/gtest.h>

#include "server/common/json_out.h"
#include "server/ollama/ollama_models.h"
#include "server/ollama/ollama_reply.h"
#include "server/ollama/ollama_request.h"
#include "server/ollama/ollama_routes.h"
#include "server/service_testing.h"

namespace sputnik::server::ollama {
namespace {

using service::Finish;
using service::ResponseFormat;

OllamaCall ok(Result<OllamaCall> call) {
  EXPECT_TRUE(call.ok()) << (call.ok() ? "" : call.error().message);
  return call.ok() ? std::move(call).value() : OllamaCall{};
}
OllamaCall read_chat(const std::string& fields) {
  return ok(
      read_chat_request(post("{" + fields + R"(,"messages":[{"role":"user","content":"hi"}]})")));
}
OllamaCall read_generate(const std::string& body) {
  return ok(read_generate_request(post(body)));
}
std::string chat_error(const std::string& body) {
  const auto call = read_chat_request(post(body));
  EXPECT_FALSE(call.ok()) << body;
  return call.ok() ? "" : call.error().message;
}

TEST(OllamaRequest, StreamsUnlessToldNotTo) {
  EXPECT_TRUE(read_chat(R"("model":"tiny:latest")").stream);
  EXPECT_EQ(read_chat(R"("model":"tiny:latest")").request.model, "tiny");
  EXPECT_EQ(read_chat(R"("model":"r1:7b")").request.model, "r1:7b");
  EXPECT_FALSE(read_chat(R"("stream":false)").stream);
}

TEST(OllamaRequest, CarriesEveryOption) {
  const auto request =
      read_chat(
          R"("options":{"temperature":0.5,"top_k":7,"top_p":0.25,"min_p":0.125,"seed":3,"num_predict":9,
         "stop":["x"],"repeat_penalty":1.5,"presence_penalty":0.5,"frequency_penalty":0.25,
         "num_ctx":2048},"keep_alive":"5m")")
          .request;
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.top_k, 7);
  EXPECT_EQ(request.sampling.top_p, 0.25f);
  EXPECT_EQ(request.sampling.min_p, 0.125f);
  EXPECT_EQ(request.sampling.seed, 3u);
  EXPECT_EQ(request.max_tokens, 9);
  EXPECT_EQ(request.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(request.sampling.repetition_penalty, 1.5f);
  EXPECT_EQ(request.sampling.presence_penalty, 0.5f);
  EXPECT_EQ(request.sampling.frequency_penalty, 0.25f);
  EXPECT_EQ(read_chat(R"("options":{"num_predict":-1})").request.max_tokens, -1);
  EXPECT_EQ(chat_error(R"({"options":{"temperature":"hot"},"messages":[]})"),
            "options.temperature: expected a number, found a string");
}

TEST(OllamaRequest, ReadsThinkAndFormatInBothForms) {
  EXPECT_EQ(read_chat(R"("think":false)").request.thinking.enabled, false);
  EXPECT_EQ(read_chat(R"("think":true)").request.thinking.enabled, true);
  EXPECT_EQ(read_chat(R"("think":"low")").request.thinking.budget, 1024);
  EXPECT_EQ(read_chat(R"("format":"json")").request.format.kind, ResponseFormat::Kind::kJsonObject);
  EXPECT_EQ(read_chat(R"("format":"")").request.format.kind, ResponseFormat::Kind::kText);
  EXPECT_EQ(read_chat(R"("format":{"type":"object","b":1,"a":2})").request.format.text,
            R"({"type": "object", "b": 1, "a": 2})");
  EXPECT_EQ(chat_error(R"({"format":"xml","messages":[]})"),
            "format: \"xml\" is neither json nor a schema");
}

TEST(OllamaRequest, ReadsToolsAndTheirResults) {
  const OllamaCall call = ok(read_chat_request(post(
      R"({"messages":[{"role":"user","content":"a"},
        {"role":"assistant","content":"","thinking":"t","tool_calls":[{"function":{"name":"f","arguments":{"z":1}}}]},
        {"role":"tool","tool_name":"f","content":"1"}],
        "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]})")));
  const auto& input = std::get<service::ChatInput>(call.request.input);
  EXPECT_EQ(input.messages[1].reasoning, "t");
  EXPECT_EQ(input.messages[1].tool_calls[0].arguments, R"({"z": 1})");
  EXPECT_EQ(input.messages[2].name, "f");
  EXPECT_EQ(input.tools[0].name, "f");
  EXPECT_EQ(chat_error(R"({"messages":[{"role":"user","content":"a","images":["x"]}]})"),
            "messages[0].images: this model reads text alone");
  EXPECT_EQ(chat_error(R"({"messages":[{"role":"boss","content":"a"}]})"),
            "messages[0].role: \"boss\" is none of system, user, assistant, tool");
}

TEST(OllamaRequest, GeneratesWithTheTemplateOrRaw) {
  const OllamaCall chat = read_generate(R"({"prompt":"p","system":"s"})");
  const auto& messages = std::get<service::ChatInput>(chat.request.input).messages;
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].content, "p");
  const OllamaCall raw = read_generate(R"({"prompt":"p","raw":true})");
  EXPECT_EQ(std::get<service::CompletionInput>(raw.request.input).prompt, "p");
  EXPECT_FALSE(std::get<service::CompletionInput>(raw.request.input).suffix.has_value());
  const OllamaCall middle = read_generate(R"({"prompt":"p","suffix":"q"})");
  EXPECT_EQ(std::get<service::CompletionInput>(middle.request.input).suffix, "q");
  EXPECT_TRUE(read_generate(R"({"model":"m"})").is_load);
  EXPECT_FALSE(read_generate_request(post(R"({"prompt":"p","context":[1]})")).ok());
  EXPECT_FALSE(read_generate_request(post(R"({"prompt":"p","template":"t"})")).ok());
}

class OllamaReply : public testing::Test {
 protected:
  Sent chat(const std::string& fields) {
    return send_to("/api/chat", "{" + fields + R"(,"messages":[{"role":"user","content":"hi"}]})");
  }
  Sent send_to(const std::string& pattern, const std::string& body) {
    Reply reply = call_route(routes_, "POST", pattern, post(body));
    Sent sent = send(reply);
    // Embeddings are computed by another thread.
    while (pattern.starts_with("/api/embed") && sent.state == ReplySource::State::kWaiting) {
      sent = send(reply);
    }
    return sent;
  }
  static std::vector<Json> lines(const std::string& body) {
    std::vector<Json> lines;
    std::size_t begin = 0;
    for (std::size_t end; (end = body.find('\n', begin)) != std::string::npos; begin = end + 1) {
      lines.push_back(Json::parse(body.substr(begin, end - begin)));
    }
    EXPECT_EQ(begin, body.size());
    return lines;
  }
  ScriptedService service_;
  std::vector<Route> routes_ = ollama_routes(service_, std::make_shared<EmbedWorker>(service_));
};

TEST_F(OllamaReply, StreamsLines) {
  service_.script = short_answer();
  const Sent sent = chat(R"("model":"tiny")");
  EXPECT_EQ(sent.content_type, "application/x-ndjson");
  const auto all = lines(sent.body);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]["message"]["thinking"], "Hm.");
  EXPECT_EQ(all[0]["message"]["content"], "");
  EXPECT_EQ(all[0]["done"], false);
  EXPECT_EQ(all[1]["message"]["content"], "Hi!");
  EXPECT_FALSE(all[1]["message"].contains("thinking"));
  EXPECT_EQ(all[2]["done"], true);
  EXPECT_EQ(all[2]["done_reason"], "stop");
  EXPECT_EQ(all[2]["prompt_eval_count"], 70);
  EXPECT_EQ(all[2]["eval_count"], 5);
  EXPECT_EQ(all[2]["total_duration"], 6'000'000);
  EXPECT_EQ(all[2]["prompt_eval_duration"], 2'000'000);
  EXPECT_EQ(all[2]["eval_duration"], 3'000'000);
}

TEST_F(OllamaReply, AnswersInOnePiece) {
  service_.script = short_answer();
  const Json json = Json::parse(chat(R"("stream":false)").body);
  EXPECT_EQ(json["model"], "tiny");
  EXPECT_EQ(json["message"]["role"], "assistant");
  EXPECT_EQ(json["message"]["content"], "Hi!");
  EXPECT_EQ(json["message"]["thinking"], "Hm.");
  EXPECT_EQ(json["done"], true);
  const Json generated =
      Json::parse(send_to("/api/generate", R"({"prompt":"p","stream":false})").body);
  EXPECT_EQ(generated["response"], "Hi!");
  EXPECT_EQ(generated["thinking"], "Hm.");
  EXPECT_FALSE(generated.contains("context"));
}

TEST_F(OllamaReply, GivesToolCallsWhole) {
  service_.script = {call_event(0, "c1", "f"), arguments_event(0, R"({"a":)"),
                     arguments_event(0, "1}"), finished_event(Finish::kToolCalls), done_event()};
  const auto all = lines(chat(R"("model":"tiny")").body);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["message"]["tool_calls"][0]["function"]["name"], "f");
  EXPECT_EQ(all[0]["message"]["tool_calls"][0]["function"]["arguments"]["a"], 1);
  EXPECT_EQ(all[1]["done_reason"], "stop");
  const Json whole = Json::parse(chat(R"("stream":false)").body);
  EXPECT_EQ(whole["message"]["tool_calls"][0]["function"]["arguments"]["a"], 1);
}

TEST_F(OllamaReply, SaysWhatWentWrong) {
  service_.script = {content_event("a"), finished_event(Finish::kRepetition), done_event()};
  EXPECT_EQ(lines(chat(R"("model":"tiny")").body).back()["done_reason"], "length");
  service_.script = {content_event("a"), failed_event("full")};
  const Sent broken = chat(R"("model":"tiny")");
  EXPECT_EQ(broken.state, ReplySource::State::kBroken);
  EXPECT_EQ(lines(broken.body).back(), Json({{"error", "full"}}));
  service_.error = not_found("model \"x\": there is tiny");
  const Sent unknown = chat(R"("model":"x")");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body, R"({"error":"model \"x\": there is tiny"})");
}

TEST_F(OllamaReply, LoadsWithoutGenerating) {
  EXPECT_EQ(Json::parse(send_to("/api/generate", R"({"model":"tiny"})").body)["done_reason"],
            "load");
  EXPECT_EQ(Json::parse(send_to("/api/chat", R"({"model":"tiny","messages":[],"keep_alive":0})")
                            .body)["done_reason"],
            "unload");
  EXPECT_EQ(send_to("/api/chat", R"({"model":"gpt","messages":[]})").status, 404);
  EXPECT_TRUE(service_.requests.empty());
}

TEST_F(OllamaReply, DescribesModels) {
  const Json tags = Json::parse(call_route(routes_, "GET", "/api/tags", {}).body);
  EXPECT_EQ(tags["models"][0]["name"], "tiny");
  EXPECT_EQ(tags["models"][0]["details"]["quantization_level"], "Q8_0");
  EXPECT_EQ(tags["models"][0]["details"]["parameter_size"], "1.5M");
  EXPECT_EQ(tags["models"][0]["modified_at"], "2023-11-14T22:13:20Z");
  const Json shown = Json::parse(send_to("/api/show", R"({"model":"tiny:latest"})").body);
  EXPECT_EQ(shown["capabilities"], Json::array({"completion", "tools", "thinking"}));
  EXPECT_EQ(shown["model_info"]["deepseek_v3.context_length"], 4096);
  EXPECT_EQ(send_to("/api/show", R"({"model":"gpt"})").status, 404);
  EXPECT_EQ(Json::parse(call_route(routes_, "GET", "/api/ps", {}).body)["models"][0]["size"],
            2'000'000);
  EXPECT_TRUE(
      Json::parse(call_route(routes_, "GET", "/api/version", {}).body)["version"].is_string());
}

TEST_F(OllamaReply, EmbedsInBothForms) {
  const Json many =
      Json::parse(send_to("/api/embed", R"({"model":"tiny","input":["a","b"]})").body);
  EXPECT_EQ(many["embeddings"].size(), 2u);
  EXPECT_EQ(many["embeddings"][1], Json::array({1.0, -0.5}));
  const Json one = Json::parse(send_to("/api/embeddings", R"({"prompt":"a"})").body);
  EXPECT_EQ(one["embedding"], Json::array({1.0, -0.5}));
  EXPECT_EQ(send_to("/api/embed", R"({"model":"tiny"})").status, 400);
}

}  // namespace
}  // namespace sputnik::server::ollama
