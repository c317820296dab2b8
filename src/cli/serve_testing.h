// For tests: the server as its own process, with folders of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/program_testing.h"
#include "server/socket_testing.h"

namespace sputnik::cli {

// A home that is gone afterwards: keys, journals and caches of the programs that run meanwhile.
class TestHome {
 public:
  TestHome();
  ~TestHome();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::vector<std::pair<std::string, std::string>> before_;  // the environment
};

// `sputnik serve --port 0` with the shipped model.
class ServedProgram {
 public:
  explicit ServedProgram(const Arguments& more = {});

  std::uint16_t port() const { return port_; }
  // As bytes, for whoever wants to send them by hand.
  std::string request(std::string_view method, std::string_view path,
                      std::string_view json = {}) const;
  server::TestReply post(std::string_view path, std::string_view json) const;
  server::TestReply get(std::string_view path) const;
  void kill();  // -9, and waits
  int stop();   // SIGINT; the exit status
  std::string standard_error() const { return program_.standard_error(); }

 private:
  RunningProgram program_;
  std::uint16_t port_ = 0;
};

}  // namespace sputnik::cli
