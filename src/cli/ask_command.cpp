// sputnik ask: one question, one answer.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/terminal_text.h"

namespace sputnik::cli {
namespace {

using chat::AnswerEvent;

struct Options : ConversationOptions {
  std::string question;
  bool show_thinking = false;
};

// The question, and below it what is piped in.
Result<std::string> read_question(const Options& options) {
  std::string piped;
  if (::isatty(STDIN_FILENO) == 0) {
    SPUTNIK_TRY(piped, read_standard_input());
  }
  while (!piped.empty() && (piped.back() == '\n' || piped.back() == '\r')) piped.pop_back();
  if (options.question.empty() && piped.empty())
    return invalid_argument("there is no question: give one, or pipe it to standard input");
  if (options.question.empty()) return piped;
  return piped.empty() ? options.question : options.question + "\n\n" + piped;
}

Result<int> ask(const Options& options) {
  SPUTNIK_TRY(const std::string question, read_question(options));
  SPUTNIK_TRY(const auto conversation, Conversation::open(options));
  if (const std::string notice = conversation->notice(); !notice.empty())
    fmt::print(stderr, "note: {}\n", notice);

  std::vector<chat::Message> messages;
  if (!options.system.empty())
    messages.push_back(chat::make_message(chat::Role::kSystem, options.system));
  messages.push_back(chat::make_message(chat::Role::kUser, question));
  const bool dims = ::isatty(STDERR_FILENO) != 0;
  const bool shows_thinking = options.show_thinking || dims;
  const bool is_terminal = ::isatty(STDOUT_FILENO) != 0;
  bool thinking = false;
  const auto show = [&](const AnswerEvent& event) {
    const bool is_thought = event.kind == AnswerEvent::Kind::kReasoning;
    if (shows_thinking && is_thought) {
      if (!thinking && dims) fmt::print(stderr, "\x1b[2m");
      thinking = true;
      fmt::print(stderr, "{}", dims ? without_controls(event.text) : event.text);
    } else if (thinking) {
      thinking = false;
      fmt::print(stderr, "{}\n\n", dims ? "\x1b[0m" : "");
    }
    if (event.kind == AnswerEvent::Kind::kContent) {
      write(is_terminal ? without_controls(event.text) : event.text);
      flush();
    }
  };
  const auto answer = conversation->answer(messages, show, catch_interrupts());
  if (thinking) fmt::print(stderr, "{}\n", dims ? "\x1b[0m" : "");
  if (!answer.ok()) return answer.error();
  write("\n");
  if (answer.value().interrupted)
    return make_error(ErrorCode::kCancelled, "stopped before the answer was complete");
  return 0;
}

}  // namespace

void add_ask_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("ask", "Ask one question; only the answer is printed");
  command->add_option("question", options->question,
                      "The question; standard input, if it is piped, is put below it");
  command
      ->add_option("--model", options->model.path,
                   "GGUF file or model folder (default: $SPUTNIK_MODEL, or the shipped one)")
      ->type_name("PATH");
  command->add_flag("--show-thinking", options->show_thinking,
                    "Thoughts to standard error, also if that is not a terminal");
  add_conversation_options(*command, *options);
  command->footer(
      "Examples:\n"
      "  sputnik ask --model model.gguf \"What is 2 + 2?\"\n"
      "  sputnik ask --model model.gguf \"Summarise this:\" < notes.txt");
  command->callback([options, &exit_code] { exit_code = run(ask(*options)); });
}

}  // namespace sputnik::cli
