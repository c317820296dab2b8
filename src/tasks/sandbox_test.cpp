#include "tasks/sandbox.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace sputnik::tasks {
namespace {

// Skips, with the reason, where bubblewrap cannot run: in many containers.
class InSandbox : public testing::Test {
 protected:
  void SetUp() override {
    auto created = Sandbox::create();
    if (!created.ok()) GTEST_SKIP() << created.error().message;
    sandbox_.emplace(std::move(created).value());
  }

  SandboxRun run(std::string_view program, std::string_view input = "",
                 const SandboxLimits& limits = {}) {
    auto result = sandbox_->run_python(program, input, limits);
    EXPECT_TRUE(result.ok());
    return result.ok() ? std::move(result).value() : SandboxRun{};
  }

  std::optional<Sandbox> sandbox_;
};

TEST_F(InSandbox, AProgramReadsItsInputAndWritesItsOutput) {
  const SandboxRun r =
      run("import sys\nprint(sum(int(x) for x in sys.stdin.read().split()))\n", "1 2\n39\n");
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(r.out, "42\n");
}

TEST_F(InSandbox, AnExceptionIsAnExitStatusAndAMessage) {
  const SandboxRun r = run("raise ValueError('seven')");
  EXPECT_FALSE(r.ok());
  EXPECT_EQ(r.exit_status, 1);
  EXPECT_NE(r.err.find("seven"), std::string::npos);
}

TEST_F(InSandbox, TheNetworkIsNotThere) {
  const SandboxRun r =
      run("import socket\n"
          "try:\n  socket.create_connection(('1.1.1.1', 53), 1)\n  print('reached')\n"
          "except OSError as e:\n  print('refused')\n");
  EXPECT_EQ(r.out, "refused\n");
}

TEST_F(InSandbox, TheSystemIsReadOnlyAndTheHomesAreNotThere) {
  const SandboxRun r =
      run("import os\n"
          "for path in ['/usr/x', '/x', '/etc/x', '/program.py']:\n"
          "  try:\n    open(path, 'w'); print('wrote', path)\n"
          "  except OSError:\n    pass\n"
          "print(os.path.exists('/home'), os.path.exists('/etc/passwd'), os.getuid() != 0)\n"
          "open('/tmp/mine', 'w').write('x'); print(open('/tmp/mine').read())\n");
  EXPECT_EQ(r.out, "False False True\nx\n");
}

TEST_F(InSandbox, AnEndlessLoopIsStopped) {
  SandboxLimits limits;
  limits.wall_ms = 400;
  EXPECT_EQ(run("while True: pass", "", limits).end, SandboxRun::End::kTimedOut);
  EXPECT_EQ(run("import time, os\nos.close(1)\nos.close(2)\ntime.sleep(60)", "", limits).end,
            SandboxRun::End::kTimedOut);
}

TEST_F(InSandbox, ProcessorTimeIsBounded) {
  SandboxLimits limits;
  limits.cpu_s = 1;
  const SandboxRun r = run("while True: pass", "", limits);
  EXPECT_EQ(r.end, SandboxRun::End::kKilled);
}

TEST_F(InSandbox, MemoryFilesAndProcessesAreBounded) {
  EXPECT_NE(run("x = bytearray(4 << 30)").err.find("MemoryError"), std::string::npos);
  EXPECT_FALSE(
      run("f = open('/tmp/big', 'wb')\nfor i in range(64): f.write(bytes(1 << 20))\nf.close()")
          .ok());
  const SandboxRun forks =
      run("import os, time\n"
          "n = 0\n"
          "try:\n"
          "  while n < 100:\n"
          "    if os.fork() == 0: time.sleep(30); os._exit(0)\n"
          "    n += 1\n"
          "except OSError:\n  print('bounded', n < 50)\n");
  EXPECT_EQ(forks.out, "bounded True\n");
}

TEST_F(InSandbox, EndlessOutputIsCut) {
  const SandboxRun r = run("while True: print('x' * 1000)");
  EXPECT_EQ(r.end, SandboxRun::End::kTooMuchOutput);
  EXPECT_LE(r.out.size(), std::size_t{64} << 10);
}

TEST_F(InSandbox, CasesDecideAboutAProgram) {
  const std::string program = "print(int(input()) * 2)";
  const std::vector<ProgramCase> right = {{"3\n", "6\n"}, {"-4\n", "-8"}};
  const std::vector<ProgramCase> wrong = {{"3\n", "6\n"}, {"4\n", "9\n"}};
  EXPECT_TRUE(check_program(*sandbox_, program, right).value().passed);
  const Verdict verdict = check_program(*sandbox_, program, wrong).value();
  EXPECT_FALSE(verdict.passed);
  EXPECT_EQ(verdict.reason, "case 2: the output is wrong");
  EXPECT_FALSE(check_program(*sandbox_, program, {}).ok());
}

TEST_F(InSandbox, TestsMustRunToTheirEnd) {
  const std::string tests = "assert double(3) == 6\nassert double(0) == 0\n";
  const auto passed = [&](std::string_view program) {
    return check_with_tests(*sandbox_, program, tests).value().passed;
  };
  EXPECT_TRUE(passed("def double(x): return 2 * x"));
  EXPECT_FALSE(passed("def double(x): return x + 3"));
  EXPECT_FALSE(passed("def double(x):"));
  EXPECT_FALSE(passed("import sys\nsys.exit(0)"));
  EXPECT_FALSE(passed("import os\nprint('ok')\nos._exit(0)"));
  EXPECT_FALSE(passed("def double(x): raise SystemExit(0)"));
}

TEST(Sandbox, IsRefusedWithoutAWorkingBubblewrap) {
  const auto missing = Sandbox::create("/nowhere/bwrap");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(missing.error().message.find("/nowhere/bwrap is not installed"), std::string::npos);
  const auto broken = Sandbox::create("/bin/false");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, ErrorCode::kUnsupported);
}

TEST(ExtractProgram, TakesTheLastBlock) {
  EXPECT_EQ(extract_program("First:\n```python\nx = 1\n```\nBetter:\n```python\nx = 2\n```\nDone."),
            "x = 2\n");
  EXPECT_EQ(extract_program("x = 3"), "x = 3");
  EXPECT_EQ(extract_program("```py\nx = 4"), "x = 4");
}

}  // namespace
}  // namespace sputnik::tasks
