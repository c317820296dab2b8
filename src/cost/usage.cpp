#include "cost/usage.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/json.h"

namespace sputnik {
namespace {

using nlohmann::json;

double number(const json& line, const char* key, double otherwise = 0) {
  const auto it = line.find(key);
  if (it == line.end() || !it->is_number()) return otherwise;
  const auto value = it->get<double>();
  return std::isfinite(value) && value >= 0 ? value : otherwise;
}

std::string text(const json& line, const char* key) {
  const auto it = line.find(key);
  return it != line.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

Usage& Usage::operator+=(const Usage& other) {
  n_steps += other.n_steps;
  tokens += other.tokens;
  flops += other.flops;
  seconds += other.seconds;
  step_seconds += other.step_seconds;
  peak_flops += other.peak_flops;
  rated_flops += other.rated_flops;
  redone_seconds += other.redone_seconds;
  energy_j += other.energy_j;
  measured_energy_j += other.measured_energy_j;
  return *this;
}

Result<Usage> usage_of_log(const std::filesystem::path& log, const std::string& recipe_hash,
                           const UnmeteredLines& unmetered) {
  Usage usage;
  std::error_code error;
  if (!std::filesystem::exists(log, error)) return usage;
  std::ifstream file(log);
  if (!file) return io_error("{}: cannot be read", log.string());
  bool is_ours = true;
  double peak_flops_per_s = 0, last_step = 0;
  for (std::string text_line; std::getline(file, text_line);) {
    const auto parsed = parse_json(text_line);
    if (!parsed.ok() || !parsed.value().is_object()) continue;
    const json& line = parsed.value();
    const std::string event = text(line, "event");
    if (event == "started" || event == "resumed") {
      is_ours = text(line, "recipe") == recipe_hash;
      peak_flops_per_s = number(line, "peak_flops_per_s");
    }
    if (!is_ours) continue;
    const bool is_step = event.empty() && line.contains("step");
    const double step_s = is_step ? number(line, "seconds") : 0;
    const double elapsed_s = number(line, "elapsed_s", step_s);
    usage.seconds += elapsed_s;
    const double energy_j = number(line, "energy_j", unmetered.watts * elapsed_s);
    usage.energy_j += energy_j;
    if (text(line, "energy_from") == "rapl") usage.measured_energy_j += energy_j;
    if (!is_step) continue;
    const double tokens = number(line, "tokens"), step = number(line, "step");
    ++usage.n_steps;
    usage.tokens += tokens;
    const double flops = number(line, "flops", unmetered.flops_per_token * tokens);
    usage.flops += flops;
    usage.step_seconds += step_s;
    usage.peak_flops += peak_flops_per_s * step_s;
    if (peak_flops_per_s > 0) usage.rated_flops += flops;
    if (step <= last_step) usage.redone_seconds += elapsed_s;
    last_step = std::max(last_step, step);
  }
  return usage;
}

}  // namespace sputnik
