#include "server/anthropic/anthropic_reply.h"

#include <sodium.h>

#include <utility>

#include "server/common/base64.h"
#include "server/common/json_out.h"

namespace sputnik::server::anthropic {
namespace {

using service::Event;
using service::Finish;
using service::Generation;

const char* stop_reason(Finish finish, const std::string& stop_string) {
  switch (finish) {
    case Finish::kStop:
      return stop_string.empty() ? "end_turn" : "stop_sequence";
    case Finish::kToolCalls:
      return "tool_use";
    default:
      return "max_tokens";
  }
}

Json stop_sequence(const std::string& stop_string) {
  return stop_string.empty() ? Json(nullptr) : Json(stop_string);
}

// input_tokens are those that were not in the cache.
Json usage_json(const service::Usage& usage, std::int64_t output_tokens) {
  return {{"input_tokens", usage.prompt_cache_miss_tokens},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", usage.prompt_cache_hit_tokens},
          {"output_tokens", output_tokens}};
}

Json message_json(const Generation& generation) {
  return {{"id", generation.info().id},       {"type", "message"},        {"role", "assistant"},
          {"model", generation.info().model}, {"content", Json::array()}, {"stop_reason", nullptr},
          {"stop_sequence", nullptr}};
}

// What a call's arguments are; a call that was cut off has no JSON yet.
Json input_json(const std::string& arguments) {
  Json input = parsed_or_string(arguments);
  if (input.is_object()) return input;
  return {{"raw_arguments", arguments}};
}

enum class Block { kNone, kThinking, kText, kToolUse };

class MessageWriter final : public EventWriter {
 public:
  explicit MessageWriter(bool with_receipt) : with_receipt_(with_receipt) {}

  void write(const ReadEvent& read, const Generation& generation, std::string& body) override {
    const Event& event = read.event;
    if (event.kind == Event::Kind::kProgress) {
      body += fmt::format(": prompt {}/{}\n\n", event.n_done, event.n_total);
      return;
    }
    if (!has_begun_) begin(generation, body);
    switch (event.kind) {
      case Event::Kind::kReasoning:
        if (block_ != Block::kThinking) {
          open(Block::kThinking, {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}}, body);
        }
        thought_ += event.text;
        delta({{"type", "thinking_delta"}, {"thinking", event.text}}, body);
        break;
      case Event::Kind::kContent:
        if (block_ != Block::kText) open(Block::kText, {{"type", "text"}, {"text", ""}}, body);
        delta({{"type", "text_delta"}, {"text", event.text}}, body);
        break;
      case Event::Kind::kToolCall:
        open(Block::kToolUse,
             {{"type", "tool_use"},
              {"id", event.tool_id},
              {"name", event.text},
              {"input", Json::object()}},
             body);
        break;
      case Event::Kind::kToolArguments:
        delta({{"type", "input_json_delta"}, {"partial_json", event.text}}, body);
        break;
      case Event::Kind::kFinished:
        finish_ = event.finish;
        stop_string_ = event.stop_string;
        close(body);
        break;
      case Event::Kind::kDone:
        end(generation, body);
        break;
      default:
        break;
    }
  }

  void fail(const Error& error, std::string& body) override {
    append_sse(body, error_envelope(Protocol::kAnthropic, error), "error");
  }

 private:
  void emit(const char* type, Json fields, std::string& body) {
    Json json = {{"type", type}};
    for (auto& [key, value] : fields.items()) json[key] = std::move(value);
    append_sse(body, dump(json), type);
  }

  void begin(const Generation& generation, std::string& body) {
    has_begun_ = true;
    Json message = message_json(generation);
    message["usage"] = usage_json(generation.usage(), 0);
    emit("message_start", {{"message", std::move(message)}}, body);
  }

  void open(Block block, Json content, std::string& body) {
    close(body);
    block_ = block;
    emit("content_block_start", {{"index", index_}, {"content_block", std::move(content)}}, body);
  }

  void delta(Json of, std::string& body) {
    emit("content_block_delta", {{"index", index_}, {"delta", std::move(of)}}, body);
  }

  void close(std::string& body) {
    if (block_ == Block::kNone) return;
    if (block_ == Block::kThinking) {
      delta({{"type", "signature_delta"}, {"signature", thought_signature(thought_)}}, body);
      thought_.clear();
    }
    emit("content_block_stop", {{"index", index_++}}, body);
    block_ = Block::kNone;
  }

  void end(const Generation& generation, std::string& body) {
    close(body);
    Json fields = {{"delta",
                    {{"stop_reason", stop_reason(finish_, stop_string_)},
                     {"stop_sequence", stop_sequence(stop_string_)}}}};
    fields["usage"] = usage_json(generation.usage(), generation.usage().completion_tokens);
    if (with_receipt_) fields["receipt"] = parsed_or_string(generation.receipt());
    emit("message_delta", std::move(fields), body);
    emit("message_stop", Json::object(), body);
  }

  bool with_receipt_;
  bool has_begun_ = false;
  Block block_ = Block::kNone;
  int index_ = 0;  // of the block that is open, or comes next
  std::string thought_;
  Finish finish_ = Finish::kStop;
  std::string stop_string_;
};

std::string whole_message(const Answer& answer, const Generation& generation, bool with_receipt) {
  const AnswerChoice& choice = answer.choices.front();
  Json json = message_json(generation);
  Json& content = json["content"];
  if (!choice.reasoning.empty()) {
    content.push_back({{"type", "thinking"},
                       {"thinking", choice.reasoning},
                       {"signature", thought_signature(choice.reasoning)}});
  }
  if (!choice.content.empty()) content.push_back({{"type", "text"}, {"text", choice.content}});
  for (const AnswerCall& call : choice.calls) {
    content.push_back({{"type", "tool_use"},
                       {"id", call.id},
                       {"name", call.name},
                       {"input", input_json(call.arguments)}});
  }
  json["stop_reason"] = stop_reason(choice.finish, choice.stop_string);
  json["stop_sequence"] = stop_sequence(choice.stop_string);
  json["usage"] = usage_json(generation.usage(), generation.usage().completion_tokens);
  if (with_receipt) json["receipt"] = parsed_or_string(generation.receipt());
  return dump(json);
}

}  // namespace

std::string thought_signature(std::string_view thought) {
  unsigned char hash[crypto_generichash_BYTES];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(thought.data()),
                     thought.size(), nullptr, 0);
  return base64({reinterpret_cast<const char*>(hash), sizeof hash});
}

std::string token_count_json(std::int64_t n_tokens) {
  return dump({{"input_tokens", n_tokens}});
}

Reply messages_reply(std::shared_ptr<Generation> generation, bool stream, bool with_receipt) {
  const std::shared_ptr<Generation> shared = generation;
  if (stream) {
    auto source = make_stream_source(
        std::move(generation), std::make_unique<MessageWriter>(with_receipt),
        {std::string(kSse), "event: ping\ndata: {\"type\":\"ping\"}\n\n", Protocol::kAnthropic});
    return stream_reply(*shared, std::move(source), kSse);
  }
  auto source = make_answer_source(
      std::move(generation),
      [with_receipt](const Answer& answer, const Generation& finished) {
        return whole_message(answer, finished, with_receipt);
      },
      Protocol::kAnthropic);
  return stream_reply(*shared, std::move(source), "application/json");
}

}  // namespace sputnik::server::anthropic
