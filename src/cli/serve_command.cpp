// sputnik serve: the API, on this machine, for whoever may ask.
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/option_checks.h"
#include "cli/run.h"
#include "cli/served.h"
#include "server/assistant/assistant_routes.h"
#include "server/common/api_routes.h"
#include "server/front.h"
#include "server/page/page_routes.h"
#include "server/service_metrics.h"
#include "service/local_service.h"

namespace sputnik::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  ServedOptions served;
  server::HttpServerOptions http;
  server::OriginPolicy origins;
  std::string keys, log_level = "info";
  std::int64_t max_queue = 512;
  bool no_read_ahead = false, no_journal = false, no_store = false;
  int shutdown_s = 30;
};

void add_options(CLI::App& command, Options& options) {
  add_served_options(command, options.served);
  command
      .add_option("--host", options.http.address,
                  "Address to listen on; any but loopback needs keys")
      ->capture_default_str();
  command.add_option("--port", options.http.port, "Port; 0: any free one")->capture_default_str();
  command.add_option("--tls-certificate", options.http.tls_certificate, "PEM file; then https")
      ->type_name("FILE");
  command.add_option("--tls-key", options.http.tls_key, "PEM file of the certificate's key")
      ->type_name("FILE");
  command
      .add_option("--allow-host", options.origins.hosts,
                  "Another name by which clients may call this server; may be repeated")
      ->type_name("NAME[:PORT]");
  command
      .add_option("--allow-origin", options.origins.origins,
                  "A web site whose pages may use this server; may be repeated")
      ->type_name("https://NAME");
  command.add_option("--keys", options.keys, "File of API keys, see `sputnik key`")
      ->type_name("FILE");
  command.add_option("--queue", options.max_queue, "Answers that may wait; more get 429")
      ->check(between(0, 1 << 20))
      ->capture_default_str();
  command.add_flag("--no-read-ahead", options.no_read_ahead,
                   "Do not read an answer for the next turn while nobody asks");
  command.add_flag("--no-journal", options.no_journal, "Detached answers do not survive a crash");
  command.add_flag("--no-store", options.no_store,
                   "Conversations of the assistant live in memory only");
  command.add_option("--log-level", options.log_level, "debug, info, warn, error or off")
      ->capture_default_str();
  command
      .add_option("--shutdown", options.shutdown_s,
                  "Seconds that running answers have when the server is stopped")
      ->check(between(0, 86400))
      ->capture_default_str();
}

// Until Ctrl-C or SIGTERM.
void wait_for_the_end() {
  std::atomic<bool>& interrupted = catch_interrupts();
  (void)std::signal(SIGPIPE, SIG_IGN);
  pollfd wait{interrupt_descriptor(), POLLIN, 0};
  while (!interrupted.load()) (void)::poll(&wait, 1, -1);
  clear_interrupt();
}

Result<int> serve(Options& options) {
  SPUTNIK_TRY(server::ServerLog log, server::ServerLog::open(options.log_level));
  const fs::path key_file =
      options.keys.empty() ? server::default_key_file() : fs::path(options.keys);
  SPUTNIK_TRY(const auto keys, server::KeyStore::open(key_file));
  SPUTNIK_CHECK_OK(server::check_binding(options.http.address, *keys));
  for (const std::string& host : options.origins.hosts)
    if (auto problem = server::problem_with_host(host); !problem.empty())
      return invalid_argument("--allow-host {}: {}", host, problem);
  for (const std::string& origin : options.origins.origins)
    if (auto problem = server::problem_with_origin(origin); !problem.empty())
      return invalid_argument("--allow-origin {}: {}", origin, problem);
  options.origins.any_address_as_host = !server::is_loopback_address(options.http.address);

  SPUTNIK_TRY(auto model, open_served(options.served));
  const std::string name = model->card().id, notice = model->card().notice;
  server::Metrics metrics;
  const auto observer = std::make_shared<server::ServiceMetrics>(metrics);
  service::LocalServiceOptions service_options;
  service_options.worker.max_queue = options.max_queue;
  service_options.worker.read_answers_ahead = !options.no_read_ahead;
  service_options.worker.observer = observer;
  service_options.worker.log = [&log](const std::string& what) { log.warn(what); };
  if (!options.no_journal) service_options.journals = state_folder() / "journals";
  SPUTNIK_TRY(const auto local, service::LocalService::create(std::move(model), service_options));
  metrics.set_refresh([&] { observer->refresh(local->stats()); });

  const auto embeddings = std::make_shared<server::EmbedWorker>(*local);
  std::unique_ptr<assistant::Store> store;
  if (!options.no_store) {
    SPUTNIK_TRY(store, assistant::Store::open(state_folder() / "assistant.db"));
  }
  SPUTNIK_TRY(std::shared_ptr<server::app::App> app,
              server::app::App::create(*local, std::move(store),
                                       [&log](const std::string& what) { log.warn(what); }));
  std::atomic<bool> stopping = false;
  server::Router router;
  for (server::Route& route : server::assistant_routes(app)) {
    router.add(std::move(route.method), std::move(route.pattern), std::move(route.handler),
               server::assistant_rules());
  }
  for (server::Route& route : server::api_routes(*local, embeddings))
    router.add(std::move(route.method), std::move(route.pattern), std::move(route.handler));
  server::add_page_routes(router);
  server::Front front(std::move(router), options.origins, *keys, metrics, log, [&] {
    server::Health health;
    health.model = name;
    health.ready = !stopping;
    if (stopping) health.status = "stopping";
    return health;
  });
  observer->set_on_tokens([&](std::string_view key_id, std::int64_t n_tokens) {
    front.limiter().spend_tokens(key_id, n_tokens);
  });
  server::HttpServer http(options.http, front.hooks());
  SPUTNIK_CHECK_OK(http.start());
  const bool is_v6 = options.http.address.find(':') != std::string::npos;
  fmt::print(stderr, "{} answers on {}://{}{}{}:{}\n", name,
             options.http.tls_certificate.empty() ? "http" : "https", is_v6 ? "[" : "",
             options.http.address, is_v6 ? "]" : "", http.port());
  if (!notice.empty()) fmt::print(stderr, "note: {}\n", notice);
  wait_for_the_end();
  stopping = true;
  fmt::print(stderr, "stopping: running answers have {} s; Ctrl-C again ends them now\n",
             options.shutdown_s);
  http.stop(std::chrono::seconds(options.shutdown_s));
  observer->set_on_tokens({});
  return 0;
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "serve", "Serve a model to programs: DeepSeek, OpenAI, Anthropic, Ollama and Gemini APIs");
  add_options(*command, *options);
  command->footer(
      "Example:\n"
      "  sputnik serve model.gguf\n"
      "  curl http://127.0.0.1:8484/v1/chat/completions -H 'content-type: application/json' \\\n"
      "       -d '{\"messages\": [{\"role\": \"user\", \"content\": \"What is 348 + 275?\"}]}'");
  command->callback([options, &exit_code] { exit_code = run(serve(*options)); });
}

}  // namespace sputnik::cli
