#include "server/ollama/ollama_reply.h"

#include <fmt/chrono.h>

#include <ctime>
#include <map>
#include <utility>

#include "server/openai/reply_parts.h"

namespace sputnik::server::ollama {
namespace {

using service::Event;
using service::Finish;
using service::Generation;

std::int64_t nanoseconds(double ms) {
  return static_cast<std::int64_t>(ms * 1e6);
}

Json head_json(std::string_view model) {
  return {{"model", model}, {"created_at", rfc3339(std::time(nullptr))}};
}

Json calls_json(const std::vector<AnswerCall>& calls) {
  Json list = Json::array();
  for (const AnswerCall& call : calls) {
    Json arguments = parsed_or_string(call.arguments);
    // A call that was cut off has no JSON yet.
    if (!arguments.is_object()) arguments = {{"raw_arguments", call.arguments}};
    list.push_back(
        {{"id", call.id},
         {"function",
          {{"index", list.size()}, {"name", call.name}, {"arguments", std::move(arguments)}}}});
  }
  return list;
}

// What an answer, or a piece of one, is in this form.
void add_text(Json& json, Form form, const std::string& content, const std::string& thinking,
              const std::vector<AnswerCall>& calls) {
  if (form == Form::kGenerate) {
    json["response"] = content;
    if (!thinking.empty()) json["thinking"] = thinking;
    if (!calls.empty()) json["tool_calls"] = calls_json(calls);
    return;
  }
  Json message = {{"role", "assistant"}, {"content", content}};
  if (!thinking.empty()) message["thinking"] = thinking;
  if (!calls.empty()) message["tool_calls"] = calls_json(calls);
  json["message"] = std::move(message);
}

void add_end(Json& json, Finish finish, const Generation& generation) {
  const bool has_ended_itself = finish == Finish::kStop || finish == Finish::kToolCalls;
  json["done"] = true;
  json["done_reason"] = has_ended_itself ? "stop" : "length";
  const service::Timing timing = generation.timing();
  json["total_duration"] = nanoseconds(timing.queued_ms + timing.prompt_ms + timing.generation_ms);
  json["load_duration"] = 0;  // it was loaded before anybody asked
  json["prompt_eval_count"] = generation.usage().prompt_tokens();
  json["prompt_eval_duration"] = nanoseconds(timing.prompt_ms);
  json["eval_count"] = generation.usage().completion_tokens;
  json["eval_duration"] = nanoseconds(timing.generation_ms);
}

class LineWriter final : public EventWriter {
 public:
  explicit LineWriter(Form form) : form_(form) {}

  void write(const ReadEvent& read, const Generation& generation, std::string& body) override {
    const Event& event = read.event;
    Json json = head_json(generation.info().model);
    switch (event.kind) {
      case Event::Kind::kReasoning:
        add_text(json, form_, "", event.text, {});
        break;
      case Event::Kind::kContent:
        add_text(json, form_, event.text, "", {});
        break;
      case Event::Kind::kToolCall:
        calls_.push_back({event.tool_id, event.text, {}});
        return;
      case Event::Kind::kToolArguments:
        if (!calls_.empty()) calls_.back().arguments += event.text;
        return;
      case Event::Kind::kFinished:
        finish_ = event.finish;
        if (calls_.empty()) return;
        // Arguments are an object here, so calls come whole.
        add_text(json, form_, "", "", calls_);
        break;
      case Event::Kind::kDone:
        add_text(json, form_, "", "", {});
        add_end(json, finish_, generation);
        body += dump(json) + "\n";
        return;
      default:
        return;
    }
    if (!event.logprobs.empty()) json["logprobs"] = openai::logprobs_json(event.logprobs);
    json["done"] = false;
    body += dump(json) + "\n";
  }

  void fail(const Error& error, std::string& body) override {
    body += error_envelope(Protocol::kOllama, error) + "\n";
  }

 private:
  Form form_;
  std::vector<AnswerCall> calls_;
  Finish finish_ = Finish::kStop;
};

std::string whole_answer(const Answer& answer, const Generation& generation, Form form) {
  const AnswerChoice& choice = answer.choices.front();
  Json json = head_json(generation.info().model);
  add_text(json, form, choice.content, choice.reasoning, choice.calls);
  if (!choice.content_logprobs.empty()) {
    json["logprobs"] = openai::logprobs_json(choice.content_logprobs);
  }
  add_end(json, choice.finish, generation);
  return dump(json);
}

}  // namespace

std::string rfc3339(std::int64_t unix_s) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(unix_s)));
}

std::string load_json(std::string_view model, Form form, const char* done_reason) {
  Json json = head_json(model);
  add_text(json, form, "", "", {});
  json["done"] = true;
  json["done_reason"] = done_reason;
  return dump(json);
}

Reply ollama_reply(std::shared_ptr<Generation> generation, Form form, bool stream) {
  const std::shared_ptr<Generation> shared = generation;
  if (stream) {
    // Clients parse every line, and a blank before an object is no line.
    constexpr const char* kLines = "application/x-ndjson";
    auto source = make_stream_source(std::move(generation), std::make_unique<LineWriter>(form),
                                     {kLines, " ", Protocol::kOllama});
    return stream_reply(*shared, std::move(source), kLines);
  }
  auto source = make_answer_source(
      std::move(generation),
      [form](const Answer& answer, const Generation& finished) {
        return whole_answer(answer, finished, form);
      },
      Protocol::kOllama);
  return stream_reply(*shared, std::move(source), "application/json");
}

}  // namespace sputnik::server::ollama
