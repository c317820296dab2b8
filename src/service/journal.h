// What is needed to go on with an answer after the process was killed: docs/formats/journal.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/answer_stream.h"
#include "service/request.h"

namespace sputnik::service {

struct JournalHead {
  std::string id;
  std::int64_t created_s = 0;
  std::string fingerprint;  // of what made the answer; another one does not go on with it
  GenerateRequest request;  // with its seed
};

// A generation as its journal tells it.
struct JournalContent {
  struct Line {
    int choice = 0;
    AnswerToken token;             // or
    std::optional<Finish> finish;  // the end of this answer
  };
  JournalHead head;
  std::vector<Line> lines;  // in the order in which things happened
};

// One file, written as tokens come; each line is whole or not there. One thread at a time.
class Journal {
 public:
  // kIo.
  static Result<std::unique_ptr<Journal>> create(const std::filesystem::path& directory,
                                                 const JournalHead& head);
  // Of one that was read before: goes on at its end.
  static Result<std::unique_ptr<Journal>> reopen(const std::filesystem::path& path);
  ~Journal();

  void add(int choice, const AnswerToken& token);
  void finish(int choice, Finish finish);
  // Hands all lines to the system, which keeps them if the process is killed. kIo: nothing more
  // will be written.
  Result<void> flush();
  // The file is no longer needed.
  void remove();

 private:
  Journal(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::filesystem::path path_;
  std::string lines_;
  bool failed_ = false;
};

// The file may have been cut at its end, which loses the last line. kCorrupt: anything else that is
// wrong; the message names the line.
Result<JournalContent> read_journal(std::string_view text);

}  // namespace sputnik::service
