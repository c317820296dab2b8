#include "server/openai/responses_reply.h"

#include <utility>

#include "server/openai/reply_parts.h"

namespace sputnik::server::openai {
namespace {

using service::Event;
using service::Finish;
using service::Generation;

Json usage_of_response(const service::Usage& usage) {
  return {{"input_tokens", usage.prompt_tokens()},
          {"input_tokens_details", {{"cached_tokens", usage.prompt_cache_hit_tokens}}},
          {"output_tokens", usage.completion_tokens},
          {"output_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}},
          {"total_tokens", usage.total_tokens()}};
}

bool is_complete(Finish finish) {
  return finish == Finish::kStop || finish == Finish::kToolCalls;
}

// The object with what is known of it so far.
Json response_json(const Generation& generation, const ResponsesOptions& options,
                   const char* status, Json output) {
  const auto& info = generation.info();
  Json json = {{"id", info.id},       {"object", "response"},       {"created_at", info.created_s},
               {"status", status},    {"error", nullptr},           {"incomplete_details", nullptr},
               {"model", info.model}, {"output", std::move(output)}};
  const Json echo = parsed_or_string(options.echo);
  for (const auto& [key, value] : echo.items()) json[key] = value;
  json["usage"] = nullptr;
  json["system_fingerprint"] = info.fingerprint;
  return json;
}

Json finished_json(const Generation& generation, const ResponsesOptions& options, Finish finish,
                   Json output) {
  Json json = response_json(generation, options, is_complete(finish) ? "completed" : "incomplete",
                            std::move(output));
  if (!is_complete(finish)) json["incomplete_details"] = {{"reason", "max_output_tokens"}};
  add_finish_details(json, finish, {});
  json["usage"] = usage_of_response(generation.usage());
  json["timing"] = timing_json(generation.timing());
  if (options.receipt) json["receipt"] = parsed_or_string(generation.receipt());
  return json;
}

// Of the three kinds of items that an answer is made of.
enum class Kind { kNone, kReasoning, kMessage, kCall };

Json item_json(Kind kind, const std::string& id, const char* status, const std::string& text,
               const AnswerCall& call, Json logprobs) {
  switch (kind) {
    case Kind::kReasoning:
      return {{"id", id},
              {"type", "reasoning"},
              {"status", status},
              {"summary", Json::array()},
              {"content", Json::array({{{"type", "reasoning_text"}, {"text", text}}})}};
    case Kind::kMessage:
      return {{"id", id},
              {"type", "message"},
              {"status", status},
              {"role", "assistant"},
              {"content", Json::array({{{"type", "output_text"},
                                        {"text", text},
                                        {"annotations", Json::array()},
                                        {"logprobs", std::move(logprobs)}}})}};
    case Kind::kCall:
      return {{"id", id},           {"type", "function_call"}, {"status", status},
              {"call_id", call.id}, {"name", call.name},       {"arguments", call.arguments}};
    case Kind::kNone:
      break;
  }
  return nullptr;
}

std::string item_id(const Generation& generation, Kind kind, std::size_t index) {
  const char* prefix = kind == Kind::kReasoning ? "rs" : kind == Kind::kMessage ? "msg" : "fc";
  return fmt::format("{}_{}_{}", prefix, generation.info().id, index);
}

class ResponseWriter final : public EventWriter {
 public:
  explicit ResponseWriter(ResponsesOptions options) : options_(std::move(options)) {}

  void write(const ReadEvent& read, const Generation& generation, std::string& body) override {
    const Event& event = read.event;
    if (event.kind == Event::Kind::kProgress) {
      body += fmt::format(": prompt {}/{}\n\n", event.n_done, event.n_total);
      return;
    }
    if (sequence_ == 0) {
      for (const char* type : {"response.created", "response.in_progress"}) {
        Json empty = response_json(generation, options_, "in_progress", Json::array());
        emit(type, {{"response", std::move(empty)}}, body);
      }
    }
    generation_ = &generation;
    switch (event.kind) {
      case Event::Kind::kReasoning:
        add_text(Kind::kReasoning, event, body);
        break;
      case Event::Kind::kContent:
        add_text(Kind::kMessage, event, body);
        break;
      case Event::Kind::kToolCall:
        close(body, "completed");
        call_ = {event.tool_id, event.text, {}};
        open(Kind::kCall, body);
        break;
      case Event::Kind::kToolArguments:
        call_.arguments += event.text;
        emit("response.function_call_arguments.delta",
             {{"item_id", id_}, {"output_index", index()}, {"delta", event.text}}, body);
        break;
      case Event::Kind::kFinished:
        finish_ = event.finish;
        close(body, is_complete(finish_) ? "completed" : "incomplete");
        break;
      case Event::Kind::kDone: {
        Json done = finished_json(generation, options_, finish_, output_);
        const char* type = is_complete(finish_) ? "response.completed" : "response.incomplete";
        emit(type, {{"response", std::move(done)}}, body);
        break;
      }
      default:
        break;
    }
  }

  void fail(const Error& error, std::string& body) override {
    if (generation_ != nullptr) {
      Json failed = response_json(*generation_, options_, "failed", output_);
      failed["error"] = {{"code", "server_error"}, {"message", error.message}};
      emit("response.failed", {{"response", std::move(failed)}}, body);
    }
    emit("error", {{"code", "server_error"}, {"message", error.message}, {"param", nullptr}}, body);
  }

 private:
  std::size_t index() const { return output_.size(); }

  void emit(const char* type, Json fields, std::string& body) {
    Json json = {{"type", type}, {"sequence_number", sequence_++}};
    for (auto& [key, value] : fields.items()) json[key] = std::move(value);
    append_sse(body, dump(json), type);
  }

  Json item(const char* status) const {
    return item_json(kind_, id_, status, text_, call_, logprobs_);
  }

  void open(Kind kind, std::string& body) {
    kind_ = kind;
    id_ = item_id(*generation_, kind, index());
    text_.clear();
    logprobs_ = Json::array();
    Json added = item("in_progress");
    if (kind != Kind::kCall) added["content"] = Json::array();
    emit("response.output_item.added", {{"output_index", index()}, {"item", std::move(added)}},
         body);
    if (kind != Kind::kCall) emit_part("response.content_part.added", body);
  }

  void emit_part(const char* type, std::string& body) {
    emit(type,
         {{"item_id", id_},
          {"output_index", index()},
          {"content_index", 0},
          {"part", item("")["content"][0]}},
         body);
  }

  void add_text(Kind kind, const Event& event, std::string& body) {
    if (kind_ != kind) {
      close(body, "completed");
      open(kind, body);
    }
    text_ += event.text;
    Json fields = {
        {"item_id", id_}, {"output_index", index()}, {"content_index", 0}, {"delta", event.text}};
    if (kind == Kind::kMessage) {
      Json logprobs = logprobs_json(event.logprobs);
      logprobs_.insert(logprobs_.end(), logprobs.begin(), logprobs.end());
      fields["logprobs"] = std::move(logprobs);
    }
    emit(kind == Kind::kMessage ? "response.output_text.delta" : "response.reasoning_text.delta",
         std::move(fields), body);
  }

  void close(std::string& body, const char* status) {
    if (kind_ == Kind::kNone) return;
    Json fields = {{"item_id", id_}, {"output_index", index()}};
    if (kind_ == Kind::kCall) {
      fields["name"] = call_.name;
      fields["arguments"] = call_.arguments;
      emit("response.function_call_arguments.done", std::move(fields), body);
    } else {
      fields["content_index"] = 0;
      fields["text"] = text_;
      if (kind_ == Kind::kMessage) fields["logprobs"] = logprobs_;
      emit(kind_ == Kind::kMessage ? "response.output_text.done" : "response.reasoning_text.done",
           std::move(fields), body);
      emit_part("response.content_part.done", body);
    }
    Json done = item(status);
    emit("response.output_item.done", {{"output_index", index()}, {"item", done}}, body);
    output_.push_back(std::move(done));
    kind_ = Kind::kNone;
  }

  ResponsesOptions options_;
  const Generation* generation_ = nullptr;  // of the stream that this writer belongs to
  std::int64_t sequence_ = 0;
  Json output_ = Json::array();  // items that have ended
  Finish finish_ = Finish::kStop;
  // The item that is being written.
  Kind kind_ = Kind::kNone;
  std::string id_, text_;
  AnswerCall call_;
  Json logprobs_ = Json::array();
};

std::string whole_response(const Answer& answer, const Generation& generation,
                           const ResponsesOptions& options) {
  const AnswerChoice& choice = answer.choices.front();
  const char* last_status = is_complete(choice.finish) ? "completed" : "incomplete";
  Json output = Json::array();
  const auto add = [&](Kind kind, const std::string& text, const AnswerCall& call, Json logprobs,
                       bool is_last) {
    output.push_back(item_json(kind, item_id(generation, kind, output.size()),
                               is_last ? last_status : "completed", text, call,
                               std::move(logprobs)));
  };
  const bool has_more = !choice.content.empty() || !choice.calls.empty();
  if (!choice.reasoning.empty()) add(Kind::kReasoning, choice.reasoning, {}, {}, !has_more);
  if (!choice.content.empty()) {
    add(Kind::kMessage, choice.content, {}, logprobs_json(choice.content_logprobs),
        choice.calls.empty());
  }
  for (const AnswerCall& call : choice.calls) {
    add(Kind::kCall, {}, call, {}, &call == &choice.calls.back());
  }
  return dump(finished_json(generation, options, choice.finish, std::move(output)));
}

}  // namespace

Reply responses_reply(std::shared_ptr<Generation> generation, ResponsesOptions options) {
  const std::shared_ptr<Generation> shared = generation;
  if (options.stream) {
    auto source = make_stream_source(
        std::move(generation), std::make_unique<ResponseWriter>(std::move(options)),
        {std::string(kSse), std::string(kSseKeepAlive), Protocol::kOpenAi});
    return stream_reply(*shared, std::move(source), kSse);
  }
  auto source = make_answer_source(
      std::move(generation),
      [options = std::move(options)](const Answer& answer, const Generation& finished) {
        return whole_response(answer, finished, options);
      },
      Protocol::kOpenAi);
  return stream_reply(*shared, std::move(source), "application/json");
}

}  // namespace sputnik::server::openai
