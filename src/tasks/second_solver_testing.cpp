#include "tasks/second_solver_testing.h"

#include <gtest/gtest.h>

namespace sputnik::tasks {
namespace {

constexpr std::uint64_t kSeeds = 150;

void for_every_task(std::string_view name,
                    const std::function<void(const Family&, const Task&)>& look) {
  const auto family = find_family(name);
  ASSERT_TRUE(family.ok());
  for (int level = 1; level <= family.value()->n_levels; ++level) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      for (const Split split : {Split::kTrain, Split::kTest}) {
        const Task task = generate({family.value(), level, seed, split});
        SCOPED_TRACE(testing::Message()
                     << name << " level " << level << " seed " << seed << ": " << task.prompt);
        look(*family.value(), task);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

}  // namespace

void expect_accepts(std::string_view family, const Solver& solver) {
  for_every_task(family, [&](const Family& f, const Task& task) {
    const std::string answer = solver(task);
    EXPECT_TRUE(verify(f, task.facts, answer)) << answer << " beside " << task.answer;
  });
}

void expect_agrees(std::string_view family, const Solver& solver) {
  for_every_task(family, [&](const Family& f, const Task& task) {
    const std::string answer = solver(task);
    EXPECT_EQ(answer, task.answer);
    EXPECT_TRUE(verify(f, task.facts, answer));
  });
}

}  // namespace sputnik::tasks
