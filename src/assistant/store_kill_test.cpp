// A process that is killed while it writes loses what it was writing, and nothing else.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "assistant/store.h"
#include "assistant/store_testing.h"

namespace sputnik::assistant {
namespace {

// Writes an answer piece by piece and says over the pipe, after each write, how many there are.
[[noreturn]] void write_for_ever(const std::filesystem::path& path, int pipe) {
  auto store = Store::open(path);
  if (!store.ok()) ::_exit(1);
  const std::int64_t id = store.value()->add_conversation({}).value().id;
  NewMessage question, answer;
  question.conversation_id = answer.conversation_id = id;
  question.content = "q";
  answer.role = Role::kAssistant;
  answer.state = MessageState::kRunning;
  answer.generation_id = "gen";
  const auto made = store.value()->add_turn(question, std::span(&answer, 1)).value();
  for (std::int64_t n = 1;; ++n) {
    const AnswerPiece piece{made[1].id, "r", "c", n};
    if (!store.value()->append(std::span(&piece, 1)).ok()) ::_exit(2);
    if (::write(pipe, &n, sizeof n) != sizeof n) ::_exit(3);
  }
}

TEST(StoreKill, LosesAtMostTheWriteThatWasGoingOn) {
  const TemporaryFolder folder;
  for (int round = 1; round <= 24; ++round) {
    const auto path = folder.path() / (std::to_string(round) + ".db");
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      write_for_ever(path, ends[1]);
    }
    ::close(ends[1]);
    // The n-th write has returned, and the next one is at some place of its own.
    std::int64_t said = 0;
    while (said < round && ::read(ends[0], &said, sizeof said) == sizeof said) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(137 * round));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    for (std::int64_t more = 0; ::read(ends[0], &more, sizeof more) == sizeof more;) said = more;
    ::close(ends[0]);
    ASSERT_GE(said, round);

    const auto store = Store::open(path);
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto running = store.value()->running_messages().value();
    ASSERT_EQ(running.size(), 1u);
    const Message& answer = running.front();
    EXPECT_TRUE(answer.n_events == said || answer.n_events == said + 1)
        << answer.n_events << " of " << said;
    EXPECT_EQ(answer.content, std::string(static_cast<std::size_t>(answer.n_events), 'c'));
    EXPECT_EQ(answer.reasoning, std::string(static_cast<std::size_t>(answer.n_events), 'r'));
  }
}

}  // namespace
}  // namespace sputnik::assistant
