#include "engine/fair_share.h"

#include <algorithm>
#include <limits>

namespace sputnik {

void FairShare::arrive(std::uint64_t tenant) {
  Tenant& arriving = tenants_[tenant];
  if (arriving.n_active++ > 0) return;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [id, other] : tenants_)
    if (other.n_active > 0 && id != tenant) least = std::min(least, other.served);
  arriving.served = std::max(
      arriving.served, least == std::numeric_limits<double>::infinity() ? last_served_ : least);
}

void FairShare::leave(std::uint64_t tenant) {
  const auto it = tenants_.find(tenant);
  if (it == tenants_.end() || --it->second.n_active > 0) return;
  last_served_ = std::max(last_served_, it->second.served);
  tenants_.erase(it);
}

void FairShare::charge(std::uint64_t tenant, double tokens) {
  if (const auto it = tenants_.find(tenant); it != tenants_.end()) it->second.served += tokens;
}

double FairShare::served(std::uint64_t tenant) const {
  const auto it = tenants_.find(tenant);
  return it == tenants_.end() ? 0 : it->second.served;
}

void PrefillPace::observe(std::int64_t n_decode, std::int64_t n_prompt, double ms) {
  constexpr double kLearn = 0.2;
  const auto learn = [](double& mean, double value) {
    mean = mean == 0 ? value : mean + kLearn * (value - mean);
  };
  if (n_prompt == 0) {
    decode_.observe(n_decode, ms);
    learn(alone_ms_, ms);
    return;
  }
  if (n_prompt < kFewest) return;
  // The weights are read once for all rows, so that a pass of few rows costs more per row than one
  // of many: what the decoding rows take alone is taken off.
  const double alone = n_decode > 0 ? alone_ms_ : 0;
  learn(ms_per_token_, std::max(ms - alone, 0.1 * ms) / static_cast<double>(n_prompt));
}

std::int64_t PrefillPace::tokens(std::int64_t most) const {
  if (ms_per_token_ == 0) return std::min(most, kUnmeasured);
  const double n = max_gap_ms_ / ms_per_token_;
  return n >= static_cast<double>(most) ? most
                                        : std::clamp(static_cast<std::int64_t>(n), kFewest, most);
}

}  // namespace sputnik
