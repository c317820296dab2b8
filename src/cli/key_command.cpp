// sputnik key: who may use `sputnik serve`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/run.h"
#include "formats/printable.h"
#include "server/key_file.h"

namespace sputnik::cli {
namespace {

using Json = nlohmann::ordered_json;
using server::ApiKey;

struct Options {
  std::string file, name, id;
  std::vector<std::string> scopes = {"infer"};
  std::int64_t requests_per_min = 0, tokens_per_min = 0;
  bool json = false;

  std::filesystem::path path() const {
    return file.empty() ? server::default_key_file() : std::filesystem::path(file);
  }
};

std::vector<std::string> scopes_of(const ApiKey& key) {
  std::vector<std::string> scopes;
  if (key.may_infer) scopes.push_back("infer");
  if (key.may_manage) scopes.push_back("manage");
  return scopes;
}

// Without salt and hash: they are of no use to people.
Json to_json(const ApiKey& key) {
  return {{"id", key.id},
          {"name", key.name},
          {"scopes", scopes_of(key)},
          {"requests_per_min", key.requests_per_min},
          {"tokens_per_min", key.tokens_per_min},
          {"created", key.created_s}};
}

std::string date_of(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return "?";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string limit_of(std::int64_t per_min) {
  return per_min == 0 ? "-" : std::to_string(per_min);
}

Result<int> create(const Options& options) {
  ApiKey of;
  of.name = options.name;
  const auto has = [&](std::string_view scope) {
    return std::find(options.scopes.begin(), options.scopes.end(), scope) != options.scopes.end();
  };
  of.may_infer = has("infer");
  of.may_manage = has("manage");
  of.requests_per_min = options.requests_per_min;
  of.tokens_per_min = options.tokens_per_min;
  SPUTNIK_TRY(const server::NewKey made, server::create_key(options.path(), std::move(of)));
  if (options.json) {
    Json json = to_json(made.key);
    json["secret"] = made.secret;
    write_json_line(json);
    return 0;
  }
  // The secret alone on standard output, so that a script can take it.
  fmt::print(stderr, "Key {} for \"{}\". This is the only time it is shown:\n", made.key.id,
             printable(made.key.name));
  write(made.secret + "\n");
  return 0;
}

Result<int> list(const Options& options) {
  SPUTNIK_TRY(const auto keys, server::read_keys(options.path()));
  if (options.json) {
    Json all = Json::array();
    for (const ApiKey& key : keys) all.push_back(to_json(key));
    write_json_line(all);
    return 0;
  }
  if (keys.empty()) {
    write(fmt::format("No keys in {}. `sputnik key create NAME` makes one.\n",
                      printable(options.path().string(), 4096)));
    return 0;
  }
  write(fmt::format("{:8}  {:12}  {:>12}  {:>12}  {:10}  {}\n", "ID", "SCOPES", "REQUESTS/MIN",
                    "TOKENS/MIN", "CREATED", "NAME"));
  for (const ApiKey& key : keys) {
    write(fmt::format("{:8}  {:12}  {:>12}  {:>12}  {:10}  {}\n", key.id,
                      fmt::format("{}", fmt::join(scopes_of(key), ",")),
                      limit_of(key.requests_per_min), limit_of(key.tokens_per_min),
                      date_of(key.created_s), printable(key.name)));
  }
  return 0;
}

Result<int> revoke(const Options& options) {
  SPUTNIK_TRY(const ApiKey key, server::revoke_key(options.path(), options.id));
  if (options.json) {
    write_json_line(Json{{"revoked", to_json(key)}});
  } else {
    write(fmt::format("Key {} for \"{}\" is revoked. Servers that run know it already.\n", key.id,
                      printable(key.name)));
  }
  return 0;
}

CLI::App* add_action(CLI::App& command, std::string name, std::string about, Options& options) {
  CLI::App* action = command.add_subcommand(std::move(name), std::move(about));
  action->add_option("--keys", options.file, "The file of keys")->type_name("FILE");
  action->add_flag("--json", options.json, "Print JSON");
  return action;
}

}  // namespace

void add_key_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("key", "Make, list and revoke the API keys of a server");
  command->require_subcommand(1);
  command->footer(
      "The file of keys is ~/.config/sputnik/keys.json. It holds hashes; a key that was lost "
      "cannot "
      "be shown again.\n"
      "Examples:\n"
      "  sputnik key create laptop\n"
      "  sputnik key create admin --scope infer,manage --requests-per-min 60\n"
      "  sputnik key revoke 4fQ9xZ2b");

  CLI::App* create_action = add_action(*command, "create", "Make a key and show it once", *options);
  create_action->add_option("name", options->name, "What it is for")->required();
  create_action
      ->add_option("--scope", options->scopes,
                   "infer: ask models; manage: models, keys, training, metrics")
      ->delimiter(',')
      ->check(CLI::IsMember({"infer", "manage"}))
      ->capture_default_str();
  const CLI::Range limit(std::int64_t{0}, std::int64_t{1'000'000'000'000});
  create_action->add_option("--requests-per-min", options->requests_per_min, "0: without limit")
      ->check(limit);
  create_action->add_option("--tokens-per-min", options->tokens_per_min, "0: without limit")
      ->check(limit);
  create_action->callback([options, &exit_code] { exit_code = run(create(*options)); });

  add_action(*command, "list", "Show the keys that there are", *options)
      ->callback([options, &exit_code] { exit_code = run(list(*options)); });

  CLI::App* revoke_action = add_action(*command, "revoke", "Take a key away", *options);
  revoke_action->add_option("id", options->id, "As `sputnik key list` shows it")->required();
  revoke_action->callback([options, &exit_code] { exit_code = run(revoke(*options)); });
}

}  // namespace sputnik::cli
