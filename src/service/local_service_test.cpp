#include "service/local_service.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/mapped_file.h"
#include "service/receipt.h"
#include "service/service_testing.h"

namespace sputnik::service {
namespace {

std::string message_of(Service& service, GenerateRequest request) {
  auto result = service.generate(std::move(request));
  return result.ok() ? "ok" : result.error().message;
}

bool same_events(const std::vector<Event>& a, const std::vector<Event>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].kind != b[i].kind || a[i].choice != b[i].choice || a[i].text != b[i].text ||
        a[i].logprobs.size() != b[i].logprobs.size())
      return false;
    for (std::size_t j = 0; j < a[i].logprobs.size(); ++j)
      if (a[i].logprobs[j].token.logprob != b[i].logprobs[j].token.logprob) return false;
  }
  return true;
}

TEST(LocalService, ThinksAndAnswersAndCountsExactly) {
  const auto service = open_service();
  GenerateRequest request = ask("What is 348 + 275?");
  request.sampling.temperature = 0;
  const auto generation = service->generate(request).value();
  const Outcome outcome = read_to_end(*generation);
  EXPECT_FALSE(outcome.reasoning.empty());
  EXPECT_FALSE(outcome.content.empty());
  EXPECT_EQ(outcome.reasoning.find("<think>"), std::string::npos);
  EXPECT_EQ(outcome.content.find("think>"), std::string::npos);
  EXPECT_EQ(outcome.finish, Finish::kStop);
  const Usage usage = generation->usage();
  EXPECT_EQ(usage.prompt_tokens(), generation->info().n_prompt_tokens);
  EXPECT_EQ(usage.prompt_tokens(), service->count_tokens(request).value());
  EXPECT_GT(usage.reasoning_tokens, 0);
  EXPECT_LT(usage.reasoning_tokens, usage.completion_tokens);
  EXPECT_GT(generation->timing().generation_ms, 0);
  EXPECT_TRUE(generation->finished());
  EXPECT_EQ(service->find(generation->info().id).value(), generation);
  EXPECT_FALSE(service->find("gen-0").ok());
}

TEST(LocalService, TheSameSeedGivesTheSameAnswerWhateverRunsBesideIt) {
  const auto service = open_service();
  const Outcome alone = run_request(*service, ask("Tell me a story.", 7));
  std::vector<std::shared_ptr<Generation>> others;
  for (std::uint64_t seed = 20; seed < 26; ++seed)
    others.push_back(service->generate(ask("What is 17 * 23?", seed)).value());
  const Outcome together = run_request(*service, ask("Tell me a story.", 7));
  EXPECT_TRUE(same_events(alone.events, together.events));
  EXPECT_NE(run_request(*service, ask("Tell me a story.", 8)).content, alone.content);
}

TEST(LocalService, TheBudgetOfAThoughtIsExact) {
  const auto service = open_service();
  for (const std::int64_t budget : {0, 1, 8, 30}) {
    GenerateRequest request = ask("What is 348 + 275?");
    request.thinking.budget = budget;
    const auto generation = service->generate(request).value();
    const Outcome outcome = read_to_end(*generation);
    EXPECT_FALSE(outcome.content.empty()) << budget;
    const auto closed =
        std::count_if(outcome.events.begin(), outcome.events.end(),
                      [](const Event& e) { return e.kind == Event::Kind::kThoughtEnded; });
    EXPECT_EQ(closed, budget == 0 ? 0 : 1);
    EXPECT_EQ(generation->usage().reasoning_tokens, budget);
  }
  GenerateRequest off = ask("What is 348 + 275?");
  off.thinking.enabled = false;
  EXPECT_EQ(run_request(*service, off).reasoning, "");
}

TEST(LocalService, AnswerNowEndsTheThoughtWhileItRuns) {
  const auto service = open_service();
  GenerateRequest request = ask("What is 348 + 275?");
  request.sampling.temperature = 2.0f;  // so that it would think for long
  const auto generation = service->generate(request).value();
  while (generation->progress().n_tokens < 3) std::this_thread::yield();
  generation->answer_now();
  const Outcome outcome = read_to_end(*generation);
  const auto ended = std::find_if(outcome.events.begin(), outcome.events.end(), [](const Event& e) {
    return e.kind == Event::Kind::kThoughtEnded;
  });
  // Or it had just ended by itself.
  if (ended != outcome.events.end()) {
    EXPECT_EQ(ended->thought_end, ThoughtEnd::kAskedFor);
  }
  EXPECT_TRUE(generation->finished());
}

TEST(LocalService, AThoughtCanBeEditedAndGoesOn) {
  const auto service = open_service();
  GenerateRequest request = ask("What is 348 + 275?");
  request.sampling.temperature = 0;
  const Outcome whole = run_request(*service, request);
  ASSERT_GT(whole.reasoning.size(), 20u);
  // The first half of its own thought: it goes on as it did.
  const std::size_t cut = whole.reasoning.find('\n');
  ASSERT_NE(cut, std::string::npos);
  chat_of(request).continue_last = true;
  chat_of(request).messages.push_back(
      chat::make_message(chat::Role::kAssistant, "", whole.reasoning.substr(0, cut + 1)));
  const Outcome rest = run_request(*service, request);
  EXPECT_EQ(whole.reasoning.substr(0, cut + 1) + rest.reasoning, whole.reasoning);
  EXPECT_EQ(rest.content, whole.content);
  // And within the answer.
  chat_of(request).messages.back() = chat::make_message(
      chat::Role::kAssistant, whole.content.substr(0, whole.content.size() / 2), whole.reasoning);
  const Outcome end = run_request(*service, request);
  EXPECT_EQ(end.reasoning, "");
  EXPECT_FALSE(end.content.empty());
}

TEST(LocalService, StopStringsEndTheAnswerAndNotTheThought) {
  const auto service = open_service();
  GenerateRequest request = ask("What is 348 + 275?");
  request.sampling.temperature = 0;
  const Outcome whole = run_request(*service, request);
  request.stop = {"6"};
  const Outcome cut = run_request(*service, request);
  EXPECT_EQ(cut.reasoning, whole.reasoning);
  EXPECT_EQ(cut.content, whole.content.substr(0, whole.content.find('6')));
  EXPECT_EQ(cut.finish, Finish::kStop);
  EXPECT_EQ(cut.events[cut.events.size() - 2].stop_string, "6");
}

TEST(LocalService, SeveralAnswersAreAsIfAskedForOneByOneAndCanBeVotedOn) {
  const auto service = open_service();
  GenerateRequest request = ask("What is 12 + 30?", 5);
  request.n = 6;
  request.vote = VoteRequest{false};
  const auto generation = service->generate(request).value();
  const Outcome together = read_to_end(*generation);
  ASSERT_EQ(together.contents.size(), 6u);
  for (std::uint64_t i = 0; i < 6; ++i)
    EXPECT_EQ(run_request(*service, ask("What is 12 + 30?", 5 + i)).content, together.contents[i]);
  const VoteResult vote = generation->vote().value();
  EXPECT_GE(vote.n_votes, 1);
  EXPECT_LE(vote.n_votes, vote.n_counted);
  EXPECT_NE(together.contents[static_cast<std::size_t>(vote.choice)].find(vote.answer),
            std::string::npos);

  request.vote = VoteRequest{true};
  const auto early = service->generate(request).value();
  (void)read_to_end(*early);
  EXPECT_EQ(early->vote()->answer, vote.answer);
}

TEST(LocalService, WhoeverLeavesEndsItUnlessItIsDetached) {
  const auto service = open_service();
  GenerateRequest request = ask("Tell me a story.");
  auto generation = service->generate(request).value();
  generation->attach().reset();
  EXPECT_EQ(read_to_end(*generation).finish, Finish::kCancelled);
  request.detached = true;
  generation = service->generate(request).value();
  auto first = generation->attach(), second = generation->attach();
  first.reset();
  second.reset();
  EXPECT_NE(read_to_end(*generation).finish, Finish::kCancelled);
}

TEST(LocalService, SaysWhatIsWrongWithARequest) {
  const auto service = open_service();
  GenerateRequest request = ask("Hello");
  request.model = "llama-9";
  EXPECT_EQ(message_of(*service, request),
            "there is no model \"llama-9\"; \"sputnik-1\" is loaded");
  request = ask("Hello");
  request.n = 65;
  EXPECT_EQ(message_of(*service, request), "n: 65 answers; between 1 and 64 are possible");
  request = ask(std::string(20000, 'x'));
  EXPECT_NE(message_of(*service, request).find("maximum context length is 1024 tokens"),
            std::string::npos);
  request = ask("Hello");
  request.sampling.temperature = 9.0f;
  EXPECT_NE(message_of(*service, request), "ok");
  request = ask("Hello");
  chat_of(request).messages.clear();
  EXPECT_EQ(message_of(*service, request), "messages: there are none");
}

TEST(LocalService, AFullQueueIsSaid) {
  TestServiceOptions options;
  options.engine.max_sequences = 1;
  options.service.worker.max_queue = 2;
  const auto service = open_service(options);
  std::vector<std::shared_ptr<Generation>> generations;
  for (int i = 0; i < 3; ++i)
    generations.push_back(service->generate(ask("Tell me a story.")).value());
  const auto refused = service->generate(ask("Tell me a story."));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_GE(service->retry_after_s(), 1);
  for (const auto& generation : generations) generation->cancel();
  for (const auto& generation : generations) (void)read_to_end(*generation);
  EXPECT_EQ(run_request(*service, ask("Hello")).error, std::nullopt);
}

TEST(LocalService, TheSecondTurnReadsOnlyWhatIsNew) {
  const auto service = open_service();
  GenerateRequest request = ask(
      "There are many apples in this basket, and I will tell you about each of them in turn, so "
      "that you can remember all of them. One is red, one is green, one is yellow, and one is "
      "brown. What is 348 + 275?");
  const Outcome first = run_request(*service, request);
  while (service->stats().n_running + service->stats().n_waiting > 0) std::this_thread::yield();
  const std::int64_t before = service->stats().n_computed_tokens;
  chat_of(request).messages.push_back(
      chat::make_message(chat::Role::kAssistant, first.content, first.reasoning));
  chat_of(request).messages.push_back(chat::make_message(chat::Role::kUser, "What is 2 + 2?"));
  request.max_tokens = 1;
  const auto generation = service->generate(request).value();
  (void)read_to_end(*generation);
  EXPECT_GE(generation->usage().prompt_cache_hit_tokens, 64);
  EXPECT_EQ(generation->usage().prompt_cache_hit_tokens % 64, 0);
  // The question, and what the template puts around it.
  while (service->stats().n_running + service->stats().n_waiting > 0) std::this_thread::yield();
  EXPECT_LE(service->stats().n_computed_tokens - before, 20);
}

TEST(LocalService, EmbedsTextsAsUnitVectors) {
  const auto service = open_service();
  const Embedding a = service->embed("A red apple", "").value(),
                  b = service->embed("A red apple", "sputnik-1").value();
  EXPECT_EQ(a.values, b.values);
  double sum = 0;
  for (const float v : a.values) sum += double{v} * double{v};
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_FALSE(service->embed("", "").ok());
}

// ------------------------------------------------------------------------------------------------
// crashes and receipts

// As kill -9 leaves it: the first lines of a journal.
void cut_journal(const std::filesystem::path& folder, std::size_t n_lines, std::string_view rest) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string text = read_file(entry.path()).value();
    std::size_t end = 0;
    for (std::size_t i = 0; i < n_lines; ++i) end = text.find('\n', end) + 1;
    std::ofstream(entry.path()) << text.substr(0, end) << rest;
  }
}

std::vector<Event> of_choice(std::vector<Event> events, int choice) {
  std::erase_if(events, [&](const Event& event) { return event.choice != choice; });
  return events;
}

TEST(LocalService, AnAnswerGoesOnAfterACrashEventByEvent) {
  for (const std::size_t n_lines : {1, 2, 12, 40}) {
    const TemporaryFolder folder;
    TestServiceOptions options;
    options.service.journals = folder.path();
    std::string id;
    Outcome whole;
    GenerateRequest request = ask("What is 348 + 275?", 3);
    request.detached = true;
    request.n = 2;
    request.thinking.budget = 25;
    request.sampling.logprobs = true;
    {
      const auto service = open_service(options);
      const auto generation = service->generate(request).value();
      id = generation->info().id;
      whole = read_to_end(*generation);
    }
    cut_journal(folder.path(), n_lines, n_lines == 12 ? "{\"c\":0,\"t\":1" : "");
    const auto service = open_service(options);
    const auto generation = service->find(id).value();
    const Outcome again = read_to_end(*generation);
    // Answers beside each other may come in other turns; each of them is the same.
    for (int choice = 0; choice < 2; ++choice) {
      EXPECT_TRUE(same_events(of_choice(whole.events, choice), of_choice(again.events, choice)))
          << n_lines << " lines, answer " << choice;
    }
    // A client that had seen some of it asks for the rest.
    std::vector<Event> rest;
    (void)generation->events(5, rest);
    EXPECT_EQ(rest.size(), whole.events.size() - 5);
  }
}

TEST(LocalService, JournalsThatAreDamagedOrOfAnotherModelAreSetAside) {
  const TemporaryFolder folder;
  TestServiceOptions options;
  std::vector<std::string> said;
  options.service.journals = folder.path();
  options.service.worker.log = [&](const std::string& line) { said.push_back(line); };
  std::ofstream(folder.path() / "gen-1.jsonl") << "{}\n";
  std::ofstream(folder.path() / "gen-2.jsonl") << "";
  std::ofstream(folder.path() / "gen-3.jsonl")
      << R"({"version":1,"id":"gen-3","created":1,"fingerprint":"x","request":{}})"
      << "\n";
  const auto service = open_service(options);
  EXPECT_EQ(said.size(), 3u);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "gen-1.jsonl.bad"));
  EXPECT_EQ(run_request(*service, ask("Hello")).error, std::nullopt);
}

TEST(Receipt, IsConfirmedWhereItIsTrueAndShowsTheFirstDifferenceWhereItIsNot) {
  std::string receipt;
  {
    const auto service = open_service();
    GenerateRequest request = ask("What is 348 + 275?", 3);
    request.n = 2;
    request.thinking.budget = 20;
    const auto generation = service->generate(request).value();
    (void)read_to_end(*generation);
    receipt = generation->receipt();
  }
  const auto model = open_served_model(kShipped, TestServiceOptions().engine);
  const ReplayResult good = replay(*model, receipt).value();
  EXPECT_TRUE(good.equal);
  EXPECT_GT(good.n_tokens, 10);

  auto json = nlohmann::ordered_json::parse(receipt);
  json["answers"][1]["tokens"][2] = 77;
  const ReplayResult bad = replay(*model, json.dump()).value();
  EXPECT_FALSE(bad.equal);
  EXPECT_EQ(bad.choice, 1);
  EXPECT_EQ(bad.position, 2);
  json["digest"] = "0";
  EXPECT_NE(replay(*model, json.dump()).error().message.find("digest is 0, and here it is"),
            std::string::npos);
  EXPECT_FALSE(replay(*model, "{}").ok());
  EXPECT_FALSE(replay(*model, "").ok());
}

}  // namespace
}  // namespace sputnik::service
