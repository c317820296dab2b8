#include "evaluation/respond.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "chat/encode.h"
#include "chat/reasoning_parser.h"

namespace sputnik::evaluation {
namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

struct Prompt {
  std::vector<std::int32_t> tokens;
  chat::ReasoningOptions parsing;  // of the answer
};

Result<Prompt> make_prompt(const Tokenizer& tokenizer, const chat::ChatTemplate& chat_template,
                           std::string_view text, bool thinking) {
  const std::vector messages = {chat::make_message(chat::Role::kUser, std::string(text))};
  SPUTNIK_TRY(const chat::Rendered rendered,
              chat_template.render(messages, {}, {.thinking = thinking}));
  Prompt prompt;
  prompt.parsing = chat::ReasoningParser::options_for(tokenizer, chat_template, rendered);
  if (!chat_template.is_chat()) {
    // Some base models begin the next text with BOS.
    if (const auto bos = tokenizer.bos_id()) prompt.parsing.end_ids.push_back(*bos);
    std::sort(prompt.parsing.end_ids.begin(), prompt.parsing.end_ids.end());
  }
  const bool add_bos = !chat_template.writes_bos() && tokenizer.add_bos_by_default();
  prompt.tokens = chat::encode(tokenizer, rendered, chat::Injection::kEscaped, add_bos);
  return prompt;
}

// A question that waits for room, and then its response so far.
class Dialogue {
 public:
  static Result<Dialogue> open(const Tokenizer& tokenizer, const chat::ChatTemplate& chat_template,
                               const Question& question, const RespondOptions& options) {
    SPUTNIK_TRY(Prompt prompt,
                make_prompt(tokenizer, chat_template, question.text, options.thinking));
    GenerationRequest request;
    request.prompt = std::move(prompt.tokens);
    request.sampling = options.sampling;
    request.sampling.seed = question.seed;
    // Of different questions no more than the template's first tokens could be shared.
    request.cache_salt = std::hash<std::string_view>()(question.text) ^ question.seed;
    request.max_tokens = options.max_tokens;
    request.stop_tokens = prompt.parsing.end_ids;
    return Dialogue(tokenizer, std::move(prompt.parsing), std::move(request));
  }

  // Tokens that the cache must hold.
  std::int64_t n_tokens_at_most() const {
    return static_cast<std::int64_t>(request_.prompt.size()) + request_.max_tokens;
  }
  GenerationRequest take_request() { return std::move(request_); }

  void feed(std::int32_t token) {
    ++n_tokens_;
    const bool was_in_thought = parser_.in_thought();
    take(parser_.feed(token));
    if (!was_in_thought && parser_.in_thought()) n_opening_marks_ = 1;
  }

  Response finish() {
    take(parser_.finish());
    const bool closed_a_thought = parser_.n_reasoning_tokens() > 0 && !parser_.in_thought();
    const bool has_marks = response_.answer.find("<think>") != std::string::npos ||
                           response_.answer.find("</think>") != std::string::npos;
    response_.truncated = parser_.end_reason() == chat::EndReason::kCut;
    response_.n_thought_tokens = n_opening_marks_ + parser_.n_reasoning_tokens();
    response_.n_answer_tokens = n_tokens_ - response_.n_thought_tokens;
    response_.well_formed = closed_a_thought && !has_marks && !response_.truncated &&
                            !is_blank(response_.thought) && !is_blank(response_.answer);
    return std::move(response_);
  }

 private:
  Dialogue(const Tokenizer& tokenizer, chat::ReasoningOptions parsing, GenerationRequest request)
      : request_(std::move(request)), parser_(tokenizer, std::move(parsing)) {}

  void take(std::span<const chat::AnswerEvent> events) {
    for (const chat::AnswerEvent& event : events) {
      if (event.kind == chat::AnswerEvent::Kind::kReasoning) response_.thought += event.text;
      if (event.kind == chat::AnswerEvent::Kind::kContent) response_.answer += event.text;
    }
  }

  GenerationRequest request_;
  chat::ReasoningParser parser_;
  Response response_;
  std::int64_t n_tokens_ = 0;
  std::int64_t n_opening_marks_ = 0;  // which the parser does not count
};

class Responder {
 public:
  Responder(Engine& engine, const Tokenizer& tokenizer, const chat::ChatTemplate& chat_template,
            std::span<const Question> questions, const RespondOptions& options)
      : engine_(engine),
        tokenizer_(tokenizer),
        template_(chat_template),
        questions_(questions),
        options_(options) {
    SPUTNIK_ASSERT(engine.idle());
  }

  ~Responder() {
    for (const auto& [id, running] : running_) engine_.cancel(id);
  }

  Result<void> run(ResponseCallback done) {
    for (;;) {
      SPUTNIK_CHECK_OK(fill());
      if (running_.empty()) return ok_result();
      for (const StepOutput& output : engine_.step()) SPUTNIK_CHECK_OK(take(output, done));
      const bool goes_on = !running_.empty() || next_ < questions_.size();
      if (goes_on && options_.interrupted != nullptr && options_.interrupted->load())
        return make_error(ErrorCode::kCancelled, "interrupted");
    }
  }

 private:
  struct Running {
    std::size_t question;
    Dialogue dialogue;
  };

  // Adds questions while there is room for them.
  Result<void> fill() {
    while (next_ < questions_.size() &&
           static_cast<std::int64_t>(running_.size()) < engine_.max_sequences()) {
      if (!waiting_) {
        auto opened = Dialogue::open(tokenizer_, template_, questions_[next_], options_);
        if (!opened.ok()) return std::move(opened).error().in(name(next_));
        waiting_.emplace(std::move(opened).value());
      }
      const std::int64_t n_tokens =
          std::min(waiting_->n_tokens_at_most(), engine_.context_length());
      if (!running_.empty() && engine_.n_free_blocks() < blocks_for(n_tokens)) return ok_result();
      auto added = engine_.add(waiting_->take_request());
      if (!added.ok()) return std::move(added).error().in(name(next_));
      running_.emplace(added.value(), Running{next_, std::move(*waiting_)});
      waiting_.reset();
      ++next_;
    }
    return ok_result();
  }

  Result<void> take(const StepOutput& output, ResponseCallback done) {
    const auto it = running_.find(output.sequence);
    SPUTNIK_ASSERT(it != running_.end());
    if (output.error) {
      Error error = *output.error;
      const std::string where = name(it->second.question);
      running_.erase(it);
      return std::move(error).in(where);
    }
    it->second.dialogue.feed(output.token.id);
    if (output.finish_reason == FinishReason::kNone) return ok_result();
    const std::size_t question = it->second.question;
    const Response response = it->second.dialogue.finish();
    running_.erase(it);
    return done(question, response);
  }

  static std::string name(std::size_t question) { return fmt::format("question {}", question + 1); }

  Engine& engine_;
  const Tokenizer& tokenizer_;
  const chat::ChatTemplate& template_;
  const std::span<const Question> questions_;
  const RespondOptions& options_;
  std::size_t next_ = 0;
  std::optional<Dialogue> waiting_;  // questions_[next_], if it has been looked at
  std::unordered_map<SequenceId, Running> running_;
};

}  // namespace

bool can_think(const Tokenizer& tokenizer, const chat::ChatTemplate& chat_template) {
  return chat::ReasoningParser::options_for(tokenizer, chat_template, {}).think_id.has_value();
}

Result<std::int64_t> n_prompt_tokens(const Tokenizer& tokenizer,
                                     const chat::ChatTemplate& chat_template, std::string_view text,
                                     bool thinking) {
  SPUTNIK_TRY(const Prompt prompt, make_prompt(tokenizer, chat_template, text, thinking));
  return static_cast<std::int64_t>(prompt.tokens.size());
}

Result<void> respond(Engine& engine, const Tokenizer& tokenizer,
                     const chat::ChatTemplate& chat_template, std::span<const Question> questions,
                     const RespondOptions& options, ResponseCallback done) {
  return Responder(engine, tokenizer, chat_template, questions, options).run(done);
}

}  // namespace sputnik::evaluation
