#include "cli/program_testing.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/assert.h"

namespace sputnik::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kProgramTimeout = std::chrono::seconds(60);
constexpr auto kAnswerTimeout = std::chrono::seconds(30);

// In the child. What the tester's environment says must not change the outcome.
[[noreturn]] void become_program(const Arguments& arguments,
                                 const std::vector<std::string>& environment = {}) {
  ::unsetenv("SPUTNIK_MODEL");
  ::unsetenv("SPUTNIK_ISA");
  ::unsetenv("NO_COLOR");
  ::setenv("TERM", "xterm-256color", 1);
  for (const std::string& variable : environment) {
    const std::size_t equals = variable.find('=');
    ::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  std::vector<char*> argv;
  std::string program = SPUTNIK_BINARY;
  argv.push_back(program.data());
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  ::_exit(126);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif

template <class Resource>  // an enumeration in glibc, an int elsewhere
void limit(Resource resource, std::int64_t n_bytes) {
  const struct rlimit limit = {static_cast<rlim_t>(n_bytes), static_cast<rlim_t>(n_bytes)};
  SPUTNIK_ASSERT(::setrlimit(resource, &limit) == 0);
}

int status_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -WTERMSIG(wait_status);
}

// Kills a program that does not end.
int wait_for(pid_t pid) {
  const Clock::time_point give_up = Clock::now() + kProgramTimeout;
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() > give_up) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      ADD_FAILURE() << "the program did not end and was killed";
      break;
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  return status_of(status);
}

// A file that has no name.
class Scratch {
 public:
  explicit Scratch(std::string_view content = "") : fd_(::memfd_create("scratch", MFD_CLOEXEC)) {
    SPUTNIK_ASSERT(fd_ >= 0);
    for (std::size_t done = 0; done < content.size();) {
      const ssize_t n = ::write(fd_, content.data() + done, content.size() - done);
      SPUTNIK_ASSERT(n > 0);
      done += static_cast<std::size_t>(n);
    }
    ::lseek(fd_, 0, SEEK_SET);
  }
  ~Scratch() { ::close(fd_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  int fd() const { return fd_; }
  std::string content() const {
    struct stat info {};
    SPUTNIK_ASSERT(::fstat(fd_, &info) == 0);
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    const ssize_t n = ::pread(fd_, text.data(), text.size(), 0);
    SPUTNIK_ASSERT(n == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  int fd_;
};

std::vector<unsigned char> settings_of(int terminal) {
  struct termios settings {};
  SPUTNIK_ASSERT(::tcgetattr(terminal, &settings) == 0);
  std::vector<unsigned char> bytes(sizeof settings);
  std::memcpy(bytes.data(), &settings, sizeof settings);
  return bytes;
}

}  // namespace

std::filesystem::path source(std::string_view path) {
  return std::filesystem::path(SPUTNIK_SOURCE_DIR) / path;
}

std::filesystem::path golden(std::string_view path) {
  return source("tests/golden") / path;
}

std::filesystem::path stories_model() {
  return source("tests/golden/stories260k/stories260k.gguf");
}

void PrintTo(const ProgramResult& result, std::ostream* out) {
  *out << "status " << result.status << "\nstandard output: " << result.out
       << "\nstandard error: " << result.err;
}

struct RunningProgram::Streams {
  explicit Streams(std::string_view standard_input) : in(standard_input) {}
  Scratch in, out, err;
};

RunningProgram::RunningProgram(const Arguments& arguments, std::string_view standard_input,
                               const ProgramLimits& limits)
    : streams_(std::make_unique<Streams>(standard_input)), pid_(::fork()) {
  SPUTNIK_ASSERT(pid_ >= 0);
  if (pid_ > 0) return;
  ::dup2(streams_->in.fd(), STDIN_FILENO);
  ::dup2(streams_->out.fd(), STDOUT_FILENO);
  ::dup2(streams_->err.fd(), STDERR_FILENO);
  if (limits.address_space > 0 && !kHasSanitizer) limit(RLIMIT_AS, limits.address_space);
  if (limits.file_size > 0) {
    limit(RLIMIT_FSIZE, limits.file_size);
    ::signal(SIGXFSZ, SIG_IGN);  // an error of write() instead
  }
  become_program(arguments);
}

RunningProgram::~RunningProgram() {
  if (has_ended()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void RunningProgram::send(int signal) {
  if (pid_ > 0) ::kill(pid_, signal);
}

bool RunningProgram::has_ended() {
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = status_of(status);
    pid_ = -1;
  }
  return pid_ < 0;
}

std::string RunningProgram::standard_error() const {
  return streams_->err.content();
}

ProgramResult RunningProgram::wait() {
  if (!has_ended()) status_ = wait_for(std::exchange(pid_, -1));
  return {status_, streams_->out.content(), streams_->err.content()};
}

ProgramResult run_program(const Arguments& arguments, std::string_view standard_input,
                          const ProgramLimits& limits) {
  return RunningProgram(arguments, standard_input, limits).wait();
}

nlohmann::json run_for_json(const Arguments& arguments, std::string_view standard_input) {
  const ProgramResult result = run_program(arguments, standard_input);
  EXPECT_EQ(result.status, 0) << testing::PrintToString(result);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1) << result.out;
  nlohmann::json json = nlohmann::json::parse(result.out, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << result.out;
  return json;
}

testing::AssertionResult fails_with(const ProgramResult& result,
                                    const std::vector<std::string_view>& parts) {
  const auto n_lines = std::count(result.err.begin(), result.err.end(), '\n');
  const bool is_one_line =
      n_lines == 1 && result.err.back() == '\n' && result.err.starts_with("error: ");
  if (result.status != 1 || !is_one_line) {
    return testing::AssertionFailure()
           << "not status 1 and one line: " << testing::PrintToString(result);
  }
  for (const std::string_view part : parts) {
    if (result.err.find(part) == std::string::npos)
      return testing::AssertionFailure() << "no \"" << part << "\" in: " << result.err;
  }
  return testing::AssertionSuccess();
}

Terminal::Terminal(const Arguments& arguments, const std::vector<std::string>& environment) {
  int terminal = -1;
  SPUTNIK_ASSERT(::openpty(&controller_, &terminal, nullptr, nullptr, nullptr) == 0);
  settings_ = settings_of(controller_);
  pid_ = ::fork();
  SPUTNIK_ASSERT(pid_ >= 0);
  if (pid_ == 0) {
    ::close(controller_);
    ::login_tty(terminal);
    become_program(arguments, environment);
  }
  ::close(terminal);
}

Terminal::~Terminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(controller_);
}

void Terminal::send(std::string_view keys) {
  const ssize_t n = ::write(controller_, keys.data(), keys.size());
  SPUTNIK_ASSERT(n == static_cast<ssize_t>(keys.size()));
}

void Terminal::resize(int rows, int columns) {
  struct winsize size {};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  SPUTNIK_ASSERT(::ioctl(controller_, TIOCSWINSZ, &size) == 0);
}

bool Terminal::read_some(int timeout_ms) {
  struct pollfd ready = {controller_, POLLIN, 0};
  if (::poll(&ready, 1, timeout_ms) <= 0) return false;
  char buffer[4096];
  const ssize_t n = ::read(controller_, buffer, sizeof buffer);
  if (n <= 0) return false;  // EIO: the program has ended
  output_.append(buffer, static_cast<std::size_t>(n));
  return true;
}

testing::AssertionResult Terminal::shows(std::string_view text) {
  const Clock::time_point give_up = Clock::now() + kAnswerTimeout;
  for (;;) {
    const std::size_t at = output_.find(text, expected_up_to_);
    if (at != std::string::npos) {
      expected_up_to_ = at + text.size();
      return testing::AssertionSuccess();
    }
    const auto left = std::chrono::duration_cast<milliseconds>(give_up - Clock::now()).count();
    if (left <= 0 || !read_some(static_cast<int>(left))) {
      return testing::AssertionFailure()
             << "\"" << text << "\" is not shown after: " << output_.substr(expected_up_to_);
    }
  }
}

testing::AssertionResult Terminal::shows_more(std::size_t n_bytes) {
  expected_up_to_ += n_bytes;
  while (output_.size() < expected_up_to_) {
    if (!read_some(static_cast<int>(milliseconds(kAnswerTimeout).count())))
      return testing::AssertionFailure() << "nothing more is shown after: " << output_;
  }
  return testing::AssertionSuccess();
}

int Terminal::wait() {
  while (read_some(static_cast<int>(milliseconds(kAnswerTimeout).count()))) {
  }
  const int status = wait_for(pid_);
  pid_ = -1;
  return status;
}

bool Terminal::has_its_first_settings() const {
  return settings_of(controller_) == settings_;
}

}  // namespace sputnik::cli
