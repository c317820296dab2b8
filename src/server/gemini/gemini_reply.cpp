#include "server/gemini/gemini_reply.h"

#include <algorithm>
#include <map>
#include <utility>

#include "server/common/json_out.h"

namespace sputnik::server::gemini {
namespace {

using service::Event;
using service::Finish;
using service::Generation;

const char* finish_reason(Finish finish) {
  switch (finish) {
    case Finish::kStop:
    case Finish::kToolCalls:
      return "STOP";
    case Finish::kLength:
      return "MAX_TOKENS";
    default:
      return "OTHER";
  }
}

void add_finish(Json& candidate, Finish finish) {
  candidate["finishReason"] = finish_reason(finish);
  if (finish_reason(finish) == std::string_view("OTHER")) {
    candidate["finishMessage"] = service::to_string(finish);
  }
}

Json usage_json(const service::Usage& usage) {
  return {{"promptTokenCount", usage.prompt_tokens()},
          {"cachedContentTokenCount", usage.prompt_cache_hit_tokens},
          {"candidatesTokenCount", usage.completion_tokens - usage.reasoning_tokens},
          {"thoughtsTokenCount", usage.reasoning_tokens},
          {"totalTokenCount", usage.total_tokens()}};
}

Json call_part(const AnswerCall& call) {
  Json arguments = Json::parse(call.arguments, nullptr, /*allow_exceptions=*/false);
  // A call that was cut off has no JSON yet.
  if (!arguments.is_object()) arguments = {{"raw_arguments", call.arguments}};
  return {{"functionCall", {{"id", call.id}, {"name", call.name}, {"args", std::move(arguments)}}}};
}

Json text_part(const std::string& text, bool is_thought) {
  Json part = {{"text", text}};
  if (is_thought) part["thought"] = true;
  return part;
}

Json chance_json(const service::TokenChance& chance) {
  return {{"token", chance.bytes}, {"tokenId", chance.id}, {"logProbability", chance.logprob}};
}

Json logprobs_json(const std::vector<service::TokenLogprobs>& logprobs) {
  Json top = Json::array(), chosen = Json::array();
  for (const service::TokenLogprobs& of_token : logprobs) {
    Json candidates = Json::array();
    for (const auto& chance : of_token.top) candidates.push_back(chance_json(chance));
    top.push_back({{"candidates", std::move(candidates)}});
    chosen.push_back(chance_json(of_token.token));
  }
  return {{"topCandidates", std::move(top)}, {"chosenCandidates", std::move(chosen)}};
}

Json candidate_json(std::size_t index, Json parts) {
  return {{"content", {{"parts", std::move(parts)}, {"role", "model"}}}, {"index", index}};
}

Json response_json(const Generation& generation, Json candidates) {
  return {{"candidates", std::move(candidates)},
          {"usageMetadata", usage_json(generation.usage())},
          {"modelVersion", generation.info().model},
          {"responseId", generation.info().id}};
}

class ContentWriter final : public EventWriter {
 public:
  ContentWriter(bool include_thoughts, bool as_sse)
      : include_thoughts_(include_thoughts), as_sse_(as_sse) {}

  void write(const ReadEvent& read, const Generation& generation, std::string& body) override {
    const Event& event = read.event;
    switch (event.kind) {
      case Event::Kind::kReasoning:
        if (include_thoughts_) write_part(event, text_part(event.text, true), generation, body);
        break;
      case Event::Kind::kContent:
        write_part(event, text_part(event.text, false), generation, body);
        break;
      case Event::Kind::kToolCall:
        calls_[event.choice].push_back({event.tool_id, event.text, {}});
        break;
      case Event::Kind::kToolArguments:
        if (!calls_[event.choice].empty()) calls_[event.choice].back().arguments += event.text;
        break;
      case Event::Kind::kFinished: {
        // Arguments are an object here, so calls come whole. The last response holds the ends of
        // all candidates and the final numbers.
        Json parts = Json::array();
        for (const AnswerCall& call : calls_[event.choice]) parts.push_back(call_part(call));
        if (parts.empty()) parts.push_back(text_part("", false));
        Json candidate = candidate_json(static_cast<std::size_t>(event.choice), std::move(parts));
        add_finish(candidate, event.finish);
        ended_.push_back(std::move(candidate));
        break;
      }
      case Event::Kind::kDone:
        append(response_json(generation, std::exchange(ended_, Json::array())), body);
        if (!as_sse_) body += "\n]";
        break;
      default:
        if (event.kind == Event::Kind::kProgress && as_sse_) {
          body += fmt::format(": prompt {}/{}\n\n", event.n_done, event.n_total);
        }
        break;
    }
  }

  void fail(const Error& error, std::string& body) override {
    const std::string envelope = error_envelope(Protocol::kGemini, error);
    if (as_sse_) {
      append_sse(body, envelope);
    } else {
      body += (is_first_ ? "[" : ",\n") + envelope;
    }
  }

 private:
  void write_part(const Event& event, Json part, const Generation& generation, std::string& body) {
    Json candidate =
        candidate_json(static_cast<std::size_t>(event.choice), Json::array({std::move(part)}));
    if (!event.logprobs.empty() && event.kind == Event::Kind::kContent) {
      candidate["logprobsResult"] = logprobs_json(event.logprobs);
    }
    append(response_json(generation, Json::array({std::move(candidate)})), body);
  }

  void append(const Json& response, std::string& body) {
    if (as_sse_) {
      append_sse(body, dump(response));
      return;
    }
    body += is_first_ ? "[" : ",\n";
    is_first_ = false;
    body += dump(response);
  }

  bool include_thoughts_, as_sse_;
  bool is_first_ = true;
  std::map<int, std::vector<AnswerCall>> calls_;  // of each candidate
  Json ended_ = Json::array();
};

std::string whole_content(const Answer& answer, const Generation& generation,
                          bool include_thoughts) {
  Json candidates = Json::array();
  for (std::size_t i = 0; i < answer.choices.size(); ++i) {
    const AnswerChoice& choice = answer.choices[i];
    Json parts = Json::array();
    if (include_thoughts && !choice.reasoning.empty()) {
      parts.push_back(text_part(choice.reasoning, true));
    }
    if (!choice.content.empty() || choice.calls.empty()) {
      parts.push_back(text_part(choice.content, false));
    }
    for (const AnswerCall& call : choice.calls) parts.push_back(call_part(call));
    Json candidate = candidate_json(i, std::move(parts));
    add_finish(candidate, choice.finish);
    if (!choice.content_logprobs.empty()) {
      double sum = 0;
      for (const auto& of_token : choice.content_logprobs) sum += of_token.token.logprob;
      candidate["avgLogprobs"] = sum / static_cast<double>(choice.content_logprobs.size());
      candidate["logprobsResult"] = logprobs_json(choice.content_logprobs);
    }
    candidates.push_back(std::move(candidate));
  }
  return dump(response_json(generation, std::move(candidates)));
}

Json model_object(const service::ModelCard& card) {
  return {{"name", "models/" + card.id},
          {"baseModelId", card.id},
          {"version", card.digest.substr(0, std::min<std::size_t>(12, card.digest.size()))},
          {"displayName", card.id},
          {"description", card.notice},
          {"inputTokenLimit", card.context_length},
          {"outputTokenLimit", card.context_length},
          {"supportedGenerationMethods", Json::array({"generateContent", "streamGenerateContent",
                                                      "countTokens", "embedContent"})},
          {"thinking", card.thinks}};
}

Json values_json(const service::Embedding& embedding) {
  return {{"values", embedding.values}};
}

}  // namespace

std::string count_json(std::int64_t n_tokens) {
  return dump({{"totalTokens", n_tokens}});
}

std::string embedding_json(const std::vector<service::Embedding>& embeddings) {
  return dump({{"embedding", values_json(embeddings.front())}});
}

std::string embeddings_json(const std::vector<service::Embedding>& embeddings) {
  Json list = Json::array();
  for (const service::Embedding& embedding : embeddings) list.push_back(values_json(embedding));
  return dump({{"embeddings", std::move(list)}});
}

std::string model_json(const service::ModelCard& card) {
  return dump(model_object(card));
}

std::string models_json(const std::vector<service::ModelCard>& cards) {
  Json list = Json::array();
  for (const service::ModelCard& card : cards) list.push_back(model_object(card));
  return dump({{"models", std::move(list)}});
}

Reply content_reply(std::shared_ptr<Generation> generation, bool include_thoughts) {
  const std::shared_ptr<Generation> shared = generation;
  auto source = make_answer_source(
      std::move(generation),
      [include_thoughts](const Answer& answer, const Generation& finished) {
        return whole_content(answer, finished, include_thoughts);
      },
      Protocol::kGemini);
  return stream_reply(*shared, std::move(source), "application/json");
}

Reply stream_content_reply(std::shared_ptr<Generation> generation, bool include_thoughts,
                           bool as_sse) {
  const std::shared_ptr<Generation> shared = generation;
  const std::string_view type = as_sse ? kSse : "application/json";
  auto source = make_stream_source(
      std::move(generation), std::make_unique<ContentWriter>(include_thoughts, as_sse),
      {std::string(type), as_sse ? std::string(kSseKeepAlive) : "\n", Protocol::kGemini});
  return stream_reply(*shared, std::move(source), type);
}

}  // namespace sputnik::server::gemini
