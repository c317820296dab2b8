// The file that a run appends to, response by response, so that it can be killed and go on.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluation/item.h"

namespace sputnik::evaluation {

// A response, judged.
struct Record {
  std::int64_t item = 0;    // index
  std::int64_t sample = 0;  // 0 ..
  bool right = false;
  bool truncated = false;
  bool well_formed = false;
  std::optional<std::string> answer;  // what was taken for the final answer
  std::int64_t n_thought_tokens = 0;
  std::int64_t n_answer_tokens = 0;
  // What the model said, for people to read. Kept of each item's first sample.
  std::string thought, text;
};

// JSON lines: first what the run is of, then a record each. One process at a time.
class ResponseLog {
 public:
  // Creates the file, or opens one and reads what it holds. A last line that was cut when its
  // writer was killed is taken off. kInvalidArgument: the file belongs to another run (the message
  // names what differs: a key of identity); kCorrupt: it is damaged; kIo, also if another process
  // has it open.
  static Result<ResponseLog> open(const std::filesystem::path& path,
                                  const nlohmann::ordered_json& identity, std::int64_t n_items,
                                  std::int64_t n_samples);

  std::span<const Record> records() const { return records_; }
  bool has(std::int64_t item, std::int64_t sample) const;
  std::int64_t n_expected() const { return n_items_ * n_samples_; }

  // On the disk, as far as a killed process is concerned, when it returns.
  Result<void> add(Record record);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  ResponseLog() = default;
  Result<void> read(const nlohmann::ordered_json& identity);
  Result<void> take_line(std::int64_t number, std::string_view line,
                         const nlohmann::ordered_json& identity);
  Result<void> write_line(const std::string& text);
  void take(Record record);
  Error system_error() const;

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::int64_t n_items_ = 0, n_samples_ = 0;
  std::vector<bool> is_there_;  // [n_items, n_samples]
  std::vector<Record> records_;
};

}  // namespace sputnik::evaluation
