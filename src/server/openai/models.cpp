#include "server/openai/models.h"

#include <algorithm>

#include "server/common/json_out.h"

namespace sputnik::server::openai {
namespace {

using service::ModelCard;

Json model_object(std::string_view id, const ModelCard& card) {
  return {{"id", id},
          {"object", "model"},
          {"created", card.modified_s},
          {"owned_by", "sputnik"},
          {"sputnik",
           {{"model", card.id},
            {"architecture", card.architecture},
            {"family", card.family},
            {"quantization", card.quantization},
            {"parameters", card.n_parameters},
            {"active_parameters", card.n_active_parameters},
            {"file_bytes", card.file_bytes},
            {"memory_bytes", card.memory_bytes},
            {"context_length", card.context_length},
            {"embedding_length", card.embedding_length},
            {"digest", card.digest},
            {"is_distill", card.is_distill},
            {"thinks", card.thinks},
            {"can_turn_thinking_off", card.can_turn_thinking_off},
            {"has_tools", card.has_tools},
            {"has_fim", card.has_fim},
            {"notice", card.notice}}}};
}

}  // namespace

std::string model_list_json(const service::Service& service) {
  Json list = Json::array();
  const auto cards = service.models();
  for (const ModelCard& card : cards) list.push_back(model_object(card.id, card));
  for (const std::string_view alias : {"deepseek-chat", "deepseek-reasoner"}) {
    const auto card = service.model(alias);
    const bool is_a_model = std::any_of(cards.begin(), cards.end(),
                                        [&](const ModelCard& other) { return other.id == alias; });
    if (card.ok() && !is_a_model) list.push_back(model_object(alias, card.value()));
  }
  return dump({{"object", "list"}, {"data", std::move(list)}});
}

Result<std::string> model_json(const service::Service& service, std::string_view id) {
  SPUTNIK_TRY(const ModelCard card, service.model(id));
  return dump(model_object(id, card));
}

std::string balance_json() {
  return dump({{"is_available", true},
               {"balance_infos", Json::array({{{"currency", "USD"},
                                               {"total_balance", "0.00"},
                                               {"granted_balance", "0.00"},
                                               {"topped_up_balance", "0.00"}}})}});
}

}  // namespace sputnik::server::openai
