// For tests: runs the program itself, as people and other programs do.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

struct termios;

namespace sputnik::cli {

// Below the folder of the sources.
std::filesystem::path source(std::string_view path);
std::filesystem::path golden(std::string_view path);  // below tests/golden
// stories260K, a trained Llama of 260 thousand parameters.
std::filesystem::path stories_model();

struct ProgramResult {
  int status = -1;  // the exit status; minus the signal's number if one has ended the program
  std::string out, err;
};

void PrintTo(const ProgramResult& result, std::ostream* out);

using Arguments = std::vector<std::string>;

// In bytes; 0: none.
struct ProgramLimits {
  std::int64_t address_space = 0;  // not under a sanitizer, which needs its own
  std::int64_t file_size = 0;      // what is written beyond it fails, as on a full disk
};

// A program that runs, for tests that do something to it meanwhile.
class RunningProgram {
 public:
  // Standard input is a file with this content.
  explicit RunningProgram(const Arguments& arguments, std::string_view standard_input = "",
                          const ProgramLimits& limits = {});
  ~RunningProgram();  // kills what still runs
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  void send(int signal);
  bool has_ended();
  std::string standard_error() const;  // so far
  // A program that runs for another minute is killed.
  ProgramResult wait();

 private:
  struct Streams;
  std::unique_ptr<Streams> streams_;
  pid_t pid_ = -1;  // -1: it has ended
  int status_ = -1;
};

// Runs to its end; a program that runs for a minute is killed.
ProgramResult run_program(const Arguments& arguments, std::string_view standard_input = "",
                          const ProgramLimits& limits = {});

// The same, for commands that print one line of JSON and nothing else; a test failure otherwise.
nlohmann::json run_for_json(const Arguments& arguments, std::string_view standard_input = "");

// Exit status 1 and one line on standard error that begins with "error: " and holds all parts.
testing::AssertionResult fails_with(const ProgramResult& result,
                                    const std::vector<std::string_view>& parts);

// A program on a pseudo-terminal.
class Terminal {
 public:
  // environment: NAME=VALUE, beside what the tester's holds.
  explicit Terminal(const Arguments& arguments, const std::vector<std::string>& environment = {});
  ~Terminal();  // kills what still runs
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void send(std::string_view keys);
  void resize(int rows, int columns);
  // Waits for text behind all that was expected before. Fails after half a minute.
  testing::AssertionResult shows(std::string_view text);
  testing::AssertionResult shows_more(std::size_t n_bytes);
  int wait();  // for the program's end; its status as in ProgramResult

  const std::string& output() const { return output_; }  // all that has been read
  bool has_its_first_settings() const;                   // echo, line editing, signals

 private:
  bool read_some(int timeout_ms);  // false: there is no more, or nothing came

  int controller_ = -1;
  pid_t pid_ = -1;
  std::string output_;
  std::size_t expected_up_to_ = 0;
  std::vector<unsigned char> settings_;
};

}  // namespace sputnik::cli
