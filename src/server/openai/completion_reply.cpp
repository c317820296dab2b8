#include "server/openai/completion_reply.h"

#include <map>
#include <utility>

#include "server/openai/reply_parts.h"

namespace sputnik::server::openai {
namespace {

using service::Event;
using service::Generation;

std::int64_t count_characters(std::string_view text) {
  std::int64_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

// {"tokens", "token_logprobs", "top_logprobs", "text_offset"}; offset is where the first token
// begins, in characters, and becomes where the next one will.
Json classic_logprobs(const std::vector<service::TokenLogprobs>& logprobs, std::int64_t& offset) {
  Json json = {{"tokens", Json::array()},
               {"token_logprobs", Json::array()},
               {"top_logprobs", Json::array()},
               {"text_offset", Json::array()}};
  for (const service::TokenLogprobs& of_token : logprobs) {
    json["tokens"].push_back(of_token.token.bytes);
    json["token_logprobs"].push_back(of_token.token.logprob);
    Json top = Json::object();
    for (const auto& chance : of_token.top) top[chance.bytes] = chance.logprob;
    json["top_logprobs"].push_back(std::move(top));
    json["text_offset"].push_back(offset);
    offset += count_characters(of_token.token.bytes);
  }
  return json;
}

class TextChunkWriter final : public EventWriter {
 public:
  explicit TextChunkWriter(ReplyOptions options) : options_(options) {}

  void write(const ReadEvent& read, const Generation& generation, std::string& body) override {
    const Event& event = read.event;
    switch (event.kind) {
      case Event::Kind::kProgress:
        body += fmt::format(": prompt {}/{}\n\n", event.n_done, event.n_total);
        return;
      case Event::Kind::kContent:
      case Event::Kind::kReasoning:
      case Event::Kind::kFinished:
        write_choice(read, generation, body);
        return;
      case Event::Kind::kDone:
        if (options_.include_usage || options_.receipt) {
          Json chunk = head_json(generation.info(), "text_completion");
          chunk["choices"] = Json::array();
          add_totals(chunk, generation, options_.receipt);
          append_sse(body, dump(chunk), {}, read.number);
        }
        append_sse(body, "[DONE]");
        return;
      default:
        return;
    }
  }

  void fail(const Error& error, std::string& body) override {
    append_sse(body, error_envelope(Protocol::kOpenAi, error));
  }

 private:
  void write_choice(const ReadEvent& read, const Generation& generation, std::string& body) {
    const Event& event = read.event;
    Json choice = {{"text", event.kind == Event::Kind::kFinished ? "" : event.text},
                   {"index", event.choice},
                   {"logprobs", nullptr},
                   {"finish_reason", nullptr}};
    if (!event.logprobs.empty()) {
      choice["logprobs"] = classic_logprobs(event.logprobs, offset_[event.choice]);
    }
    if (event.kind == Event::Kind::kFinished) {
      choice["finish_reason"] = finish_reason(event.finish);
      add_finish_details(choice, event.finish, event.stop_string);
    }
    Json chunk = head_json(generation.info(), "text_completion");
    chunk["choices"] = Json::array({std::move(choice)});
    if (options_.include_usage) chunk["usage"] = nullptr;
    append_sse(body, dump(chunk), {}, read.number);
  }

  ReplyOptions options_;
  std::map<int, std::int64_t> offset_;  // of each choice's next token
};

std::string completion_json(const Answer& answer, const Generation& generation, bool with_receipt) {
  Json json = head_json(generation.info(), "text_completion");
  json["choices"] = Json::array();
  for (std::size_t i = 0; i < answer.choices.size(); ++i) {
    const AnswerChoice& of = answer.choices[i];
    Json choice = {{"text", of.reasoning + of.content}, {"index", i}, {"logprobs", nullptr}};
    if (!of.content_logprobs.empty() || !of.reasoning_logprobs.empty()) {
      std::vector<service::TokenLogprobs> all = of.reasoning_logprobs;
      all.insert(all.end(), of.content_logprobs.begin(), of.content_logprobs.end());
      std::int64_t offset = 0;
      choice["logprobs"] = classic_logprobs(all, offset);
    }
    choice["finish_reason"] = finish_reason(of.finish);
    add_finish_details(choice, of.finish, of.stop_string);
    json["choices"].push_back(std::move(choice));
  }
  add_totals(json, generation, with_receipt);
  return dump(json);
}

}  // namespace

Reply completion_reply(std::shared_ptr<Generation> generation, ReplyOptions options) {
  const std::shared_ptr<Generation> shared = generation;
  if (options.stream) {
    auto source =
        make_stream_source(std::move(generation), std::make_unique<TextChunkWriter>(options),
                           {std::string(kSse), std::string(kSseKeepAlive), Protocol::kOpenAi});
    return stream_reply(*shared, std::move(source), kSse);
  }
  auto source = make_answer_source(
      std::move(generation),
      [receipt = options.receipt](const Answer& answer, const Generation& finished) {
        return completion_json(answer, finished, receipt);
      },
      Protocol::kOpenAi);
  return stream_reply(*shared, std::move(source), "application/json");
}

}  // namespace sputnik::server::openai
