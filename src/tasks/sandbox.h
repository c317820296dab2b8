// Programs that a model wrote, run where they can do no harm: bubblewrap gives them namespaces of
// their own (no network, nothing but a read-only /usr and an empty /tmp), rlimits bound what they
// use. Without a working bubblewrap nothing is run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace sputnik::tasks {

struct SandboxLimits {
  std::int64_t cpu_s = 5;
  std::int64_t wall_ms = 10'000;
  std::int64_t memory_bytes = std::int64_t{512} << 20;  // of each process
  std::int64_t processes = 8;
  std::int64_t file_bytes = std::int64_t{1} << 20;     // of each file in /tmp
  std::int64_t output_bytes = std::int64_t{64} << 10;  // of stdout and stderr each
};

struct SandboxRun {
  enum class End { kExited, kKilled, kTimedOut, kTooMuchOutput };
  End end = End::kExited;
  int exit_status = 0;   // kExited
  int signal = 0;        // kKilled
  std::string out, err;  // at most output_bytes each
  std::int64_t wall_ms = 0;

  bool ok() const { return end == End::kExited && exit_status == 0; }
};

class Sandbox {
 public:
  // Proves that it works by running a program in it. kUnsupported, with the reason, if bubblewrap
  // is missing or may not make namespaces here, or if there is no /usr/bin/python3.
  static Result<Sandbox> create(std::string bubblewrap = "/usr/bin/bwrap");

  // Runs a Python 3 program. What the program does wrong is part of the result; kIo if it could not
  // be started.
  Result<SandboxRun> run_python(std::string_view program, std::string_view input,
                                const SandboxLimits& limits = {}) const;

 private:
  explicit Sandbox(std::string bubblewrap) : bubblewrap_(std::move(bubblewrap)) {}

  std::string bubblewrap_;
};

struct ProgramCase {
  std::string input, output;
};

struct Verdict {
  bool passed = false;
  std::string reason;  // why not: the first case that failed, and how
};

// Every case: the program reads input and must write output; spaces at ends of lines and empty
// lines at the end do not count. At least one case.
Result<Verdict> check_program(const Sandbox& sandbox, std::string_view program,
                              std::span<const ProgramCase> cases, const SandboxLimits& limits = {});

// The program followed by tests that raise if it is wrong (asserts). Passing means that the tests
// ran to their end: a program that exits early, with whatever status, has not passed.
Result<Verdict> check_with_tests(const Sandbox& sandbox, std::string_view program,
                                 std::string_view tests, const SandboxLimits& limits = {});

// The last ```python (or plain ```) block of a response, or all of it if there is none.
std::string extract_program(std::string_view response);

}  // namespace sputnik::tasks
