#include "cli/conversation.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "chat/encode.h"
#include "cli/generation.h"
#include "cli/option_checks.h"
#include "formats/printable.h"
#include "tokenizer/decoder.h"

namespace sputnik::cli {
namespace {

using chat::AnswerEvent;

// Below this a model has learned the form of language and little else.
constexpr std::int64_t kTinyParameters = 100'000'000;

void append(Answer& answer, const AnswerEvent& event) {
  if (event.kind == AnswerEvent::Kind::kReasoning) answer.reasoning += event.text;
  if (event.kind == AnswerEvent::Kind::kContent) answer.content += event.text;
}

}  // namespace

void add_conversation_options(CLI::App& command, ConversationOptions& options) {
  command.add_option("--system", options.system, "System prompt");
  add_template_option(command, options.template_name);
  command
      .add_option("--max-tokens", options.max_tokens,
                  "Most tokens of an answer; -1: until the context is full")
      ->check(between(-1, 1 << 24))
      ->capture_default_str();
  command.add_flag("--no-thinking", options.no_thinking,
                   "Answer at once, for models that can do both");
  add_sampling_options(command, options.sampling);
  add_run_options(command, options.model);
  add_tokenizer_option(command, options.model);
}

Conversation::Conversation(const ConversationOptions& options, LoadedModel loaded,
                           Tokenizer tokenizer, const chat::ChatTemplate& chat_template,
                           std::unique_ptr<Engine> engine)
    : options_(options),
      loaded_(std::move(loaded)),
      tokenizer_(std::move(tokenizer)),
      template_(chat_template),
      engine_(std::move(engine)) {}

Result<std::unique_ptr<Conversation>> Conversation::open(const ConversationOptions& options) {
  SPUTNIK_TRY(const std::filesystem::path path, find_model(options.model.path));
  SPUTNIK_TRY(Tokenizer tokenizer, load_tokenizer(path, options.model));
  SPUTNIK_TRY(const chat::ChatTemplate chat_template,
              find_template(options.template_name, tokenizer, path));
  SPUTNIK_TRY(LoadedModel loaded, load(path, options.model));
  if (options.template_name.empty()) note_distill(chat_template, loaded.info);
  SPUTNIK_TRY(auto engine, make_engine(*loaded.model, options.model));
  ConversationOptions resolved = options;
  if (!resolved.sampling.seed) resolved.sampling.seed = random_seed();
  return std::unique_ptr<Conversation>(new Conversation(
      resolved, std::move(loaded), std::move(tokenizer), chat_template, std::move(engine)));
}

std::string Conversation::notice() const {
  const std::string name = printable(model_name());
  if (!is_chat())
    return fmt::format("{} is a base model: it goes on with your text and does not converse", name);
  if (loaded_.info.is_distill) {
    return fmt::format("{} is a distilled {} model, not R1", name,
                       loaded_.info.architecture == "qwen2" ? "Qwen2" : "Llama");
  }
  if (loaded_.info.n_parameters < kTinyParameters) {
    return fmt::format("{} is tiny, {:.1f} million parameters: it knows little and is often wrong",
                       name, static_cast<double>(loaded_.info.n_parameters) / 1e6);
  }
  return "";
}

GenerationRequest Conversation::make_request(std::vector<std::int32_t> prompt,
                                             std::vector<std::int32_t> stop_tokens) const {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.sampling = options_.sampling.resolve(/*otherwise=*/0);
  request.max_tokens = options_.max_tokens;
  request.stop_tokens = std::move(stop_tokens);
  return request;
}

Result<Answer> Conversation::answer(const std::vector<chat::Message>& messages, const Show& show,
                                    const std::atomic<bool>& interrupted) {
  if (is_chat()) return chat_answer(messages, show, interrupted);
  SPUTNIK_ASSERT(!messages.empty());
  return continuation(messages.back().content.value_or(""), show, interrupted);
}

Result<Answer> Conversation::chat_answer(const std::vector<chat::Message>& messages,
                                         const Show& show, const std::atomic<bool>& interrupted) {
  SPUTNIK_TRY(const chat::Rendered rendered,
              template_.render(messages, {}, {.thinking = !options_.no_thinking}));
  const bool add_bos = !template_.writes_bos() && tokenizer_.add_bos_by_default();
  auto prompt = chat::encode(tokenizer_, rendered, chat::Injection::kEscaped, add_bos);
  chat::ReasoningParser parser(tokenizer_,
                               chat::ReasoningParser::options_for(tokenizer_, template_, rendered));
  Answer answer;
  const auto pass_on = [&](std::span<const AnswerEvent> events) {
    for (const AnswerEvent& event : events) {
      append(answer, event);
      show(event);
    }
  };
  SPUTNIK_TRY(
      const GenerationEnd end,
      generate_tokens(
          *engine_, make_request(std::move(prompt), chat::end_token_ids(tokenizer_, template_)),
          [&](const SampledToken& token) {
            pass_on(parser.feed(token.id));
            return !interrupted.load();
          },
          &interrupted));
  pass_on(parser.finish());
  answer.interrupted = end.reason == FinishReason::kNone;
  return answer;
}

Result<Answer> Conversation::continuation(const std::string& text, const Show& show,
                                          const std::atomic<bool>& interrupted) {
  StreamDecoder decoder(tokenizer_, {.skip_special = true, .at_start = text.empty()});
  Answer answer;
  const auto pass_on = [&](std::string more) {
    if (more.empty()) return;
    const AnswerEvent event{AnswerEvent::Kind::kContent, std::move(more)};
    append(answer, event);
    show(event);
  };
  // Shown with the first token: until then the line may belong to the progress of reading it.
  std::string unshown = text;
  SPUTNIK_TRY(const GenerationEnd end,
              generate_tokens(
                  *engine_,
                  make_request(encode_prompt(tokenizer_, text, /*parse_special=*/false),
                               end_of_text_ids(tokenizer_)),
                  [&](const SampledToken& token) {
                    pass_on(std::exchange(unshown, "") + decoder.push(token.id));
                    return !interrupted.load();
                  },
                  &interrupted));
  pass_on(unshown + decoder.flush());
  answer.interrupted = end.reason == FinishReason::kNone;
  return answer;
}

}  // namespace sputnik::cli
