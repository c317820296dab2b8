#include "evaluation/response_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"

namespace sputnik::evaluation {
namespace {

using Json = nlohmann::ordered_json;

Json identity(const char* model = "m") {
  return {{"model", {{"fingerprint", model}}}, {"options", {{"seed", 3}, {"temperature", 0.6f}}}};
}

Record record(std::int64_t item, std::int64_t sample, std::string answer = "5") {
  Record r;
  r.item = item;
  r.sample = sample;
  r.right = item % 2 == 0;
  r.answer = std::move(answer);
  r.n_thought_tokens = 7;
  r.n_answer_tokens = 2;
  r.thought = "hm";
  r.text = "5";
  return r;
}

// Without the wait for the disk that write_file_atomically() makes.
void write(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

class ResponseLogs : public testing::Test {
 protected:
  ResponseLogs() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sputnik-log-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ / "responses.jsonl";
  }
  ~ResponseLogs() override { std::filesystem::remove_all(folder_); }

  Result<ResponseLog> open(const Json& of = identity()) {
    return ResponseLog::open(path_, of, /*n_items=*/4, /*n_samples=*/2);
  }
  void fill() {
    ResponseLog log = open().value();
    ASSERT_TRUE(log.add(record(0, 0)).ok());
    ASSERT_TRUE(log.add(record(3, 1)).ok());
    Record silent = record(1, 0);
    silent.answer.reset();
    ASSERT_TRUE(log.add(silent).ok());
  }

  std::filesystem::path folder_, path_;
};

TEST_F(ResponseLogs, GoOnWithWhatTheyHold) {
  fill();
  ResponseLog log = open().value();
  ASSERT_EQ(log.records().size(), 3u);
  EXPECT_TRUE(log.has(0, 0) && log.has(3, 1) && log.has(1, 0));
  EXPECT_FALSE(log.has(0, 1) || log.has(3, 0));
  EXPECT_EQ(log.n_expected(), 8);
  EXPECT_EQ(log.records()[0].answer, "5");
  EXPECT_EQ(log.records()[0].text, "5");
  EXPECT_EQ(log.records()[1].text, "");  // kept of the first sample
  EXPECT_FALSE(log.records()[2].answer.has_value());
  EXPECT_EQ(log.records()[1].n_thought_tokens, 7);
  ASSERT_TRUE(log.add(record(0, 1)).ok());
}

// A writer may be killed after any byte.
TEST_F(ResponseLogs, CutAtAnyByteTheyGoOnWithTheWholeLines) {
  fill();
  const std::string whole = read_file(path_).value();
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    write(path_, whole.substr(0, n));
    auto log = open();
    ASSERT_TRUE(log.ok()) << n << ": " << log.error().message;
    const auto n_lines = std::count(whole.begin(), whole.begin() + static_cast<long>(n), '\n');
    EXPECT_EQ(static_cast<long>(log.value().records().size()), std::max(0l, n_lines - 1)) << n;
    for (std::int64_t i = 0; i < 4; ++i) {
      if (!log.value().has(i, 1)) {
        ASSERT_TRUE(log.value().add(record(i, 1)).ok());
        break;
      }
    }
  }
  EXPECT_TRUE(open().ok());
}

TEST_F(ResponseLogs, OfAnotherRunAreRefusedAndLeftAlone) {
  fill();
  const std::string before = read_file(path_).value();
  auto other = open(identity("n"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(other.error().message.find("its fingerprint is \"m\", not \"n\""), std::string::npos)
      << other.error().message;
  Json hotter = identity();
  hotter["options"]["temperature"] = 0.7f;
  EXPECT_NE(open(hotter).error().message.find("its temperature is 0.6"), std::string::npos);
  EXPECT_EQ(read_file(path_).value(), before);
}

TEST_F(ResponseLogs, HostileFilesAreOneErrorAndLeftAlone) {
  const std::string first = identity().dump() + "\n";
  const std::string good =
      R"({"item":0,"sample":0,"right":true,"truncated":false,"well_formed":false,"thought_tokens":0,"answer_tokens":1})"
      "\n";
  const auto with = [&](std::string from, const std::string& to) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    return first + line;
  };
  for (const std::string& content :
       {std::string("not json\n"), std::string("[]\n"), std::string("{}\n"),
        first + "not json\n" + good, first + "{}\n", first + good + good,
        with("\"item\":0", "\"item\":4"), with("\"item\":0", "\"item\":-1"),
        with("\"sample\":0", "\"sample\":2"), with("true", "1"),
        with("\"answer_tokens\":1", "\"answer_tokens\":1e99"),
        first + std::string(1 << 20, '[') + "\n"}) {
    write(path_, content);
    const auto log = open();
    ASSERT_FALSE(log.ok()) << content.substr(0, 200);
    EXPECT_NE(log.error().message.find(path_.string()), std::string::npos) << log.error().message;
    EXPECT_EQ(read_file(path_).value(), content);
  }
  write(path_, first + good);
  EXPECT_TRUE(open().ok());
}

TEST_F(ResponseLogs, AreWrittenByOneProcessAtATime) {
  const ResponseLog log = open().value();
  const auto second = open();
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("another evaluation"), std::string::npos);
}

TEST_F(ResponseLogs, BytesThatAreNoTextAreReadBackAsTheyWereKept) {
  {
    ResponseLog log = open().value();
    ASSERT_TRUE(log.add(record(0, 0, "\xff\xf0\x9f ok \xed\xa0\x80")).ok());
    EXPECT_EQ(log.records()[0].answer, "\uFFFD\uFFFD ok \uFFFD\uFFFD\uFFFD");
  }
  EXPECT_EQ(open().value().records()[0].answer, "\uFFFD\uFFFD ok \uFFFD\uFFFD\uFFFD");
}

}  // namespace
}  // namespace sputnik::evaluation
