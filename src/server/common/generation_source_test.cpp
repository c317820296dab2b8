#include "server/common/generation_source.h"

#include <gtest/gtest.h>

#include "server/common/base64.h"
#include "server/common/embed_source.h"
#include "server/service_testing.h"

namespace sputnik::server {
namespace {

using service::Event;

TEST(GenerationReader, JoinsNeighboursOfOneKindAndChoice) {
  const auto generation = std::make_shared<ScriptedGeneration>();
  generation->push_all({reasoning_event("a"), reasoning_event("b"), content_event("c"),
                        content_event("d", 1), content_event("e", 1), progress_event(1, 2),
                        content_event("f", 1), call_event(0, "i", "n"), arguments_event(0, "{"),
                        arguments_event(0, "}"), arguments_event(1, "{}")});
  GenerationReader reader(generation);
  std::vector<std::string> texts;
  std::vector<std::int64_t> numbers;
  for (const ReadEvent& read : reader.read()) {
    texts.push_back(read.event.text);
    numbers.push_back(read.number);
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"ab", "c", "de", "", "f", "n", "{}", "{}"}));
  EXPECT_EQ(numbers, (std::vector<std::int64_t>{1, 2, 4, -1, 5, 6, 8, 9}));
  EXPECT_TRUE(reader.read().empty());
  generation->push(content_event("g"));
  const auto more = reader.read();
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].number, 10);
}

TEST(GenerationReader, JoinsLogprobsWithTheirText) {
  const auto generation = std::make_shared<ScriptedGeneration>();
  for (const char* text : {"a", "b"}) {
    Event event = content_event(text);
    event.logprobs = {{{1, text, -1}, {}}};
    generation->push(event);
  }
  GenerationReader reader(generation);
  const auto read = reader.read();
  ASSERT_EQ(read.size(), 1u);
  ASSERT_EQ(read[0].event.logprobs.size(), 2u);
  EXPECT_EQ(read[0].event.logprobs[1].token.bytes, "b");
}

TEST(GenerationReader, ListensUntilItIsDestroyed) {
  const auto generation = std::make_shared<ScriptedGeneration>();
  {
    GenerationReader first(generation), second(generation);
    EXPECT_EQ(generation->n_listeners, 2);
  }
  EXPECT_EQ(generation->n_listeners, 0);
}

TEST(Sse, HasOnlyTheLinesThatAreGiven) {
  std::string body;
  append_sse(body, "{}");
  append_sse(body, "{}", "ping", 7);
  EXPECT_EQ(body, "data: {}\n\nevent: ping\nid: 7\ndata: {}\n\n");
}

TEST(Base64, AgreesWithRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xff\xfe"), "///+");
}

TEST(EmbedWorker, OutlivesClientsThatLeave) {
  ScriptedService service;
  EmbedWorker worker(service);
  const auto render = [](const std::vector<service::Embedding>& embeddings) {
    return std::to_string(embeddings.size());
  };
  for (int i = 0; i < 20; ++i) {
    Reply left = worker.reply({"a", "b"}, "tiny", render, Protocol::kOpenAi);
    if (left.source != nullptr) left.source->set_wake([] {});
  }
  Reply reply = worker.reply({"a", "b"}, "tiny", render, Protocol::kOpenAi);
  Sent sent = send(reply);
  while (sent.state == ReplySource::State::kWaiting) sent = send(reply);
  EXPECT_EQ(sent.body, "2");
}

}  // namespace
}  // namespace sputnik::server
