// The server as a process: clients of five APIs, crashes, restarts.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/serve_testing.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

json json_of(const server::TestReply& reply) {
  EXPECT_TRUE(reply.complete);
  return json::parse(reply.body, nullptr, false);
}

std::string question(std::string_view text, std::string_view more = "") {
  json body = {{"messages", {{{"role", "user"}, {"content", text}}}}, {"seed", 5}};
  if (!more.empty()) body.update(json::parse(more));
  return body.dump();
}

TEST(ServeCommand, AnswersAndSaysWhatItIs) {
  const TestHome home;
  ServedProgram server;
  const json answer = json_of(
      server.post("/v1/chat/completions", question("What is 348 + 275?", R"({"temperature":0})")));
  EXPECT_EQ(answer["model"], "sputnik-1") << answer;
  const json& message = answer["choices"][0]["message"];
  EXPECT_FALSE(message["reasoning_content"].get<std::string>().empty());
  EXPECT_NE(message["content"].get<std::string>().find("623"), std::string::npos);
  EXPECT_EQ(answer["usage"]["total_tokens"].get<int>(),
            answer["usage"]["prompt_tokens"].get<int>() +
                answer["usage"]["completion_tokens"].get<int>());
  EXPECT_EQ(json_of(server.get("/health"))["model"], "sputnik-1");
  const std::string metrics = server.get("/metrics").body;
  EXPECT_NE(metrics.find("sputnik_generations_total{finish=\"stop\"} 1"), std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find("sputnik_time_to_first_token_seconds_count 1"), std::string::npos);
  EXPECT_NE(metrics.find("sputnik_cache_blocks_free"), std::string::npos);
  EXPECT_EQ(server.stop(), 0);
}

TEST(ServeCommand, JsonComesAsTheSchemaSaysAndToolsAreCalled) {
  const TestHome home;
  ServedProgram server;
  for (int seed = 1; seed <= 5; ++seed) {
    const json answer = json_of(server.post(
        "/v1/chat/completions",
        question("What is 348 + 275?",
                 R"({"seed":)" + std::to_string(seed) +
                     R"(,"temperature":1.5,"thinking":{"type":"enabled","budget_tokens":20},
                  "response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,
                  "schema":{"type":"object","properties":{"sum":{"type":"integer"},
                  "sign":{"enum":["plus","minus"]}},"required":["sum","sign"],
                  "additionalProperties":false}}}})")));
    ASSERT_TRUE(answer.contains("choices")) << answer;
    const json content =
        json::parse(answer["choices"][0]["message"]["content"].get<std::string>(), nullptr, false);
    ASSERT_TRUE(content.is_object()) << answer;
    EXPECT_TRUE(content["sum"].is_number_integer());
    EXPECT_TRUE(content["sign"] == "plus" || content["sign"] == "minus");
    EXPECT_LE(answer["usage"]["completion_tokens_details"]["reasoning_tokens"].get<int>(), 20);
  }
  const json called =
      json_of(server.post("/v1/chat/completions", question("What is the weather in Paris?",
                                                           R"({"tool_choice":"required","tools":[{
        "type":"function","function":{"name":"weather","strict":true,"parameters":{"type":"object",
        "properties":{"warm":{"type":"boolean"}},"required":["warm"],
        "additionalProperties":false}}}]})")));
  ASSERT_TRUE(called.contains("choices")) << called;
  EXPECT_EQ(called["choices"][0]["finish_reason"], "tool_calls") << called;
  const json& call = called["choices"][0]["message"]["tool_calls"][0];
  EXPECT_EQ(call["function"]["name"], "weather");
  EXPECT_TRUE(json::parse(call["function"]["arguments"].get<std::string>())["warm"].is_boolean());
}

// ------------------------------------------------------------------------------------------------

// Events of a stream: what they carry, by their number.
std::vector<std::pair<int, std::string>> events_of(std::string_view stream) {
  std::vector<std::pair<int, std::string>> events;
  int id = -1;
  while (!stream.empty()) {
    const std::size_t end = std::min(stream.find('\n'), stream.size());
    const std::string_view line = stream.substr(0, end);
    stream.remove_prefix(std::min(end + 1, stream.size()));
    if (line.starts_with("id: ")) id = std::atoi(std::string(line.substr(4)).c_str());
    if (!line.starts_with("data: ") || line == "data: [DONE]") continue;
    const json chunk = json::parse(line.substr(6), nullptr, false);
    if (!chunk.is_object() || !chunk.contains("choices") || chunk["choices"].empty()) continue;
    const json& delta = chunk["choices"][0]["delta"];
    std::string text;
    for (const char* key : {"reasoning_content", "content"})
      if (delta.contains(key) && delta[key].is_string())
        text += std::string(key) + ":" + delta[key].get<std::string>() + "\n";
    if (!text.empty()) events.emplace_back(id, text);
  }
  return events;
}

std::string text_of(const std::vector<std::pair<int, std::string>>& events) {
  std::string reasoning, content;
  for (const auto& [id, text] : events) {
    const bool is_content = text.starts_with("content:");
    (is_content ? content : reasoning) +=
        text.substr(text.find(':') + 1, text.size() - text.find(':') - 2);
  }
  return reasoning + "|" + content;
}

TEST(ServeCommand, AnAnswerGoesOnAfterTheServerWasKilled) {
  const std::string body =
      question("Tell me a story about a fox.",
               R"({"stream":true,"detached":true,"temperature":1.0,"max_tokens":600})");
  std::string whole;
  {
    const TestHome home;
    ServedProgram server;
    whole = text_of(events_of(server.post("/v1/chat/completions", body).body));
    ASSERT_GT(whole.size(), 50u);
  }
  for (int round = 0; round < 4; ++round) {
    const TestHome home;
    std::string id;
    std::string seen;
    {
      ServedProgram server;
      server::TestClient client(server.port());
      ASSERT_TRUE(client.send(server.request("POST", "/v1/chat/completions", body)));
      const std::string head = client.read_until("\r\n\r\n");
      const std::size_t at = head.find("x-sputnik-generation: ");
      ASSERT_NE(at, std::string::npos) << head;
      id = head.substr(at + 22, head.find("\r\n", at) - at - 22);
      for (int i = 0; i <= round * 3; ++i) seen += client.read_until("\n\n");
      server.kill();
    }
    auto events = events_of(seen);
    ServedProgram server;
    const int last = events.empty() ? -1 : events.back().first;
    const server::TestReply rest =
        server.get("/v1/generations/" + id + "/events?after=" + std::to_string(last));
    ASSERT_EQ(rest.status, 200) << rest.body;
    for (auto& event : events_of(rest.body)) {
      EXPECT_GT(event.first, last);
      events.push_back(std::move(event));
    }
    EXPECT_EQ(text_of(events), whole) << "round " << round << "\n"
                                      << seen << "\n---\n"
                                      << rest.body;
  }
}

TEST(ServeCommand, TheCacheOnDiskOutlivesTheServer) {
  const TestHome home;
  std::string long_text = "Here is a list of words, and a question behind it:";
  for (int i = 0; i < 120; ++i) long_text += " word" + std::to_string(i % 10);
  const std::string body = question(long_text + ". What is 2 + 2?", R"({"max_tokens":1})");
  int n_prompt = 0;
  {
    ServedProgram server;
    const json usage = json_of(server.post("/v1/chat/completions", body))["usage"];
    EXPECT_EQ(usage["prompt_cache_hit_tokens"], 0);
    n_prompt = usage["prompt_tokens"].get<int>();
    ASSERT_GT(n_prompt, 200);
    EXPECT_EQ(server.stop(), 0);
  }
  ServedProgram server;
  const json usage = json_of(server.post("/v1/chat/completions", body))["usage"];
  EXPECT_EQ(usage["prompt_cache_hit_tokens"].get<int>(), (n_prompt - 1) / 64 * 64);
  EXPECT_EQ(
      usage["prompt_cache_hit_tokens"].get<int>() + usage["prompt_cache_miss_tokens"].get<int>(),
      n_prompt);
}

TEST(ServeCommand, ServesWithoutACacheOnDiskWhereThereCanBeNone) {
  const TestHome home;
  std::filesystem::create_directories(home.path() / "XDG_CACHE_HOME");
  std::ofstream(home.path() / "XDG_CACHE_HOME" / "sputnik") << "a file where a folder should be";
  ServedProgram server;
  EXPECT_EQ(server.post("/v1/chat/completions", question("Hello")).status, 200);
  EXPECT_NE(server.standard_error().find("note: without a cache on disk"), std::string::npos)
      << server.standard_error();
}

TEST(ServeCommand, AReceiptIsConfirmedByReplay) {
  const TestHome home;
  std::string reply;
  {
    ServedProgram server;
    reply =
        server
            .post("/v1/chat/completions", question("What is 12 * 12?", R"({"receipt":true,"n":2})"))
            .body;
  }
  const auto path = home.path() / "reply.json";
  std::ofstream(path) << reply;
  const ProgramResult good = run_program({"replay", path.string()});
  EXPECT_EQ(good.status, 0) << good.out << good.err;
  EXPECT_TRUE(good.out.starts_with("equal: ")) << good.out;
  json changed = json::parse(reply);
  json& token = changed["receipt"]["answers"][1]["tokens"][1];
  token = token.get<int>() + 1;
  std::ofstream(path) << changed;
  const ProgramResult bad = run_program({"replay", path.string(), "--json"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_EQ(json::parse(bad.out)["difference"]["answer"], 1) << bad.out;
  EXPECT_EQ(json::parse(bad.out)["difference"]["position"], 1) << bad.out;
  EXPECT_TRUE(fails_with(run_program({"replay", "/nowhere"}), {"/nowhere"}));
}

TEST(ServeCommand, SaysWhatIsWrongBeforeItListens) {
  const TestHome home;
  EXPECT_TRUE(fails_with(run_program({"serve", "--host", "0.0.0.0", "--port", "0"}),
                         {"sputnik key create"}));
  EXPECT_TRUE(fails_with(run_program({"serve", "nothing.gguf"}), {"nothing.gguf"}));
  EXPECT_TRUE(fails_with(run_program({"serve", "--log-level", "loud"}), {"loud"}));
  EXPECT_TRUE(fails_with(run_program({"serve", "--tls-certificate", "/nowhere.pem", "--tls-key",
                                      "/nowhere.pem", "--port", "0"}),
                         {"/nowhere.pem"}));
}

// The libraries that people use, as npm has them.
TEST(ServeCommand, UnmodifiedClientsOfFiveApisAreContent) {
  if (std::system("node -e 'process.exit(+(parseInt(process.versions.node) < 20))' >/dev/null 2>&1 "
                  "&& npm --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "node 20 and npm are not installed";
  const TestHome home;
  const auto clients = source("tests/clients");
  const auto folder = home.path() / "clients";
  std::filesystem::copy(clients, folder, std::filesystem::copy_options::recursive);
  const std::string install = "cd '" + folder.string() +
                              "' && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error "
                              ">npm.log 2>&1";
  ASSERT_EQ(std::system(install.c_str()), 0)
      << "npm could not install the clients; see the log of this test";
  ServedProgram server;
  const std::string run = "cd '" + folder.string() +
                          "' && SPUTNIK_URL=http://127.0.0.1:" + std::to_string(server.port()) +
                          " npm test >test.log 2>&1";
  const int status = std::system(run.c_str());
  std::ifstream log(folder / "test.log");
  EXPECT_EQ(status, 0) << std::string(std::istreambuf_iterator<char>(log), {});
}

}  // namespace
}  // namespace sputnik::cli
