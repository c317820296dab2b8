#include "service/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "service/json_fields.h"
#include "service/request_json.h"

namespace sputnik::service {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int kVersion = 1;
constexpr std::size_t kMaxTop = 20;

Error cannot(const fs::path& path, int error) {
  return io_error("{}: {}", path.string(),
                  std::error_code(error, std::generic_category()).message());
}

Result<std::vector<std::pair<std::int32_t, float>>> read_top(const Json& list) {
  std::vector<std::pair<std::int32_t, float>> top;
  if (!list.is_array() || list.size() > kMaxTop) return corrupt("top: not a short list");
  for (const Json& item : list) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_number_integer() ||
        !item[1].is_number())
      return corrupt("top: not pairs of token and number");
    top.emplace_back(static_cast<std::int32_t>(item[0].get<std::int64_t>()),
                     static_cast<float>(item[1].get<double>()));
  }
  return top;
}

Result<JournalContent::Line> read_line(const Json& json, int n_answers) {
  JournalContent::Line line;
  SPUTNIK_TRY(line.choice, number_field<int>(json, "c"));
  if (line.choice < 0 || line.choice >= n_answers)
    return corrupt("c: there is no answer {}", line.choice);
  SPUTNIK_TRY(const auto finish, optional_string(json, "end"));
  if (finish) {
    line.finish = finish_of(*finish);
    if (!line.finish) return corrupt("end: \"{}\" is none of the known values", *finish);
    return line;
  }
  AnswerToken& token = line.token;
  SPUTNIK_TRY(token.id, number_field<std::int32_t>(json, "t"));
  if (token.id < 0) return corrupt("t: {} is no token", token.id);
  SPUTNIK_TRY(const auto forced, optional_number<int>(json, "f"));
  if (forced.value_or(0) < 0 || forced.value_or(0) > 3) return corrupt("f: out of range");
  token.forced = static_cast<ThoughtClosed>(forced.value_or(0));
  SPUTNIK_TRY(const auto logprob, optional_number<float>(json, "p"));
  token.logprob = logprob.value_or(0.0f);
  if (const Json* top = field_or_null(json, "top")) {
    SPUTNIK_TRY(token.top, read_top(*top));
  }
  return line;
}

Result<JournalHead> read_head(const Json& json) {
  SPUTNIK_TRY(const int version, number_field<int>(json, "version"));
  if (version != kVersion)
    return unsupported("version {}, this program knows {}", version, kVersion);
  JournalHead head;
  SPUTNIK_TRY(head.id, string_field(json, "id"));
  SPUTNIK_TRY(head.created_s, number_field<std::int64_t>(json, "created"));
  SPUTNIK_TRY(head.fingerprint, string_field(json, "fingerprint"));
  SPUTNIK_TRY(const Json* request, object_field(json, "request"));
  SPUTNIK_TRY(head.request, request_from_json(*request));
  if (!head.request.sampling.seed) return corrupt("request: no seed");
  if (head.request.n < 1 || head.request.n > 64)
    return corrupt("request: {} answers", head.request.n);
  return head;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::create(const fs::path& directory,
                                                 const JournalHead& head) {
  const fs::path path = directory / (head.id + ".jsonl");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return cannot(path, errno);
  std::unique_ptr<Journal> journal(new Journal(fd, path));
  journal->lines_ = Json{{"version", kVersion},
                         {"id", head.id},
                         {"created", head.created_s},
                         {"fingerprint", head.fingerprint},
                         {"request", request_to_json(head.request)}}
                        .dump(-1, ' ', false, Json::error_handler_t::replace) +
                    "\n";
  SPUTNIK_CHECK_OK(journal->flush());
  return journal;
}

Result<std::unique_ptr<Journal>> Journal::reopen(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC);
  if (fd < 0) return cannot(path, errno);
  std::unique_ptr<Journal> journal(new Journal(fd, path));
  // A line that was cut is ended, so that the next one is whole.
  const off_t size = ::lseek(fd, 0, SEEK_END);
  char last = '\n';
  if (size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n') journal->lines_ = "\n";
  return journal;
}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

void Journal::add(int choice, const AnswerToken& token) {
  if (failed_) return;
  if (token.forced == ThoughtClosed::kNot && token.logprob == 0 && token.top.empty()) {
    lines_ += fmt::format("{{\"c\":{},\"t\":{}}}\n", choice, token.id);
    return;
  }
  Json line = {{"c", choice}, {"t", token.id}};
  if (token.forced != ThoughtClosed::kNot) line["f"] = static_cast<int>(token.forced);
  if (token.logprob != 0) line["p"] = token.logprob;
  if (!token.top.empty()) line["top"] = token.top;
  lines_ += line.dump() + "\n";
}

void Journal::finish(int choice, Finish finish) {
  if (!failed_) lines_ += fmt::format("{{\"c\":{},\"end\":\"{}\"}}\n", choice, to_string(finish));
}

Result<void> Journal::flush() {
  std::string_view rest = lines_;
  while (!rest.empty() && !failed_) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      failed_ = true;
      lines_.clear();
      return cannot(path_, errno);
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  lines_.clear();
  return ok_result();
}

void Journal::remove() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

Result<JournalContent> read_journal(std::string_view text) {
  JournalContent content;
  std::size_t line_number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;  // cut
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    ++line_number;
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    // A line that was cut when the process died, and ended when the next one took over.
    if (json.is_discarded() && line_number > 1) continue;
    const std::string where = fmt::format("line {}", line_number);
    if (line_number == 1) {
      if (json.is_discarded()) return corrupt("line 1: no JSON");
      auto head = read_head(json);
      if (!head.ok()) return std::move(head).error().in(where);
      content.head = std::move(head).value();
    } else {
      auto taken = read_line(json, content.head.request.n);
      if (!taken.ok()) return std::move(taken).error().in(where);
      content.lines.push_back(std::move(taken).value());
    }
  }
  if (line_number == 0) return corrupt("there is no first line");
  return content;
}

}  // namespace sputnik::service
