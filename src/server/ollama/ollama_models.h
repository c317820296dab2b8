// What Ollama's clients ask about models.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "service/service.h"

namespace sputnik::server::ollama {

std::string tags_json(const std::vector<service::ModelCard>& cards);  // GET /api/tags
std::string ps_json(const std::vector<service::ModelCard>& cards);    // GET /api/ps
std::string show_json(const service::ModelCard& card);                // POST /api/show
// The version of the API that is spoken here; clients compare it with what they need.
std::string version_json();

std::string embed_json(const std::vector<service::Embedding>& embeddings, std::string_view model);
std::string embedding_json(const std::vector<service::Embedding>& embeddings);  // the older form

// "1.5B", "337M": as people write sizes of models.
std::string parameter_size(std::int64_t n_parameters);

}  // namespace sputnik::server::ollama
