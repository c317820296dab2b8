// POST /embeddings
#pragma once

#include "server/common/embed_source.h"
#include "server/http.h"

namespace sputnik::server::openai {

struct EmbeddingsRequest {
  std::vector<std::string> texts;
  std::string model;
  bool as_base64 = false;  // little-endian float32
};

Result<EmbeddingsRequest> read_embeddings_request(const HttpRequest& http,
                                                  const service::Service& service);

std::string embeddings_json(const std::vector<service::Embedding>& embeddings,
                            std::string_view model, bool as_base64);

}  // namespace sputnik::server::openai
