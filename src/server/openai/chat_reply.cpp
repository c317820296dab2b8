#include "server/openai/chat_reply.h"

#include <set>
#include <utility>

#include "server/openai/reply_parts.h"

namespace sputnik::server::openai {
namespace {

using service::Event;
using service::Generation;

class ChunkWriter final : public EventWriter {
 public:
  explicit ChunkWriter(ReplyOptions options) : options_(options) {}

  void write(const ReadEvent& read, const Generation& generation, std::string& body) override {
    const Event& event = read.event;
    if (event.kind == Event::Kind::kProgress) {
      body += fmt::format(": prompt {}/{}\n\n", event.n_done, event.n_total);
      return;
    }
    if (event.kind == Event::Kind::kDone) {
      write_end(read, generation, body);
      return;
    }
    Json choice = {{"index", event.choice}, {"delta", delta_of(event)}};
    choice["logprobs"] = nullptr;
    if (!event.logprobs.empty()) {
      const char* where = event.kind == Event::Kind::kReasoning ? "reasoning_content" : "content";
      choice["logprobs"] = {{where, logprobs_json(event.logprobs)}};
    }
    choice["finish_reason"] = nullptr;
    if (event.kind == Event::Kind::kFinished) {
      choice["finish_reason"] = finish_reason(event.finish);
      add_finish_details(choice, event.finish, event.stop_string);
    }
    if (event.kind == Event::Kind::kThoughtEnded) {
      choice["thought_end"] = service::to_string(event.thought_end);
    }
    Json chunk = head_json(generation.info(), "chat.completion.chunk");
    chunk["choices"] = Json::array({std::move(choice)});
    if (options_.include_usage) chunk["usage"] = nullptr;
    append_sse(body, dump(chunk), {}, read.number);
  }

  void fail(const Error& error, std::string& body) override {
    append_sse(body, error_envelope(Protocol::kOpenAi, error));
  }

 private:
  Json delta_of(const Event& event) {
    Json delta = Json::object();
    if (has_begun_.insert(event.choice).second) delta["role"] = "assistant";
    switch (event.kind) {
      case Event::Kind::kReasoning:
        delta["content"] = nullptr;
        delta["reasoning_content"] = event.text;
        break;
      case Event::Kind::kContent:
        delta["content"] = event.text;
        delta["reasoning_content"] = nullptr;
        break;
      case Event::Kind::kToolCall:
        delta["tool_calls"] =
            Json::array({{{"index", event.tool_index},
                          {"id", event.tool_id},
                          {"type", "function"},
                          {"function", {{"name", event.text}, {"arguments", ""}}}}});
        break;
      case Event::Kind::kToolArguments:
        delta["tool_calls"] =
            Json::array({{{"index", event.tool_index}, {"function", {{"arguments", event.text}}}}});
        break;
      case Event::Kind::kFinished:
        if (delta.contains("role")) delta["content"] = "";
        break;
      default:
        break;
    }
    return delta;
  }

  void write_end(const ReadEvent& read, const Generation& generation, std::string& body) {
    if (options_.include_usage || options_.receipt || generation.vote()) {
      Json chunk = head_json(generation.info(), "chat.completion.chunk");
      chunk["choices"] = Json::array();
      add_totals(chunk, generation, options_.receipt);
      append_sse(body, dump(chunk), {}, read.number);
    }
    append_sse(body, "[DONE]");
  }

  ReplyOptions options_;
  std::set<int> has_begun_;  // choices
};

Json message_json(const AnswerChoice& choice) {
  Json message = {{"role", "assistant"}};
  // Beside calls, no text is null rather than empty.
  if (choice.content.empty() && !choice.calls.empty()) {
    message["content"] = nullptr;
  } else {
    message["content"] = choice.content;
  }
  if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
  for (const AnswerCall& call : choice.calls) {
    message["tool_calls"].push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
  return message;
}

Json choice_json(const AnswerChoice& choice, std::size_t index) {
  Json json = {{"index", index}, {"message", message_json(choice)}, {"logprobs", nullptr}};
  if (!choice.content_logprobs.empty() || !choice.reasoning_logprobs.empty()) {
    json["logprobs"] = {{"content", logprobs_json(choice.content_logprobs)}};
    if (!choice.reasoning_logprobs.empty()) {
      json["logprobs"]["reasoning_content"] = logprobs_json(choice.reasoning_logprobs);
    }
  }
  json["finish_reason"] = finish_reason(choice.finish);
  add_finish_details(json, choice.finish, choice.stop_string);
  if (choice.thought_end) json["thought_end"] = service::to_string(*choice.thought_end);
  return json;
}

Reply chunk_reply(std::shared_ptr<Generation> generation, ReplyOptions options, std::size_t from) {
  const std::shared_ptr<Generation> shared = generation;
  auto source =
      make_stream_source(std::move(generation), make_chunk_writer(options),
                         {std::string(kSse), std::string(kSseKeepAlive), Protocol::kOpenAi}, from);
  return stream_reply(*shared, std::move(source), kSse);
}

}  // namespace

std::unique_ptr<EventWriter> make_chunk_writer(ReplyOptions options) {
  return std::make_unique<ChunkWriter>(options);
}

std::string chat_completion_json(const Answer& answer, const Generation& generation,
                                 bool with_receipt) {
  Json json = head_json(generation.info(), "chat.completion");
  json["choices"] = Json::array();
  for (std::size_t i = 0; i < answer.choices.size(); ++i) {
    json["choices"].push_back(choice_json(answer.choices[i], i));
  }
  add_totals(json, generation, with_receipt);
  return dump(json);
}

Reply chat_reply(std::shared_ptr<Generation> generation, ReplyOptions options) {
  if (options.stream) return chunk_reply(std::move(generation), options, 0);
  const std::shared_ptr<Generation> shared = generation;
  auto source = make_answer_source(
      std::move(generation),
      [receipt = options.receipt](const Answer& answer, const Generation& finished) {
        return chat_completion_json(answer, finished, receipt);
      },
      Protocol::kOpenAi);
  return stream_reply(*shared, std::move(source), "application/json");
}

Reply replay_reply(std::shared_ptr<Generation> generation, std::size_t from) {
  ReplyOptions options;
  options.stream = options.include_usage = true;
  return chunk_reply(std::move(generation), options, from);
}

}  // namespace sputnik::server::openai
