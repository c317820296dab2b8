// sputnik chat: a conversation in the terminal.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <utility>

#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/interrupt.h"
#include "cli/line_reader.h"
#include "cli/run.h"
#include "cli/terminal_text.h"
#include "formats/printable.h"

namespace sputnik::cli {
namespace {

using chat::AnswerEvent;

constexpr std::string_view kHelp =
    "/system TEXT  set the system prompt (without TEXT: none) and begin anew\n"
    "/clear        forget the conversation\n"
    "/quit         leave; so does Ctrl-D, or Ctrl-C twice\n"
    "Ctrl-C        stops an answer\n";

// Thoughts dimmed, if this is a terminal; plain text otherwise.
class AnswerPrinter {
 public:
  explicit AnswerPrinter(bool is_terminal) : is_terminal_(is_terminal) {}

  void show(const AnswerEvent& event) {
    if (event.kind == AnswerEvent::Kind::kEnd) return;
    set_thinking(event.kind == AnswerEvent::Kind::kReasoning);
    write(is_terminal_ ? without_controls(event.text) : event.text);
    flush();
  }
  void finish() {
    if (is_thinking_ && is_terminal_) write("\x1b[0m");
    is_thinking_ = false;
    write("\n");
    flush();
  }

 private:
  void set_thinking(bool thinking) {
    if (thinking == is_thinking_) return;
    if (is_terminal_) write(thinking ? "\x1b[2m" : "\x1b[0m");
    if (!thinking) write("\n\n");
    is_thinking_ = thinking;
  }

  bool is_terminal_;
  bool is_thinking_ = false;
};

class ChatSession {
 public:
  ChatSession(Conversation& conversation, std::string system, std::atomic<bool>& interrupted)
      : conversation_(conversation), system_(std::move(system)), interrupted_(interrupted) {}

  void run() {
    std::string line;
    bool warned = false;  // one Ctrl-C has just been pressed
    for (;;) {
      if (is_terminal_) write("> ");
      flush();
      const LineReader::Event event = reader_.read(line);
      if (event == LineReader::Event::kEnd) break;
      if (event == LineReader::Event::kInterrupted) {
        const bool is_ours = interrupted_.load();
        clear_interrupt();
        if (!is_ours) continue;  // some other signal
        write("\n");
        if (warned) return;
        warned = true;
        write("(Ctrl-C again, Ctrl-D or /quit leaves)\n");
        continue;
      }
      warned = false;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      if (line == "/quit" || line == "/exit") return;
      if (line.front() == '/' && obey(line)) continue;
      answer(line);
    }
    if (is_terminal_) write("\n");
  }

 private:
  // False: not a command. A text may begin with a slash.
  bool obey(const std::string& line) {
    if (line == "/help") {
      write(kHelp);
    } else if (line == "/clear") {
      history_.clear();
      write("(forgotten)\n");
    } else if (line == "/system" || line.starts_with("/system ")) {
      system_ = line.size() > 8 ? line.substr(8) : "";
      history_.clear();
      write(system_.empty() ? "(no system prompt)\n" : "(system prompt set)\n");
    } else {
      return false;
    }
    return true;
  }

  void answer(const std::string& question) {
    std::vector<chat::Message> messages;
    if (!system_.empty()) messages.push_back(chat::make_message(chat::Role::kSystem, system_));
    messages.insert(messages.end(), history_.begin(), history_.end());
    messages.push_back(chat::make_message(chat::Role::kUser, question));
    clear_interrupt();
    AnswerPrinter printer(is_terminal_);
    auto answer = conversation_.answer(
        messages, [&](const AnswerEvent& event) { printer.show(event); }, interrupted_);
    printer.finish();
    clear_interrupt();
    if (!answer.ok()) {
      // The conversation goes on without the question that could not be answered.
      print_error(answer.error().message);
      if (!history_.empty()) write("(/clear makes room)\n");
      return;
    }
    if (answer.value().interrupted) write("(stopped)\n");
    history_.push_back(messages.back());
    history_.push_back(chat::make_message(chat::Role::kAssistant, answer.value().content,
                                          answer.value().reasoning));
  }

  Conversation& conversation_;
  std::string system_;
  std::atomic<bool>& interrupted_;
  LineReader reader_;
  std::vector<chat::Message> history_;
  const bool is_terminal_ = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
};

Result<int> chat_in_terminal(const ConversationOptions& options) {
  SPUTNIK_TRY(const auto conversation, Conversation::open(options));
  if (::isatty(STDOUT_FILENO) != 0)
    write(fmt::format("{}. /help says what you can do.\n", printable(conversation->model_name())));
  if (const std::string notice = conversation->notice(); !notice.empty())
    fmt::print(stderr, "note: {}\n", notice);
  ChatSession(*conversation, options.system, catch_interrupts()).run();
  return 0;
}

}  // namespace

void add_chat_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ConversationOptions>();
  CLI::App* command = app.add_subcommand("chat", "Talk with a model; thoughts are dimmed");
  command
      ->add_option("model,--model", options->model.path,
                   "GGUF file or model folder (default: $SPUTNIK_MODEL, or the shipped one)")
      ->type_name("PATH");
  add_conversation_options(*command, *options);
  command->footer("Example:\n  sputnik chat model.gguf --system \"You are a patient teacher.\"");
  command->callback([options, &exit_code] { exit_code = run(chat_in_terminal(*options)); });
}

}  // namespace sputnik::cli
