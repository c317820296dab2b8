#include "service/prepare.h"

#include <algorithm>
#include <utility>

#include "chat/encode.h"
#include "grammar/tool_grammar.h"

namespace sputnik::service {
namespace {

using chat::Rendered;

constexpr float kTemperature = 0.6f, kTopP = 0.95f;  // as DeepSeek recommends for R1
constexpr std::string_view kThink = "<think>", kEndThink = "</think>";
// What is written into a thought that is closed from outside.
constexpr std::string_view kClosingWords = "\n\nThat is enough thinking; I answer now.\n";
constexpr int kMaxAnswers = 64;
constexpr int kMaxPriority = 10;

void append(Rendered& rendered, std::string_view text, bool is_control) {
  if (text.empty()) return;
  const std::size_t begin = rendered.text.size();
  rendered.text += text;
  if (!is_control && !rendered.segments.empty() && !rendered.segments.back().is_control) {
    rendered.segments.back().end = rendered.text.size();
    return;
  }
  rendered.segments.push_back({begin, rendered.text.size(), is_control});
}

void close_thought(Rendered& rendered) {
  append(rendered, "\n", false);
  append(rendered, kEndThink, true);
  append(rendered, "\n\n", false);
  rendered.opens_thought = false;
}

bool is_r1(const ServedModel& model) {
  return model.chat_template().name().starts_with("r1");
}

// The answer goes on with what the last message holds: its answer, or its thought.
void continue_with(Rendered& rendered, const chat::Message& last, const ServedModel& model) {
  const bool has_content = last.content && !last.content->empty();
  if (model.card().thinks && !rendered.opens_thought && (is_r1(model) || !last.reasoning.empty()) &&
      !rendered.text.ends_with(kEndThink)) {
    append(rendered, kThink, true);
    append(rendered, "\n", false);
    rendered.opens_thought = true;
  }
  if (rendered.opens_thought) {
    append(rendered, last.reasoning, false);
    if (has_content) close_thought(rendered);
  }
  if (has_content) append(rendered, *last.content, false);
}

// The tools that may be called.
std::vector<chat::Tool> callable_tools(const ChatInput& chat) {
  std::vector<chat::Tool> tools;
  if (chat.tool_choice.kind == ToolChoice::Kind::kNone) return tools;
  for (const Tool& tool : chat.tools)
    tools.push_back({tool.name, tool.description, tool.parameters, tool.strict, tool.json});
  return tools;
}

Result<Rendered> render_messages(const ServedModel& model, std::span<const chat::Message> messages,
                                 std::span<const chat::Tool> tools,
                                 const chat::RenderOptions& options) {
  const auto format = chat::tool_call_format(model.chat_template(), model.tokenizer());
  std::vector<std::string> texts;
  if (format.template_describes_tools) texts = chat::tool_texts(tools);
  return model.chat_template().render(chat::messages_with_tools(format, messages, tools), texts,
                                      options);
}

Result<Rendered> render(const ServedModel& model, const ChatInput& chat,
                        const ThinkingRequest& thinking) {
  std::span<const chat::Message> messages = chat.messages;
  if (messages.empty()) return invalid_argument("messages: there are none");
  if (chat.continue_last) {
    if (messages.back().role != chat::Role::kAssistant)
      return invalid_argument("messages: only a message of the assistant can be gone on with");
    messages = messages.first(messages.size() - 1);
  }
  const bool wants_thought = thinking.enabled.value_or(true) && thinking.budget != 0;
  SPUTNIK_TRY(Rendered rendered,
              render_messages(model, messages, callable_tools(chat), {.thinking = wants_thought}));
  if (chat.continue_last) {
    continue_with(rendered, chat.messages.back(), model);
  } else if (!wants_thought && rendered.opens_thought) {
    close_thought(rendered);
  } else if (!wants_thought && model.card().thinks && is_r1(model)) {
    append(rendered, kThink, true);
    append(rendered, "\n", false);
    close_thought(rendered);
  }
  return rendered;
}

// What an answer with tools may be; with a format for the answer as well, either of the two.
Result<void> prepare_tools(const ServedModel& model, const ChatInput& chat, Prepared& prepared) {
  const std::vector<chat::Tool> tools = callable_tools(chat);
  if (tools.empty()) return ok_result();
  const auto format = chat::tool_call_format(model.chat_template(), model.tokenizer());
  grammar::ToolChoice choice;
  choice.name = chat.tool_choice.name;
  if (chat.tool_choice.kind == ToolChoice::Kind::kNamed)
    choice.kind = grammar::ToolChoice::Kind::kNamed;
  if (chat.tool_choice.kind == ToolChoice::Kind::kRequired ||
      (chat.tool_choice.kind == ToolChoice::Kind::kAuto && prepared.grammar))
    choice.kind = grammar::ToolChoice::Kind::kRequired;
  SPUTNIK_TRY(grammar::GrammarPtr calls,
              grammar::tool_call_grammar(format, tools, choice, chat.parallel_tool_calls));
  if (prepared.grammar && chat.tool_choice.kind == ToolChoice::Kind::kAuto) {
    SPUTNIK_TRY(prepared.grammar,
                grammar::checked(grammar::one_of({std::move(prepared.grammar), std::move(calls)})));
  } else {
    prepared.grammar = std::move(calls);
  }
  prepared.tool_format = format;
  prepared.parsing.mark_ids = format.ids();
  return ok_result();
}

std::vector<std::int32_t> encode(const ServedModel& model, const Rendered& rendered) {
  const bool add_bos =
      !model.chat_template().writes_bos() && model.tokenizer().add_bos_by_default();
  return chat::encode(model.tokenizer(), rendered, chat::Injection::kEscaped, add_bos);
}

Result<void> prepare_chat(const ServedModel& model, const GenerateRequest& request,
                          const ChatInput& chat, Prepared& prepared) {
  const Tokenizer& tokenizer = model.tokenizer();
  if (!model.chat_template().is_chat()) {
    // A base model goes on with the texts as they are.
    std::string text;
    for (const chat::Message& message : chat.messages) {
      if (!text.empty()) text += "\n";
      text += message.content.value_or("");
    }
    prepared.prompt = tokenizer.encode(text, {.add_bos = tokenizer.add_bos_by_default()});
    prepared.parsing.end_ids = prepared.stop_tokens;
    return ok_result();
  }
  SPUTNIK_TRY(const Rendered rendered, render(model, chat, request.thinking));
  prepared.prompt = encode(model, rendered);
  prepared.parsing = chat::ReasoningParser::options_for(tokenizer, model.chat_template(), rendered);
  prepared.parsing.at_start_of_text = false;
  prepared.detect_loops = true;
  SPUTNIK_CHECK_OK(prepare_tools(model, chat, prepared));
  if (!prepared.parsing.end_think_id) return ok_result();

  ThoughtOptions& thought = prepared.thought;
  thought.begin_id = prepared.parsing.think_id;
  thought.end_id = prepared.parsing.end_think_id;
  thought.starts_in_thought = rendered.opens_thought;
  thought.budget = request.thinking.budget.value_or(-1);
  thought.closing = tokenizer.encode(kClosingWords);
  thought.closing.push_back(*thought.end_id);
  const auto breaks = tokenizer.encode("\n\n");
  thought.closing.insert(thought.closing.end(), breaks.begin(), breaks.end());
  // A model that would begin to think by itself, and must not, or has been gone on with.
  if (!rendered.opens_thought &&
      (chat.continue_last || request.thinking.enabled == false || request.thinking.budget == 0)) {
    thought = {};
    prepared.parsing.think_id = prepared.parsing.end_think_id = std::nullopt;
  }
  return ok_result();
}

Result<void> prepare_completion(const ServedModel& model, const CompletionInput& completion,
                                Prepared& prepared) {
  const Tokenizer& tokenizer = model.tokenizer();
  prepared.parsing.end_ids = prepared.stop_tokens;
  if (completion.suffix) {
    if (!model.fim()) {
      return unsupported("suffix: {} was not made to fill in the middle of a text",
                         model.card().id);
    }
    const auto add = [&](std::int32_t mark, std::string_view text) {
      prepared.prompt.push_back(mark);
      const auto ids = tokenizer.encode(text);
      prepared.prompt.insert(prepared.prompt.end(), ids.begin(), ids.end());
    };
    if (const auto bos = tokenizer.bos_id(); bos && tokenizer.add_bos_by_default())
      prepared.prompt.push_back(*bos);
    add(model.fim()->prefix, completion.prompt);
    add(model.fim()->suffix, *completion.suffix);
    add(model.fim()->middle, "");
  } else if (!completion.tokens.empty()) {
    prepared.prompt = completion.tokens;
  } else {
    prepared.prompt =
        tokenizer.encode(completion.prompt,
                         {.add_bos = tokenizer.add_bos_by_default() || completion.prompt.empty()});
    prepared.parsing.at_start_of_text = completion.prompt.empty();
  }
  if (prepared.prompt.empty()) return invalid_argument("prompt: it is empty");
  if (completion.echo) {
    prepared.echo =
        completion.tokens.empty() ? completion.prompt : tokenizer.decode(completion.tokens);
  }
  return ok_result();
}

Result<void> set_sampling(const GenerateRequest& request, Prepared& prepared) {
  const SamplingRequest& asked = request.sampling;
  SamplingParams& sampling = prepared.sampling;
  sampling.temperature = asked.temperature.value_or(kTemperature);
  sampling.top_p = asked.top_p.value_or(kTopP);
  sampling.min_p = asked.min_p.value_or(0.0f);
  sampling.top_k = asked.top_k.value_or(0);
  sampling.frequency_penalty = asked.frequency_penalty.value_or(0.0f);
  sampling.presence_penalty = asked.presence_penalty.value_or(0.0f);
  sampling.repetition_penalty = asked.repetition_penalty.value_or(1.0f);
  sampling.seed = *asked.seed;
  sampling.logprobs = asked.logprobs;
  sampling.top_logprobs = asked.top_logprobs;
  return sampling.check();
}

Result<grammar::GrammarPtr> grammar_of(const ResponseFormat& format) {
  switch (format.kind) {
    case ResponseFormat::Kind::kText:
      break;
    case ResponseFormat::Kind::kJsonObject:
      return grammar::json_object();
    case ResponseFormat::Kind::kJsonSchema:
      return grammar::json_schema(format.text);
    case ResponseFormat::Kind::kRegex:
      return grammar::regex(format.text);
    case ResponseFormat::Kind::kGrammar:
      return grammar::gbnf(format.text);
  }
  return grammar::GrammarPtr();
}

}  // namespace

GenerationRequest Prepared::engine_request(const ServedModel& model, int choice) const {
  GenerationRequest request;
  request.prompt = prompt;
  request.sampling = sampling;
  request.sampling.seed += static_cast<std::uint64_t>(choice);
  request.max_tokens = max_tokens;
  request.stop_tokens = stop_tokens;
  request.thought = thought;
  if (grammar) request.constraint = grammar::constrain(grammar, model.vocabulary());
  request.detect_loops = detect_loops;
  return request;
}

Result<Prepared> prepare(const ServedModel& model, const GenerateRequest& request) {
  SPUTNIK_ASSERT(request.sampling.seed.has_value());
  if (request.n < 1 || request.n > kMaxAnswers)
    return invalid_argument("n: {} answers; between 1 and {} are possible", request.n, kMaxAnswers);
  if (request.priority < -kMaxPriority || request.priority > kMaxPriority)
    return invalid_argument("priority: {} is outside -{}..{}", request.priority, kMaxPriority,
                            kMaxPriority);
  if (request.max_tokens < -1 || request.max_tokens == 0)
    return invalid_argument("max_tokens: {} is not a positive number", request.max_tokens);
  if (request.thinking.budget.value_or(0) < 0)
    return invalid_argument("thinking budget: {} tokens", *request.thinking.budget);
  Prepared prepared;
  prepared.max_tokens = request.max_tokens;
  prepared.stop_tokens = chat::end_token_ids(model.tokenizer(), model.chat_template());
  if (!model.chat_template().is_chat()) {
    // Some base models begin the next text with BOS.
    if (const auto bos = model.tokenizer().bos_id()) prepared.stop_tokens.push_back(*bos);
    std::sort(prepared.stop_tokens.begin(), prepared.stop_tokens.end());
  }
  SPUTNIK_CHECK_OK(set_sampling(request, prepared));
  SPUTNIK_TRY(prepared.stop, chat::StopStrings::create(request.stop));
  SPUTNIK_TRY(prepared.grammar, grammar_of(request.format));
  if (const auto* chat = std::get_if<ChatInput>(&request.input)) {
    SPUTNIK_CHECK_OK(prepare_chat(model, request, *chat, prepared));
  } else {
    SPUTNIK_CHECK_OK(prepare_completion(model, std::get<CompletionInput>(request.input), prepared));
  }
  const auto n_prompt = static_cast<std::int64_t>(prepared.prompt.size());
  if (n_prompt >= model.context_length()) {
    return invalid_argument(
        "This model's maximum context length is {} tokens. However, the messages have {} tokens, "
        "which leaves none for the completion. Please reduce the length of the messages.",
        model.context_length(), n_prompt);
  }
  return prepared;
}

Result<std::vector<std::int32_t>> prompt_with_answer(const ServedModel& model,
                                                     const GenerateRequest& request,
                                                     const std::string& answer) {
  const auto* chat = std::get_if<ChatInput>(&request.input);
  if (chat == nullptr || !model.chat_template().is_chat() || chat->continue_last)
    return std::vector<std::int32_t>();
  std::vector<chat::Message> messages = chat->messages;
  messages.push_back(chat::make_message(chat::Role::kAssistant, answer));
  SPUTNIK_TRY(const Rendered rendered, render_messages(model, messages, callable_tools(*chat),
                                                       {.add_generation_prompt = false}));
  return encode(model, rendered);
}

}  // namespace sputnik::service
