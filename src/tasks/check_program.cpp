#include <algorithm>
#include <random>

#include "base/assert.h"
#include "tasks/sandbox.h"

namespace sputnik::tasks {
namespace {

std::string_view trim_end(std::string_view text, std::string_view what) {
  const std::size_t last = text.find_last_not_of(what);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

bool same_output(std::string_view a, std::string_view b) {
  a = trim_end(a, " \t\r\n");
  b = trim_end(b, " \t\r\n");
  for (;;) {
    const std::size_t a_end = a.find('\n'), b_end = b.find('\n');
    if (trim_end(a.substr(0, a_end), " \t\r") != trim_end(b.substr(0, b_end), " \t\r"))
      return false;
    if ((a_end == std::string_view::npos) != (b_end == std::string_view::npos)) return false;
    if (a_end == std::string_view::npos) return true;
    a.remove_prefix(a_end + 1);
    b.remove_prefix(b_end + 1);
  }
}

std::string last_line(std::string_view text) {
  text = trim_end(text, " \t\r\n");
  constexpr std::size_t kMost = 200;
  return std::string(text.substr(text.rfind('\n') + 1).substr(0, kMost));
}

// Why a run cannot have passed, or nothing.
std::string failure_of(const SandboxRun& run) {
  switch (run.end) {
    case SandboxRun::End::kTimedOut:
      return fmt::format("stopped after {} ms", run.wall_ms);
    case SandboxRun::End::kTooMuchOutput:
      return "wrote too much";
    case SandboxRun::End::kKilled:
      return fmt::format("died of signal {}", run.signal);
    case SandboxRun::End::kExited:
      break;
  }
  if (run.exit_status == 0) return "";
  return fmt::format("exit status {}: {}", run.exit_status, last_line(run.err));
}

}  // namespace

Result<Verdict> check_program(const Sandbox& sandbox, std::string_view program,
                              std::span<const ProgramCase> cases, const SandboxLimits& limits) {
  if (cases.empty()) return invalid_argument("a program without any case to check");
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SPUTNIK_TRY(const SandboxRun run, sandbox.run_python(program, cases[i].input, limits));
    std::string failure = failure_of(run);
    if (failure.empty() && !same_output(run.out, cases[i].output)) failure = "the output is wrong";
    if (!failure.empty()) return Verdict{false, fmt::format("case {}: {}", i + 1, failure)};
  }
  return Verdict{true, ""};
}

Result<Verdict> check_with_tests(const Sandbox& sandbox, std::string_view program,
                                 std::string_view tests, const SandboxLimits& limits) {
  // The word that ends a passed run is told on standard input, so the program's own text cannot
  // print it. (Code that goes looking for it in a running interpreter could.)
  std::random_device random;
  const std::string word = fmt::format("{:08x}{:08x}", random(), random());
  const std::string whole =
      fmt::format("{}\n\n{}\nimport sys as _sys\n_sys.stdout.write('\\n' + _sys.stdin.read())\n",
                  program, tests);
  SPUTNIK_TRY(const SandboxRun run, sandbox.run_python(whole, word, limits));
  if (std::string failure = failure_of(run); !failure.empty()) return Verdict{false, failure};
  if (!run.out.ends_with("\n" + word)) return Verdict{false, "ended before its tests did"};
  return Verdict{true, ""};
}

std::string extract_program(std::string_view response) {
  constexpr std::string_view kFence = "```";
  std::string_view best = response;
  std::size_t at = response.find(kFence);
  while (at != std::string_view::npos) {
    const std::size_t line = response.find('\n', at);
    if (line == std::string_view::npos) break;
    const std::size_t close = response.find(kFence, line);
    best = response.substr(line + 1, close == std::string_view::npos ? close : close - line - 1);
    if (close == std::string_view::npos) break;
    at = response.find(kFence, close + kFence.size());
  }
  return std::string(best);
}

}  // namespace sputnik::tasks
