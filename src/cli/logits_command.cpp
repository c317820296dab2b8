// sputnik logits: what the model computes for given tokens, as raw numbers for other programs.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/mapped_file.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "cli/token_list.h"

namespace sputnik::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

struct Options {
  ModelOptions model;
  std::string tokens, output;
  std::int64_t chunk = 512;
};

// A file that is complete or not there: written beside its place, then renamed. What is there and
// is not itself a regular file is written directly: renaming would put a file in place of a pipe,
// or of a link such as /dev/stdout.
class RowFile {
 public:
  static Result<RowFile> create(const std::filesystem::path& path) {
    std::error_code ignored;
    RowFile file;
    file.path_ = path;
    const auto type = std::filesystem::symlink_status(path, ignored).type();
    const bool direct = type != std::filesystem::file_type::not_found &&
                        type != std::filesystem::file_type::regular;
    file.written_ = direct ? path.string() : fmt::format("{}.{}.tmp", path.string(), ::getpid());
    file.renames_ = !direct;
    file.file_.reset(std::fopen(file.written_.c_str(), "wb"));
    if (file.file_ == nullptr) return file.system_error();
    return file;
  }

  RowFile(RowFile&&) noexcept = default;
  ~RowFile() {
    if (file_ != nullptr && renames_) ::unlink(written_.c_str());
  }

  Result<void> append(std::span<const float> row) {
    if (std::fwrite(row.data(), sizeof(float), row.size(), file_.get()) != row.size())
      return system_error();
    return ok_result();
  }

  Result<void> finish() {
    if (std::fflush(file_.get()) != 0) return system_error();
    if (renames_ && ::rename(written_.c_str(), path_.c_str()) != 0) return system_error();
    renames_ = false;
    return ok_result();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  RowFile() = default;
  Error system_error() const { return io_error("{}: {}", path_.string(), std::strerror(errno)); }

  std::filesystem::path path_;
  std::string written_;
  bool renames_ = false;
  std::unique_ptr<std::FILE, Close> file_;
};

Result<int> logits(const Options& options) {
  SPUTNIK_TRY(const std::string text, read_file(options.tokens));
  auto tokens = parse_token_array(text);
  if (!tokens.ok()) return std::move(tokens).error().in(options.tokens);
  const auto n_tokens = static_cast<std::int64_t>(tokens.value().size());
  SPUTNIK_TRY(const LoadedModel loaded, load(options.model.path, options.model));
  SPUTNIK_TRY(const auto engine, make_engine(*loaded.model, options.model,
                                             std::max<std::int64_t>(n_tokens, 1), options.chunk));
  SPUTNIK_TRY(RowFile file, RowFile::create(options.output));
  Progress progress("computing");
  std::int64_t n_done = 0;
  const auto written = engine->logits(tokens.value(), [&](std::span<const float> row) {
    if (n_done++ % options.chunk == 0) progress.show(n_done - 1, n_tokens, "tokens");
    return file.append(row);
  });
  progress.clear();
  if (!written.ok() && written.error().code == ErrorCode::kInvalidArgument)
    return Error(written.error()).in(options.tokens);  // not a token of this model
  SPUTNIK_CHECK_OK(written);
  SPUTNIK_CHECK_OK(file.finish());
  return 0;
}

}  // namespace

void add_logits_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  options->model.precision = "exact";
  CLI::App* command = app.add_subcommand("logits", "Write the logits of given tokens to a file");
  command->add_option("--model", options->model.path, "GGUF file or model folder")
      ->type_name("PATH")
      ->required();
  command->add_option("--tokens", options->tokens, "File with a JSON array of token ids")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--output", options->output,
                   "Little-endian float32, row-major [n_tokens, vocab_size]")
      ->type_name("FILE")
      ->required();
  command->add_option("--chunk", options->chunk, "Tokens per forward pass")->capture_default_str();
  add_run_options(*command, options->model);
  command->footer(
      "Example:\n"
      "  echo '[1, 403, 407, 261]' > tokens.json\n"
      "  sputnik logits --model model.gguf --tokens tokens.json --output logits.f32");
  command->callback([options, &exit_code] { exit_code = run(logits(*options)); });
}

}  // namespace sputnik::cli
