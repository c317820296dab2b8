// sputnik quantize: any model as one GGUF file, for this program and others.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/option_checks.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "formats/gguf.h"
#include "formats/printable.h"
#include "kernels/dispatch.h"
#include "model/gguf_export.h"
#include "tokenizer/gguf_tokenizer.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string model, output, type = "q8_0", name, license;
  std::vector<std::string> meta;  // "KEY=VALUE"
  bool keep_mtp = false, json = false;
  int threads = 0;
};

bool is_gguf_input(const fs::path& model) {
  std::error_code ignored;
  return !fs::is_directory(model, ignored) && model.extension() != ".safetensors" &&
         model.extension() != ".json";
}

// "name-00002-of-00005.gguf" -> "name-"; empty: not a part of a split model.
std::string shard_prefix(const fs::path& path) {
  constexpr std::size_t kSuffix = std::string_view("00002-of-00005.gguf").size();
  const std::string name = path.filename().string();
  if (name.size() <= kSuffix || name.substr(name.size() - kSuffix + 5, 4) != "-of-") return "";
  return name.substr(0, name.size() - kSuffix);
}

// A model is not written over itself, under whatever name and link.
Result<void> check_output(const fs::path& model, const fs::path& output) {
  std::error_code ignored;
  if (!fs::exists(output, ignored)) return ok_result();
  if (!fs::is_regular_file(output, ignored))
    return invalid_argument("--output {}: there is something that is not a file", output.string());
  const fs::path folder =
      fs::is_directory(model, ignored) ? model : fs::absolute(model, ignored).parent_path();
  const std::string prefix = shard_prefix(model);
  const auto belongs_to_model = [&](const fs::path& file) {
    if (!is_gguf_input(model)) return file.extension() != ".gguf";
    return file.filename() == model.filename() || (!prefix.empty() && shard_prefix(file) == prefix);
  };
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (belongs_to_model(entry.path()) && fs::equivalent(entry.path(), output, ignored)) {
      return invalid_argument("--output {}: that is a file of the model itself", output.string());
    }
  }
  if (fs::equivalent(model, output, ignored))
    return invalid_argument("--output {}: that is the model itself", output.string());
  return ok_result();
}

// What only the writer can know.
bool is_fixed(std::string_view key) {
  constexpr std::string_view kFixed[] = {"general.architecture", "general.file_type",
                                         "general.quantization_version", "general.alignment"};
  return std::find(std::begin(kFixed), std::end(kFixed), key) != std::end(kFixed);
}

Result<void> set_text(GgufKeys& keys, std::string_view option, std::string_view key,
                      std::string_view value) {
  if (!is_valid_utf8(value)) return invalid_argument("{}: not UTF-8", option);
  keys.set(key, value);
  return ok_result();
}

// --meta author=Ada or --meta general.tags=math,small
Result<void> set_meta(GgufKeys& keys, const std::string& text) {
  const auto wrong = [&](std::string_view why) {
    return invalid_argument("--meta {}: {}", printable(text), why);
  };
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) return wrong("the form is KEY=VALUE");
  std::string key = text.substr(0, equals);
  const std::string value = text.substr(equals + 1);
  const auto is_key_letter = [](char c) {
    return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') || c == '_' || c == '.';
  };
  constexpr std::size_t kMaxKey = 128;
  if (key.size() > kMaxKey || !std::all_of(key.begin(), key.end(), is_key_letter))
    return wrong("a key is made of a..z, 0..9, _ and dots");
  if (!key.starts_with("general.")) key = "general." + key;
  if (is_fixed(key)) return wrong("this is decided by the weights");
  if (!is_valid_utf8(value)) return wrong("not UTF-8");
  if (key == "general.base_model.count") {
    std::uint32_t count = 0;
    if (!CLI::detail::lexical_cast(value, count)) return wrong("not a number");
    keys.set(key, count);
    return ok_result();
  }
  if (key != "general.tags" && key != "general.languages" && key != "general.datasets") {
    keys.set(key, value);
    return ok_result();
  }
  std::vector<std::string> values;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    values.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  keys.set(key, values);
  return ok_result();
}

// What the source says about itself and its tokenizer, then what the command line adds.
Result<void> set_keys(const Options& options, GgufExport& out) {
  GgufKeys& keys = out.keys();
  keys.set("general.type", "model");
  keys.set("general.name", out.checkpoint().name);
  if (is_gguf_input(options.model)) {
    SPUTNIK_TRY(const GgufFile file, GgufFile::open(options.model));
    for (const auto& [key, value] : file.metadata().entries()) {
      if ((key.starts_with("general.") || key.starts_with("tokenizer.")) && !is_fixed(key))
        keys.set(key, value);
    }
  } else {
    std::error_code ignored;
    const fs::path folder = fs::is_directory(options.model, ignored)
                                ? fs::path(options.model)
                                : fs::absolute(options.model, ignored).parent_path();
    if (!fs::exists(folder / "tokenizer.json", ignored)) {
      return not_found("{}: there is no tokenizer.json in this folder, and a GGUF file holds one",
                       folder.string());
    }
    SPUTNIK_TRY(const TokenizerSpec spec, load_tokenizer_spec(folder));
    auto written = tokenizer_to_gguf(spec, out.vocab_size(), keys);
    if (!written.ok()) return std::move(written).error().in((folder / "tokenizer.json").string());
  }
  for (const std::string& text : options.meta) SPUTNIK_CHECK_OK(set_meta(keys, text));
  if (!options.name.empty())
    SPUTNIK_CHECK_OK(set_text(keys, "--name", "general.name", options.name));
  if (!options.license.empty())
    SPUTNIK_CHECK_OK(set_text(keys, "--license", "general.license", options.license));
  return ok_result();
}

struct TypeShare {
  DType dtype;
  std::int64_t n_tensors = 0;
  std::uint64_t bytes = 0;
};

// Those that take most bytes first.
std::vector<TypeShare> type_shares(const GgufExport& out) {
  std::vector<TypeShare> shares;
  for (const GgufTensorLine& line : out.tensors()) {
    auto it = std::find_if(shares.begin(), shares.end(),
                           [&](const TypeShare& share) { return share.dtype == line.dtype; });
    if (it == shares.end()) it = shares.insert(shares.end(), {line.dtype});
    ++it->n_tensors;
    it->bytes += line.data_bytes();
  }
  std::sort(shares.begin(), shares.end(),
            [](const TypeShare& a, const TypeShare& b) { return a.bytes > b.bytes; });
  return shares;
}

double megabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

void report(const Options& options, const GgufExport& out, std::uint64_t file_bytes,
            double seconds) {
  const auto shares = type_shares(out);
  if (options.json) {
    Json types = Json::object();
    for (const TypeShare& share : shares)
      types[std::string(name(share.dtype))] = {{"tensors", share.n_tensors},
                                               {"bytes", share.bytes}};
    write_json_line({{"path", options.output},
                     {"bytes", file_bytes},
                     {"type", options.type},
                     {"tensors", out.tensors().size()},
                     {"types", types},
                     {"notes", out.notes()},
                     {"seconds", seconds}});
    return;
  }
  for (const std::string& note : out.notes()) write(note + "\n");
  std::string types;
  for (const TypeShare& share : shares) {
    types += fmt::format("{}{} {:.1f} MB", types.empty() ? "" : ", ", name(share.dtype),
                         megabytes(share.bytes));
  }
  write(fmt::format("{}: {:.1f} MB in {} tensors ({})\n", options.output, megabytes(file_bytes),
                    out.tensors().size(), types));
}

Result<int> quantize(const Options& options) {
  SPUTNIK_TRY(const GgufQuantization quantization, gguf_quantization(options.type));
  SPUTNIK_CHECK_OK(check_output(options.model, options.output));
  SPUTNIK_TRY(Checkpoint checkpoint, open_checkpoint(options.model));
  auto planned = GgufExport::create(std::move(checkpoint), quantization, options.keep_mtp);
  if (!planned.ok()) {
    const bool names_file = planned.error().message.find(options.model) != std::string::npos;
    return names_file ? std::move(planned).error() : std::move(planned).error().in(options.model);
  }
  GgufExport out = std::move(planned).value();
  SPUTNIK_CHECK_OK(set_keys(options, out));
  SPUTNIK_TRY(GgufFileWriter file,
              GgufFileWriter::create(options.output, out.keys(), out.tensors()));

  const auto start = Clock::now();
  const std::atomic<bool>& interrupted = catch_interrupts();
  ThreadPool pool(options.threads > 0 ? options.threads : available_processors());
  SPUTNIK_TRY(const kernels::KernelTable* kernels, kernels::choose_table(""));
  Progress progress("writing");
  const auto total = static_cast<std::int64_t>(megabytes(out.data_bytes()));
  std::int64_t shown = -1;
  const auto written = out.write(file, pool, *kernels, [&](std::uint64_t n_bytes) {
    const auto done = static_cast<std::int64_t>(megabytes(n_bytes));
    if (done != shown) progress.show(done, total, "MB");
    shown = done;
    return !interrupted;
  });
  progress.clear();
  SPUTNIK_CHECK_OK(written);
  SPUTNIK_CHECK_OK(file.finish());
  report(options, out, file.file_bytes(),
         std::chrono::duration<double>(Clock::now() - start).count());
  return 0;
}

}  // namespace

void add_quantize_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("quantize", "Write a model as one GGUF file");
  command->add_option("model", options->model, "GGUF file or model folder")
      ->type_name("PATH")
      ->required();
  command->add_option("-o,--output", options->output, "GGUF file to write")
      ->type_name("FILE")
      ->required();
  std::string names;
  for (const GgufQuantization& quantization : gguf_quantizations())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", quantization.name);
  command->add_option("--type", options->type, fmt::format("Type of the matrices: {}", names))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--name", options->name, "general.name (default: the model's own)")
      ->type_name("TEXT");
  command->add_option("--license", options->license, "general.license: mit, apache-2.0, ...")
      ->type_name("TEXT");
  command
      ->add_option("--meta", options->meta,
                   "Another key of general.*: author=NAME, tags=a,b; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--mtp", options->keep_mtp,
                    "Keep the layers for multi-token prediction, which other programs refuse");
  command->add_option("--threads", options->threads, "Threads; 0: one per processor")
      ->check(between(0, 1024))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Example:\n"
      "  sputnik quantize runs/tiny/model -o tiny.gguf --type q8_0 --name Tiny --license mit");
  command->callback([options, &exit_code] { exit_code = run(quantize(*options)); });
}

}  // namespace sputnik::cli
