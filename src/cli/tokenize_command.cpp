// sputnik tokenize: text to token ids and back, one text or a stream of lines.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "chat/encode.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "cli/run.h"
#include "cli/token_list.h"
#include "formats/json.h"

namespace sputnik::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model, file, text, template_name;
  bool special = false, bos = false, decode = false, json = false, jsonl = false, chat = false;

  EncodeOptions encode() const { return {.parse_special = special, .add_bos = bos}; }
};

Result<std::string> read_text(const CLI::App& command, const Options& options) {
  if (!options.file.empty()) return read_file(options.file);
  if (command.count("text") > 0) return options.text;
  return read_standard_input();
}

Result<std::string> decode(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  for (const std::int32_t id : ids) {
    if (id >= tokenizer.vocab_size()) {
      return invalid_argument("token {} is outside the vocabulary of {}", id,
                              tokenizer.vocab_size());
    }
  }
  return tokenizer.decode(ids);
}

Result<int> tokenize_once(const Tokenizer& tokenizer, const Options& options,
                          std::string_view text) {
  if (options.decode) {
    SPUTNIK_TRY(const auto ids, parse_token_list(text));
    SPUTNIK_TRY(const std::string decoded, decode(tokenizer, ids));
    if (options.json) {
      write_json_line(Json{{"text", sanitize_utf8(decoded)}});
    } else {
      write(decoded);
      write("\n");
    }
    return 0;
  }
  const auto ids = tokenizer.encode(text, options.encode());
  if (options.json) {
    write_json_line(Json{{"ids", ids}});
  } else {
    for (const std::int32_t id : ids) write(fmt::format("{}\n", id));
  }
  return 0;
}

Result<Json> tokenize_line(const Tokenizer& tokenizer, const Options& options,
                           std::string_view line) {
  if (options.decode) {
    SPUTNIK_TRY(const auto ids, parse_token_array(line));
    SPUTNIK_TRY(const std::string decoded, decode(tokenizer, ids));
    return Json(sanitize_utf8(decoded));
  }
  SPUTNIK_TRY(const nlohmann::json json, parse_json(line));
  if (!json.is_string()) return corrupt("{}, not a JSON string", json.type_name());
  return Json(tokenizer.encode(json.get_ref<const std::string&>(), options.encode()));
}

Result<Json> render_line(const Tokenizer& tokenizer, const chat::ChatTemplate& chat_template,
                         const Options& options, std::string_view line) {
  SPUTNIK_TRY(const chat::ChatRequest request, chat::parse_chat_request_json(line));
  chat::RenderOptions render;
  render.add_generation_prompt = request.add_generation_prompt;
  if (request.thinking) render.thinking = *request.thinking;
  SPUTNIK_TRY(const chat::Rendered rendered,
              chat_template.render(request.messages, request.tools, render));
  const auto ids = chat::encode(tokenizer, rendered, chat::Injection::kAllowed, options.bos);
  return Json{{"text", rendered.text}, {"ids", ids}};
}

// One line of output for each of input, at once, so that another program can converse with this
// one. Convert takes a line to a Result<Json>.
template <class Convert>
Result<int> convert_lines(const Convert& convert) {
  std::ios::sync_with_stdio(false);
  std::string line;
  for (std::int64_t number = 1; std::getline(std::cin, line); ++number) {
    Result<Json> json = convert(line);
    if (!json.ok()) return std::move(json).error().in(fmt::format("line {}", number));
    write_json_line(json.value());
    if (std::cin.rdbuf()->in_avail() <= 0) flush();
  }
  return 0;
}

Result<int> tokenize(const CLI::App& command, const Options& options) {
  SPUTNIK_TRY(const Tokenizer tokenizer, load_tokenizer(options.model));
  if (options.chat) {
    SPUTNIK_TRY(const chat::ChatTemplate chat_template,
                find_template(options.template_name, tokenizer, options.model));
    return convert_lines([&](std::string_view line) {
      return render_line(tokenizer, chat_template, options, line);
    });
  }
  if (options.jsonl) {
    return convert_lines(
        [&](std::string_view line) { return tokenize_line(tokenizer, options, line); });
  }
  SPUTNIK_TRY(const std::string text, read_text(command, options));
  return tokenize_once(tokenizer, options, text);
}

}  // namespace

void add_tokenize_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tokenize", "Turn text into token ids, and back");
  command->add_option("--model", options->model, "GGUF file, model folder or tokenizer.json")
      ->type_name("PATH")
      ->required();
  auto* text = command->add_option("text", options->text,
                                   "Text, or ids with --decode (default: standard input)");
  auto* file = command->add_option("--file", options->file, "Read it from this file")
                   ->type_name("FILE")
                   ->excludes(text);
  command->add_flag("--special", options->special,
                    "The text of special tokens becomes these tokens");
  command->add_flag("--bos", options->bos, "Begin with the beginning-of-text token");
  auto* decode = command->add_flag("--decode", options->decode, "Ids to text");
  command->add_flag("--json", options->json, "Print {\"ids\":[...]} or {\"text\":...}");
  auto* jsonl = command
                    ->add_flag("--jsonl", options->jsonl,
                               "A JSON string per line of standard input; an array of ids per line")
                    ->excludes(text)
                    ->excludes(file);
  auto* chat = command
                   ->add_flag("--chat", options->chat,
                              "{\"messages\":[...],\"tools\":[...],\"add_generation_prompt\":true} "
                              "per line; {\"text\":...,\"ids\":[...]} per line")
                   ->excludes(text)
                   ->excludes(file)
                   ->excludes(decode)
                   ->excludes(jsonl);
  add_template_option(*command, options->template_name)->needs(chat);
  command->footer(
      "Examples:\n"
      "  sputnik tokenize --model model.gguf \"Hello, world\" --json\n"
      "  sputnik tokenize --model model.gguf --decode \"9906, 11, 1917\"\n"
      "  echo '\"Hello\"' | sputnik tokenize --model tokenizer.json --jsonl\n"
      "  echo '{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
      "\"add_generation_prompt\":true}' | sputnik tokenize --model model.gguf --chat");
  command->callback(
      [command, options, &exit_code] { exit_code = run(tokenize(*command, *options)); });
}

}  // namespace sputnik::cli
