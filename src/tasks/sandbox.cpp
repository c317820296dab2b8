#include "tasks/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

namespace sputnik::tasks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kPython = "/usr/bin/python3";
constexpr const char* kPrlimit = "/usr/bin/prlimit";
constexpr const char* kSetpriv = "/usr/bin/setpriv";
constexpr int kProgramFd = 3;  // where bubblewrap finds the program's text
constexpr std::size_t kMaxProgramBytes = std::size_t{1} << 20;

// Closes what it holds.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

Error system_error(std::string_view what) {
  return io_error("{}: {}", what, std::strerror(errno));
}

// A file in memory that holds text, to be read from its beginning.
Result<Fd> memory_file(std::string_view text) {
  // Never one of the low numbers that the child's descriptors are copied to.
  Fd raw(::memfd_create("sputnik-sandbox", MFD_CLOEXEC));
  if (raw.get() < 0) return system_error("memfd_create");
  Fd file(::fcntl(raw.get(), F_DUPFD_CLOEXEC, 16));
  if (file.get() < 0) return system_error("fcntl");
  while (!text.empty()) {
    const ssize_t n = ::write(file.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_error("write");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return system_error("lseek");
  return file;
}

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe2");
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  Fd high(::fcntl(pipe.write.get(), F_DUPFD_CLOEXEC, 16));
  if (high.get() < 0) return system_error("fcntl");
  pipe.write = std::move(high);
  return pipe;
}

std::vector<std::string> command_line(const std::string& bubblewrap, const SandboxLimits& limits) {
  std::vector<std::string> command;
  // Limits on processes do not hold for root, and nobody's mistakes are smaller.
  if (::geteuid() == 0) {
    command = {kSetpriv, "--reuid=65534", "--regid=65534", "--clear-groups", "--"};
  }
  const std::string tmp_bytes = std::to_string(std::int64_t{16} << 20);
  for (const char* argument : {bubblewrap.c_str(),
                               "--unshare-all",
                               "--new-session",
                               "--die-with-parent",
                               "--cap-drop",
                               "ALL",
                               "--clearenv",
                               "--setenv",
                               "PATH",
                               "/usr/bin",
                               "--setenv",
                               "LANG",
                               "C.UTF-8",
                               "--hostname",
                               "sandbox",
                               "--ro-bind",
                               "/usr",
                               "/usr",
                               "--ro-bind-try",
                               "/bin",
                               "/bin",
                               "--ro-bind-try",
                               "/lib",
                               "/lib",
                               "--ro-bind-try",
                               "/lib64",
                               "/lib64",
                               "--proc",
                               "/proc",
                               "--dev",
                               "/dev",
                               "--size",
                               tmp_bytes.c_str(),
                               "--tmpfs",
                               "/tmp",
                               "--ro-bind-data",
                               "3",
                               "/program.py",
                               "--remount-ro",
                               "/",
                               "--chdir",
                               "/tmp",
                               "--"}) {
    command.emplace_back(argument);
  }
  command.emplace_back(kPrlimit);
  for (const auto& [name, value] : {std::pair{"cpu", limits.cpu_s},
                                    {"as", limits.memory_bytes},
                                    {"nproc", limits.processes},
                                    {"fsize", limits.file_bytes},
                                    {"nofile", std::int64_t{64}},
                                    {"core", std::int64_t{0}}}) {
    command.push_back(fmt::format("--{}={}", name, value));
  }
  // -I: isolated from the environment; -B: no bytecode files.
  for (const char* argument : {"--", kPython, "-I", "-B", "/program.py"}) {
    command.emplace_back(argument);
  }
  return command;
}

Result<pid_t> spawn(const std::vector<std::string>& command, int program, int input, int out,
                    int err) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  posix_spawn_file_actions_t actions;
  if (::posix_spawn_file_actions_init(&actions) != 0)
    return io_error("no memory to start a program");
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, program, kProgramFd);
  pid_t child = -1;
  const int status =
      ::posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (status != 0) return io_error("{}: {}", command[0], std::strerror(status));
  return child;
}

// Appends what can be read; false at the end or beyond the limit.
bool read_some(int fd, std::string& text, std::int64_t limit, bool& too_much) {
  char buffer[4096];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  if (n == 0) return false;
  const auto room = static_cast<std::size_t>(limit) - text.size();
  text.append(buffer, std::min(room, static_cast<std::size_t>(n)));
  too_much = static_cast<std::size_t>(n) > room;
  return !too_much;
}

// Reads both streams until they end, the time is over or too much has come.
void collect(SandboxRun& run, Fd out, Fd err, const SandboxLimits& limits,
             Clock::time_point deadline) {
  while (out.get() >= 0 || err.get() >= 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      run.end = SandboxRun::End::kTimedOut;
      return;
    }
    pollfd polled[2] = {{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}};
    if (::poll(polled, 2, static_cast<int>(left)) < 0 && errno != EINTR) return;
    bool too_much = false;
    if (polled[0].revents != 0 && !read_some(out.get(), run.out, limits.output_bytes, too_much)) {
      out.reset();
    }
    if (polled[1].revents != 0 && !too_much &&
        !read_some(err.get(), run.err, limits.output_bytes, too_much)) {
      err.reset();
    }
    if (too_much) {
      run.end = SandboxRun::End::kTooMuchOutput;
      return;
    }
  }
}

// The program may have closed its streams and gone on: it is waited for until the deadline only.
void finish(SandboxRun& run, pid_t child, Clock::time_point deadline) {
  int status = 0;
  for (;;) {
    const bool over = run.end != SandboxRun::End::kExited || Clock::now() >= deadline;
    // bubblewrap takes what runs inside along when it dies.
    if (over) ::kill(child, SIGKILL);
    const pid_t ended = ::waitpid(child, &status, over ? 0 : WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) {
      if (over && run.end == SandboxRun::End::kExited) run.end = SandboxRun::End::kTimedOut;
      break;
    }
    if (ended == 0) ::usleep(1000);
  }
  if (run.end != SandboxRun::End::kExited) return;
  constexpr int kSignalBase = 128;  // how bubblewrap reports that the program died of a signal
  if (WIFSIGNALED(status)) {
    run.end = SandboxRun::End::kKilled;
    run.signal = WTERMSIG(status);
  } else if (WEXITSTATUS(status) > kSignalBase) {
    run.end = SandboxRun::End::kKilled;
    run.signal = WEXITSTATUS(status) - kSignalBase;
  } else {
    run.exit_status = WEXITSTATUS(status);
  }
}

}  // namespace

Result<Sandbox> Sandbox::create(std::string bubblewrap) {
  for (const char* program : {bubblewrap.c_str(), kPrlimit, kPython}) {
    if (::access(program, X_OK) != 0) {
      return unsupported("programs are run in a sandbox only, and {} is not installed", program);
    }
  }
  Sandbox sandbox(std::move(bubblewrap));
  SPUTNIK_TRY(const SandboxRun run, sandbox.run_python("print(6 * 7)", ""));
  if (!run.ok() || run.out != "42\n") {
    return unsupported("programs are run in a sandbox only, and it does not work here: {}",
                       run.err.empty() ? "no message" : run.err.substr(0, run.err.find('\n')));
  }
  return sandbox;
}

Result<SandboxRun> Sandbox::run_python(std::string_view program, std::string_view input,
                                       const SandboxLimits& limits) const {
  if (program.size() > kMaxProgramBytes) {
    return invalid_argument("a program of {} bytes, at most {} are run", program.size(),
                            kMaxProgramBytes);
  }
  SPUTNIK_TRY(const Fd program_file, memory_file(program));
  SPUTNIK_TRY(const Fd input_file, memory_file(input));
  SPUTNIK_TRY(Pipe out, make_pipe());
  SPUTNIK_TRY(Pipe err, make_pipe());
  const auto start = Clock::now();
  const auto deadline = start + std::chrono::milliseconds(limits.wall_ms);
  SPUTNIK_TRY(const pid_t child, spawn(command_line(bubblewrap_, limits), program_file.get(),
                                       input_file.get(), out.write.get(), err.write.get()));
  out.write.reset();
  err.write.reset();
  SandboxRun run;
  collect(run, std::move(out.read), std::move(err.read), limits, deadline);
  finish(run, child, deadline);
  run.wall_ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  return run;
}

}  // namespace sputnik::tasks
