// sputnik replay: computes a receipt's answer again.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/served.h"
#include "service/receipt.h"

namespace sputnik::cli {
namespace {

constexpr std::size_t kMaxReceiptBytes = std::size_t{256} << 20;

struct Options {
  ServedOptions served;
  std::string receipt;
  bool json = false;
};

// A receipt, or a reply that carries one.
std::string receipt_in(const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("receipt") || !json["receipt"].is_object()) return text;
  return json["receipt"].dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<int> replay_receipt(const Options& options) {
  std::string text;
  if (options.receipt == "-") {
    SPUTNIK_TRY(text, read_standard_input());
  } else {
    SPUTNIK_TRY(text, read_file(options.receipt, kMaxReceiptBytes));
  }
  SPUTNIK_TRY(const auto model, open_served(options.served));
  SPUTNIK_TRY(const service::ReplayResult result, service::replay(*model, receipt_in(text)));
  if (options.json) {
    nlohmann::ordered_json json = {{"equal", result.equal}, {"tokens_compared", result.n_tokens}};
    if (!result.equal) {
      json["difference"] = {{"answer", result.choice},
                            {"position", result.position},
                            {"receipt", result.expected},
                            {"here", result.got}};
    }
    write_json_line(json);
  } else if (result.equal) {
    write(fmt::format("equal: {} tokens computed again, all the same\n", result.n_tokens));
  } else {
    write(fmt::format("different: answer {}, token {}: the receipt has {}, here it is {}\n",
                      result.choice, result.position, result.expected, result.got));
  }
  return result.equal ? 0 : kExitFailure;
}

}  // namespace

void add_replay_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  options->served.max_sequences = 1;
  options->served.disk_cache_gb = 0;
  CLI::App* command = app.add_subcommand(
      "replay", "Compute the answer of a receipt again and compare it token by token");
  command
      ->add_option("receipt", options->receipt,
                   "File with a receipt, or a reply that carries one; -: standard input")
      ->required()
      ->type_name("RECEIPT");
  command->add_option("--model", options->served.model.path,
                      "GGUF file or folder (default: the shipped model)");
  add_run_options(*command, options->served.model);
  add_tokenizer_option(*command, options->served.model);
  command->add_flag("--json", options->json, "The outcome as one line of JSON");
  command->footer("Example:\n  sputnik replay answer.json");
  command->callback([options, &exit_code] { exit_code = run(replay_receipt(*options)); });
}

}  // namespace sputnik::cli
