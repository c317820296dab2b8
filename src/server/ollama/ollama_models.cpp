#include "server/ollama/ollama_models.h"

#include <fmt/format.h>

#include "server/common/json_out.h"
#include "server/ollama/ollama_reply.h"

namespace sputnik::server::ollama {
namespace {

using service::ModelCard;

Json details_json(const ModelCard& card) {
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", card.architecture},
          {"families", Json::array({card.architecture})},
          {"parameter_size", parameter_size(card.n_parameters)},
          {"quantization_level", card.quantization}};
}

Json model_json(const ModelCard& card) {
  return {
      {"name", card.id},         {"model", card.id},      {"modified_at", rfc3339(card.modified_s)},
      {"size", card.file_bytes}, {"digest", card.digest}, {"details", details_json(card)}};
}

}  // namespace

std::string parameter_size(std::int64_t n_parameters) {
  const auto n = static_cast<double>(n_parameters);
  if (n >= 1e9) return fmt::format("{:.1f}B", n / 1e9);
  if (n >= 1e6) return fmt::format("{:.1f}M", n / 1e6);
  return fmt::format("{:.1f}K", n / 1e3);
}

std::string tags_json(const std::vector<ModelCard>& cards) {
  Json models = Json::array();
  for (const ModelCard& card : cards) models.push_back(model_json(card));
  return dump({{"models", std::move(models)}});
}

std::string ps_json(const std::vector<ModelCard>& cards) {
  Json models = Json::array();
  for (const ModelCard& card : cards) {
    Json model = model_json(card);
    model["size"] = card.memory_bytes;
    model["size_vram"] = 0;
    model["context_length"] = card.context_length;
    model["expires_at"] = "9999-12-31T23:59:59Z";  // it stays while the server runs
    models.push_back(std::move(model));
  }
  return dump({{"models", std::move(models)}});
}

std::string show_json(const ModelCard& card) {
  Json capabilities = Json::array({"completion"});
  if (card.has_tools) capabilities.push_back("tools");
  if (card.thinks) capabilities.push_back("thinking");
  if (card.has_fim) capabilities.push_back("insert");
  const std::string& name = card.architecture;
  return dump({{"modelfile", "# this server reads none\n"},
               {"parameters", ""},
               {"template", "# compiled in: family " + card.family + "\n"},
               {"details", details_json(card)},
               {"model_info",
                {{"general.architecture", name},
                 {"general.parameter_count", card.n_parameters},
                 {"general.file_type", card.quantization},
                 {name + ".context_length", card.context_length},
                 {name + ".embedding_length", card.embedding_length},
                 {"sputnik.is_distill", card.is_distill},
                 {"sputnik.notice", card.notice}}},
               {"capabilities", std::move(capabilities)},
               {"modified_at", rfc3339(card.modified_s)}});
}

std::string version_json() {
  return dump({{"version", "0.12.6"}, {"server", "sputnik"}});
}

std::string embed_json(const std::vector<service::Embedding>& embeddings, std::string_view model) {
  Json list = Json::array();
  std::int64_t n_tokens = 0;
  for (const service::Embedding& embedding : embeddings) {
    list.push_back(embedding.values);
    n_tokens += embedding.n_tokens;
  }
  return dump({{"model", model}, {"embeddings", std::move(list)}, {"prompt_eval_count", n_tokens}});
}

std::string embedding_json(const std::vector<service::Embedding>& embeddings) {
  Json values = Json::array();
  if (!embeddings.empty()) values = embeddings.front().values;
  return dump({{"embedding", std::move(values)}});
}

}  // namespace sputnik::server::ollama
