#include "cli/serve_testing.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace sputnik::cli {

namespace fs = std::filesystem;

TestHome::TestHome() {
  std::string name = (fs::temp_directory_path() / "sputnik-home-XXXXXX").string();
  path_ = ::mkdtemp(name.data());
  for (const char* variable : {"XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}) {
    const char* value = std::getenv(variable);
    before_.emplace_back(variable, value == nullptr ? "" : value);
    ::setenv(variable, (path_ / variable).c_str(), 1);
  }
}

TestHome::~TestHome() {
  for (const auto& [variable, value] : before_) {
    if (value.empty()) {
      ::unsetenv(variable.c_str());
    } else {
      ::setenv(variable.c_str(), value.c_str(), 1);
    }
  }
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

namespace {

Arguments arguments(const Arguments& more) {
  Arguments all = {"serve", "--port", "0", "--log-level", "warn"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

ServedProgram::ServedProgram(const Arguments& more) : program_(arguments(more)) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (port_ == 0 && std::chrono::steady_clock::now() < deadline && !program_.has_ended()) {
    const std::string said = program_.standard_error();
    constexpr std::string_view kPlace = "127.0.0.1:";
    const std::size_t at = said.find(kPlace);
    if (at != std::string::npos && said.find('\n', at) != std::string::npos)
      port_ = static_cast<std::uint16_t>(std::atoi(said.c_str() + at + kPlace.size()));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_NE(port_, 0) << program_.standard_error();
}

std::string ServedProgram::request(std::string_view method, std::string_view path,
                                   std::string_view json) const {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", method, path, port_);
  if (!json.empty())
    text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", json.size());
  return text + "\r\n" + std::string(json);
}

server::TestReply ServedProgram::post(std::string_view path, std::string_view json) const {
  return server::TestClient(port_).ask(request("POST", path, json));
}

server::TestReply ServedProgram::get(std::string_view path) const {
  return server::TestClient(port_).ask(request("GET", path));
}

void ServedProgram::kill() {
  program_.send(SIGKILL);
  (void)program_.wait();
}

int ServedProgram::stop() {
  program_.send(SIGINT);
  return program_.wait().status;
}

}  // namespace sputnik::cli
