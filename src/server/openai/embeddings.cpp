#include "server/openai/embeddings.h"

#include "formats/printable.h"
#include "server/common/base64.h"
#include "server/common/json_out.h"
#include "server/common/json_reader.h"
#include "server/common/request_parts.h"

namespace sputnik::server::openai {
namespace {

constexpr std::size_t kMaxInputs = 2048;

}  // namespace

Result<EmbeddingsRequest> read_embeddings_request(const HttpRequest& http,
                                                  const service::Service& service) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  EmbeddingsRequest request;
  SPUTNIK_TRY(const auto model, body.get_string("model"));
  request.model = model.value_or("");
  SPUTNIK_TRY(const JsonView input, body.require("input"));
  for (const auto& item : input.json().items) {
    if (item.kind == chat::OrderedJson::Kind::kNumber || item.is_array()) {
      return unsupported("input: texts can be embedded, not token ids");
    }
  }
  SPUTNIK_TRY(request.texts, body.get_strings("input", kMaxInputs));
  if (request.texts.empty()) return input.error("it is empty");
  SPUTNIK_TRY(const auto format, body.get_string("encoding_format"));
  if (format && *format != "float" && *format != "base64") {
    return invalid_argument("encoding_format: \"{}\" is none of float, base64",
                            printable(*format, 40));
  }
  request.as_base64 = format == "base64";
  SPUTNIK_TRY(const auto dimensions, body.get_integer("dimensions", 1, kMaxTokens));
  if (dimensions) {
    SPUTNIK_TRY(const service::ModelCard card, service.model(request.model));
    if (*dimensions != card.embedding_length) {
      return unsupported("dimensions: this model's vectors have {}", card.embedding_length);
    }
  }
  return request;
}

std::string embeddings_json(const std::vector<service::Embedding>& embeddings,
                            std::string_view model, bool as_base64) {
  Json list = Json::array();
  std::int64_t n_tokens = 0;
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    Json item = {{"object", "embedding"}, {"index", i}};
    if (as_base64) {
      item["embedding"] = base64_of_floats(embeddings[i].values);
    } else {
      item["embedding"] = embeddings[i].values;
    }
    list.push_back(std::move(item));
    n_tokens += embeddings[i].n_tokens;
  }
  return dump({{"object", "list"},
               {"data", std::move(list)},
               {"model", model},
               {"usage", {{"prompt_tokens", n_tokens}, {"total_tokens", n_tokens}}}});
}

}  // namespace sputnik::server::openai
