#include <gtest/gtest.h>

#include "server/common/json_out.h"
#include "server/gemini/gemini_request.h"
#include "server/gemini/gemini_routes.h"
#include "server/gemini/gemini_schema.h"
#include "server/service_testing.h"

namespace sputnik::server::gemini {
namespace {

using service::Finish;
using service::ResponseFormat;
using service::ToolChoice;

constexpr const char* kHello = R"("contents":[{"parts":[{"text":"hi"}]}])";

ContentCall read(const std::string& body) {
  auto call = read_content_request(post(body), "models/tiny");
  EXPECT_TRUE(call.ok()) << (call.ok() ? "" : call.error().message);
  return call.ok() ? std::move(call).value() : ContentCall{};
}
ContentCall read_config(const std::string& config) {
  return read("{\"generationConfig\":" + config + "," + kHello + "}");
}
const service::ChatInput& chat_of(const ContentCall& call) {
  return std::get<service::ChatInput>(call.request.input);
}
std::string error_of(const std::string& body) {
  const auto call = read_content_request(post(body), "tiny");
  EXPECT_FALSE(call.ok()) << body;
  return call.ok() ? "" : call.error().message;
}

TEST(GeminiRequest, CarriesTheWholeConfiguration) {
  const ContentCall call = read_config(
      R"({"temperature":0.5,"topP":0.25,"topK":7.0,"maxOutputTokens":9,"candidateCount":2,
          "stopSequences":["x"],"seed":3,"presencePenalty":1,"frequencyPenalty":-1,
          "responseLogprobs":true,"logprobs":4})");
  const auto& request = call.request;
  EXPECT_EQ(request.model, "tiny");
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.top_p, 0.25f);
  EXPECT_EQ(request.sampling.top_k, 7);
  EXPECT_EQ(request.max_tokens, 9);
  EXPECT_EQ(request.n, 2);
  EXPECT_EQ(request.stop, std::vector<std::string>{"x"});
  EXPECT_EQ(request.sampling.seed, 3u);
  EXPECT_EQ(request.sampling.presence_penalty, 1.f);
  EXPECT_EQ(request.sampling.frequency_penalty, -1.f);
  EXPECT_TRUE(request.sampling.logprobs);
  EXPECT_EQ(request.sampling.top_logprobs, 4);
}

TEST(GeminiRequest, UnderstandsNamesWithUnderscores) {
  const ContentCall call = read(
      R"({"system_instruction":{"parts":[{"text":"s"}]},"generation_config":{"top_p":0.25,
          "max_output_tokens":9,"thinking_config":{"include_thoughts":true,"thinking_budget":64}},
          "contents":[{"role":"user","parts":[{"text":"hi"}]}]})");
  EXPECT_EQ(call.request.sampling.top_p, 0.25f);
  EXPECT_EQ(call.request.max_tokens, 9);
  EXPECT_TRUE(call.include_thoughts);
  EXPECT_EQ(call.request.thinking.budget, 64);
  EXPECT_EQ(chat_of(call).messages[0].role, chat::Role::kSystem);
}

TEST(GeminiRequest, MapsBudgetsOfThoughts) {
  const auto thinking = [](const std::string& json) {
    return read_config("{\"thinkingConfig\":" + json + "}").request.thinking;
  };
  EXPECT_EQ(thinking(R"({"thinkingBudget":0})").enabled, false);
  EXPECT_FALSE(thinking(R"({"thinkingBudget":-1})").enabled.has_value());
  EXPECT_EQ(thinking(R"({"thinkingBudget":5})").enabled, true);
  EXPECT_EQ(thinking(R"({"thinkingBudget":5})").budget, 5);
  EXPECT_EQ(thinking(R"({"thinkingLevel":"LOW"})").budget, 1024);
  EXPECT_FALSE(read_config("{}").include_thoughts);
}

TEST(GeminiRequest, TranslatesGooglesSchemas) {
  const ContentCall call = read_config(
      R"({"responseMimeType":"application/json","responseSchema":{"type":"OBJECT",
          "properties":{"b":{"type":"INTEGER","format":"int32","nullable":true},
                        "a":{"type":"ARRAY","minItems":"2","items":{"type":"STRING","enum":["x"]}}},
          "required":["a"],"propertyOrdering":["a","b"]}})");
  EXPECT_EQ(call.request.format.kind, ResponseFormat::Kind::kJsonSchema);
  EXPECT_EQ(call.request.format.text,
            R"({"type": "object", "properties": {"a": {"type": "array", "minItems": 2, )"
            R"("items": {"type": "string", "enum": ["x"]}}, "b": {"type": ["integer", "null"]}}, )"
            R"("required": ["a"]})");
  EXPECT_EQ(read_config(R"({"responseMimeType":"application/json"})").request.format.kind,
            ResponseFormat::Kind::kJsonObject);
  EXPECT_EQ(read_config(
                R"({"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}})")
                .request.format.text,
            R"({"type": "object"})");
  EXPECT_EQ(error_of(std::string(R"({"generationConfig":{"responseSchema":{}},)") + kHello + "}"),
            "generationConfig: a schema needs \"responseMimeType\": \"application/json\"");
}

TEST(GeminiRequest, TurnsContentsIntoMessages) {
  const ContentCall call = read(
      R"({"systemInstruction":{"parts":[{"text":"s"}]},
        "contents":[{"role":"user","parts":[{"text":"a"},{"text":"b"}]},
          {"role":"model","parts":[{"text":"t","thought":true},{"text":"c"},
            {"functionCall":{"name":"f","args":{"z":1,"a":2}}}]},
          {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"r":1}}}]}],
        "tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT"}},
                                          {"name":"g"}]}],
        "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}})");
  const auto& input = chat_of(call);
  ASSERT_EQ(input.messages.size(), 4u);
  EXPECT_EQ(input.messages[1].content, "ab");
  EXPECT_EQ(input.messages[2].role, chat::Role::kAssistant);
  EXPECT_EQ(input.messages[2].reasoning, "t");
  EXPECT_EQ(input.messages[2].content, "c");
  EXPECT_EQ(input.messages[2].tool_calls[0].arguments, R"({"z": 1, "a": 2})");
  EXPECT_EQ(input.messages[3].role, chat::Role::kTool);
  EXPECT_EQ(input.messages[3].tool_call_id, input.messages[2].tool_calls[0].id);
  EXPECT_EQ(input.messages[3].content, R"({"r": 1})");
  ASSERT_EQ(input.tools.size(), 1u);
  EXPECT_EQ(input.tools[0].parameters, R"({"type": "object"})");
  EXPECT_EQ(input.tool_choice.kind, ToolChoice::Kind::kRequired);
  EXPECT_TRUE(input.tools[0].strict);
}

TEST(GeminiRequest, NamesThePlaceOfAMistake) {
  EXPECT_EQ(error_of("{}"), "contents: there must be at least one");
  EXPECT_EQ(error_of(R"({"contents":[{"role":"boss","parts":[{"text":"a"}]}]})"),
            "contents[0].role: \"boss\" is none of user, model, function");
  EXPECT_EQ(error_of(R"({"contents":[{"parts":[{"inlineData":{}}]}]})"),
            "contents[0].parts[0]: this model reads text and calls of functions alone");
  EXPECT_EQ(error_of(std::string(R"({"tools":[{"googleSearch":{}}],)") + kHello + "}"),
            "tools[0].googleSearch: it runs on Google's machines alone");
  EXPECT_EQ(error_of(std::string(R"({"generationConfig":{"topP":2},)") + kHello + "}"),
            "generationConfig.topP: 2 is not a number from 0 to 1");
  EXPECT_EQ(error_of(R"({"contents":[{"parts":[{"text":"t","thought":true}]}]})"),
            "contents: there is no text in them");
}

class GeminiReply : public testing::Test {
 protected:
  Sent call(const std::string& verb, const std::string& body,
            std::vector<std::pair<std::string, std::string>> query = {}) {
    HttpRequest request = post(body);
    request.path_parameters = {{"model", "tiny"}};
    request.query = std::move(query);
    Reply reply = call_route(routes_, "POST", "/v1beta/models/{model...}:" + verb, request);
    Sent sent = send(reply);
    while (verb.ends_with("mbedContent") && sent.state == ReplySource::State::kWaiting) {
      sent = send(reply);
    }
    return sent;
  }
  std::string hello(const std::string& config = "{}") {
    return "{\"generationConfig\":" + config + "," + kHello + "}";
  }
  static constexpr const char* kThoughts = R"({"thinkingConfig":{"includeThoughts":true}})";
  ScriptedService service_;
  std::vector<Route> routes_ = gemini_routes(service_, std::make_shared<EmbedWorker>(service_));
};

TEST_F(GeminiReply, ShowsThoughtsOnlyIfAsked) {
  service_.script = short_answer();
  const Json shown = Json::parse(call("generateContent", hello(kThoughts)).body);
  const Json& parts = shown["candidates"][0]["content"]["parts"];
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0]["text"], "Hm.");
  EXPECT_EQ(parts[0]["thought"], true);
  EXPECT_EQ(parts[1]["text"], "Hi!");
  EXPECT_FALSE(parts[1].contains("thought"));
  EXPECT_EQ(shown["candidates"][0]["content"]["role"], "model");
  EXPECT_EQ(shown["candidates"][0]["finishReason"], "STOP");
  EXPECT_EQ(shown["modelVersion"], "tiny");
  const Json& usage = shown["usageMetadata"];
  EXPECT_EQ(usage["promptTokenCount"], 70);
  EXPECT_EQ(usage["cachedContentTokenCount"], 64);
  EXPECT_EQ(usage["thoughtsTokenCount"], 3);
  EXPECT_EQ(usage["candidatesTokenCount"], 2);
  EXPECT_EQ(usage["totalTokenCount"], 75);
  const Json hidden = Json::parse(call("generateContent", hello()).body);
  EXPECT_EQ(hidden["candidates"][0]["content"]["parts"].size(), 1u);
  EXPECT_EQ(hidden["usageMetadata"]["thoughtsTokenCount"], 3);
}

TEST_F(GeminiReply, StreamsEventsOrAnArray) {
  service_.script = short_answer();
  const Sent sse = call("streamGenerateContent", hello(kThoughts), {{"alt", "sse"}});
  EXPECT_EQ(sse.content_type, "text/event-stream");
  const auto data = sse_data(sse.body);
  ASSERT_EQ(data.size(), 3u);
  const Json thought = Json::parse(data[0]), answer = Json::parse(data[1]),
             last = Json::parse(data[2]);
  EXPECT_EQ(thought["candidates"][0]["content"]["parts"][0]["thought"], true);
  EXPECT_EQ(answer["candidates"][0]["content"]["parts"][0]["text"], "Hi!");
  EXPECT_FALSE(answer["candidates"][0].contains("finishReason"));
  EXPECT_EQ(last["candidates"][0]["finishReason"], "STOP");
  EXPECT_EQ(last["usageMetadata"]["totalTokenCount"], 75);

  const Sent array = call("streamGenerateContent", hello());
  EXPECT_EQ(array.content_type, "application/json");
  const Json all = Json::parse(array.body);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["candidates"][0]["content"]["parts"][0]["text"], "Hi!");
  EXPECT_EQ(all[1]["candidates"][0]["finishReason"], "STOP");
}

TEST_F(GeminiReply, CallsFunctions) {
  service_.script = {call_event(0, "c1", "f"), arguments_event(0, R"({"a":)"),
                     arguments_event(0, "1}"), finished_event(Finish::kToolCalls), done_event()};
  const Json whole = Json::parse(call("generateContent", hello()).body)["candidates"][0];
  EXPECT_EQ(whole["content"]["parts"].size(), 1u);
  EXPECT_EQ(whole["content"]["parts"][0]["functionCall"]["name"], "f");
  EXPECT_EQ(whole["content"]["parts"][0]["functionCall"]["args"]["a"], 1);
  EXPECT_EQ(whole["finishReason"], "STOP");
  const auto data = sse_data(call("streamGenerateContent", hello(), {{"alt", "sse"}}).body);
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(
      Json::parse(data[0])["candidates"][0]["content"]["parts"][0]["functionCall"]["args"]["a"], 1);
}

TEST_F(GeminiReply, MapsEveryFinishReason) {
  const auto candidate = [&](Finish finish) {
    service_.script = {content_event("x"), finished_event(finish), done_event()};
    return Json::parse(call("generateContent", hello()).body)["candidates"][0];
  };
  EXPECT_EQ(candidate(Finish::kLength)["finishReason"], "MAX_TOKENS");
  EXPECT_EQ(candidate(Finish::kRepetition)["finishReason"], "OTHER");
  EXPECT_EQ(candidate(Finish::kRepetition)["finishMessage"], "repetition");
  EXPECT_EQ(candidate(Finish::kCancelled)["finishReason"], "OTHER");
}

TEST_F(GeminiReply, SaysWhatWentWrong) {
  service_.script = {content_event("a"), failed_event("full")};
  const Sent broken = call("streamGenerateContent", hello(), {{"alt", "sse"}});
  EXPECT_EQ(broken.state, ReplySource::State::kBroken);
  EXPECT_EQ(Json::parse(sse_data(broken.body).back())["error"]["status"], "INTERNAL");
  const Sent array = call("streamGenerateContent", hello());
  EXPECT_EQ(array.state, ReplySource::State::kBroken);
  EXPECT_FALSE(Json::accept(array.body));
  EXPECT_EQ(call("generateContent", "{}").status, 400);
  EXPECT_EQ(call("streamGenerateContent", hello(), {{"alt", "proto"}}).status, 400);
  service_.error = exhausted("the queue is full");
  const Sent full = call("generateContent", hello());
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(
      full.body,
      R"({"error":{"code":429,"message":"the queue is full","status":"RESOURCE_EXHAUSTED"}})");
}

TEST_F(GeminiReply, CountsAndEmbeds) {
  EXPECT_EQ(call("countTokens", hello()).body, R"({"totalTokens":42})");
  EXPECT_EQ(call("countTokens", "{\"generateContentRequest\":" + hello() + "}").body,
            R"({"totalTokens":42})");
  EXPECT_EQ(call("embedContent", R"({"content":{"parts":[{"text":"a"}]}})").body,
            R"({"embedding":{"values":[1.0,-0.5]}})");
  EXPECT_EQ(call("embedContent", "{}").status, 400);
}

TEST_F(GeminiReply, DescribesModels) {
  const Json list = Json::parse(call_route(routes_, "GET", "/v1beta/models", {}).body);
  EXPECT_EQ(list["models"][0]["name"], "models/tiny");
  EXPECT_EQ(list["models"][0]["inputTokenLimit"], 4096);
  HttpRequest one;
  one.path_parameters = {{"model", "gpt"}};
  const Reply missing = call_route(routes_, "GET", "/v1beta/models/{model...}", one);
  EXPECT_EQ(missing.head.status, 404);
  EXPECT_EQ(Json::parse(missing.body)["error"]["status"], "NOT_FOUND");
}

}  // namespace
}  // namespace sputnik::server::gemini
