#include "server/generations/generation_routes.h"

#include <gtest/gtest.h>

#include "server/common/json_out.h"
#include "server/openai/openai_routes.h"
#include "server/service_testing.h"

namespace sputnik::server {
namespace {

class Generations : public testing::Test {
 protected:
  Reply chat(const std::string& fields) {
    return call_route(chat_, "POST", "/v1/chat/completions",
                      post("{" + fields + R"(,"messages":[{"role":"user","content":"hello"}]})"));
  }
  HttpRequest of(std::string id, std::string body = {}) {
    HttpRequest request = post(std::move(body));
    request.path_parameters = {{"id", std::move(id)}};
    return request;
  }
  ScriptedService service_;
  std::vector<Route> chat_ =
      openai::openai_routes(service_, std::make_shared<EmbedWorker>(service_));
  std::vector<Route> control_ = generation_routes(service_);
};

TEST_F(Generations, ReplayEveryEventOnceFromAnyPlace) {
  service_.script = short_answer();
  Reply first = chat(R"("stream":true,"detached":true)");
  EXPECT_EQ(first.head.headers[0],
            (std::pair<std::string, std::string>("x-sputnik-generation", "gen-1")));
  EXPECT_TRUE(service_.requests.back().detached);
  const auto text_from = [&](const HttpRequest& request) {
    Reply reply = call_route(control_, "GET", "/v1/generations/{id}/events", request);
    std::string text;
    auto data = sse_data(send(reply).body);
    EXPECT_EQ(data.back(), "[DONE]");
    data.pop_back();
    for (const std::string& line : data) {
      const Json chunk = Json::parse(line);
      if (chunk["choices"].empty()) continue;
      const Json& delta = chunk["choices"][0]["delta"];
      for (const char* key : {"reasoning_content", "content"}) {
        if (delta.contains(key) && delta[key].is_string()) text += delta[key];
      }
    }
    return text;
  };
  EXPECT_EQ(text_from(of("gen-1")), "Hm.Hi!");
  HttpRequest after = of("gen-1");
  after.query = {{"after", "1"}};
  EXPECT_EQ(text_from(after), "!");
  HttpRequest last_id = of("gen-1");
  last_id.headers = {{"last-event-id", "0"}};
  EXPECT_EQ(text_from(last_id), "Hi!");
  HttpRequest beyond = of("gen-1");
  beyond.query = {{"after", "400"}};
  Reply nothing = call_route(control_, "GET", "/v1/generations/{id}/events", beyond);
  EXPECT_EQ(send(nothing).state, ReplySource::State::kDone);
  beyond.query = {{"after", "x"}};
  EXPECT_EQ(call_route(control_, "GET", "/v1/generations/{id}/events", beyond).head.status, 400);
  EXPECT_EQ(call_route(control_, "GET", "/v1/generations/{id}", of("gen-2")).head.status, 404);
}

TEST_F(Generations, TellHowFarTheyAre) {
  Reply reply = chat(R"("stream":true)");
  const auto phase = [&] {
    return Json::parse(
        call_route(control_, "GET", "/v1/generations/{id}", of("gen-1")).body)["phase"];
  };
  service_.generation->progress_ = {2, 0, 10, 0, false};
  EXPECT_EQ(phase(), "queued");
  service_.generation->progress_ = {-1, 5, 10, 0, false};
  EXPECT_EQ(phase(), "reading");
  service_.generation->progress_ = {-1, 10, 10, 3, true};
  EXPECT_EQ(phase(), "thinking");
  service_.generation->progress_ = {-1, 10, 10, 4, false};
  EXPECT_EQ(phase(), "writing");
  service_.generation->push(done_event());
  EXPECT_EQ(phase(), "finished");
}

TEST_F(Generations, CanBeToldToThinkLessOrToEnd) {
  Reply reply = chat(R"("stream":true)");
  const auto think = [&](const std::string& body) {
    return call_route(control_, "POST", "/v1/generations/{id}/thinking", of("gen-1", body))
        .head.status;
  };
  EXPECT_EQ(think(R"({"budget":12})"), 200);
  EXPECT_EQ(service_.generation->budget, 12);
  EXPECT_FALSE(service_.generation->is_answer_wanted);
  EXPECT_EQ(think(R"({"answer_now":true})"), 200);
  EXPECT_TRUE(service_.generation->is_answer_wanted);
  EXPECT_EQ(think("{}"), 400);
  EXPECT_EQ(think(R"({"budget":-1})"), 400);
  EXPECT_FALSE(service_.generation->is_cancelled);
  call_route(control_, "DELETE", "/v1/generations/{id}", of("gen-1"));
  EXPECT_TRUE(service_.generation->is_cancelled);
}

}  // namespace
}  // namespace sputnik::server
