#include "cost/bill.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "cost/amounts.h"
#include "cost/published.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace sputnik {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxBillBytes = 16 << 20;

constexpr double kV3PerExaflop =
    published::kV3Pretraining.dollars / published::kV3PretrainingFlops * 1e18;
constexpr double kV3PerMillionTokens =
    published::kV3Pretraining.dollars / published::kV3PretrainingTokens * 1e6;

double ratio(double a, double b) {
  return b > 0 ? a / b : 0;
}

std::string times_text(double x) {
  if (x < 999.5) return fmt::format("{:.3g}", x);
  return x < 1e6 ? whole_text(x) : count_text(x);
}

// "", ", estimated", or how much of it is.
std::string estimate_note(const Usage& usage) {
  const double measured = ratio(usage.measured_energy_j, usage.energy_j);
  if (measured > 0.999 || usage.energy_j == 0) return "";
  if (measured < 0.001) return ", estimated";
  return fmt::format(", {:.0f} % of it estimated", 100 * (1 - measured));
}

std::string stage_text(const StageBill& stage, const std::string& currency) {
  const Usage& u = stage.usage;
  std::string text = fmt::format(
      "  {:<24} {:>10}  {} tokens, {} FLOP, {}, {}{}", printable(stage.stage, 48),
      money_text(stage.money, currency), count_text(u.tokens), power_of_ten_text(u.flops),
      duration_text(u.seconds), energy_text(u.energy_j), estimate_note(u));
  if (u.peak_flops > 0) text += fmt::format(", {:.0f} % of the machine's peak", 100 * u.mfu());
  text += "\n";
  if (u.redone_seconds > 0) {
    text += fmt::format("  {:<24} {:>10}  {} of it for steps that had to be made again\n", "", "",
                        duration_text(u.redone_seconds));
  }
  return text;
}

Json stage_json(const StageBill& stage) {
  const Usage& u = stage.usage;
  return {{"stage", stage.stage},
          {"money", stage.money},
          {"steps", u.n_steps},
          {"tokens", u.tokens},
          {"flops", u.flops},
          {"seconds", u.seconds},
          {"step_seconds", u.step_seconds},
          {"redone_seconds", u.redone_seconds},
          {"energy_j", u.energy_j},
          {"measured_energy_j", u.measured_energy_j},
          {"peak_flops", u.peak_flops},
          {"rated_flops", u.rated_flops},
          {"mfu", u.mfu()}};
}

Result<StageBill> read_stage(const JsonObject& object) {
  StageBill stage;
  SPUTNIK_TRY(stage.stage, object.get_string("stage"));
  SPUTNIK_TRY(stage.usage.n_steps, object.get_i64("steps", 0));
  Usage& u = stage.usage;
  for (const auto& [key, target] : {std::pair{"money", &stage.money},
                                    {"tokens", &u.tokens},
                                    {"flops", &u.flops},
                                    {"seconds", &u.seconds},
                                    {"step_seconds", &u.step_seconds},
                                    {"redone_seconds", &u.redone_seconds},
                                    {"energy_j", &u.energy_j},
                                    {"measured_energy_j", &u.measured_energy_j},
                                    {"peak_flops", &u.peak_flops},
                                    {"rated_flops", &u.rated_flops}}) {
    SPUTNIK_TRY(*target, object.get_f64(key));
    if (*target < 0) return object.error(key, "is negative");
  }
  return stage;
}

// Names may come from names of files, which need not be UTF-8.
std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json published_json() {
  Json stages = Json::array();
  using namespace published;
  for (const Cost& cost :
       {kV3Pretraining, kV3ContextExtension, kV3PostTraining, kV3Total, kR1Zero, kR1Total})
    stages.push_back(
        {{"stage", cost.stage}, {"h800_hours", cost.gpu_hours}, {"dollars", cost.dollars}});
  return {{"sources",
           {"DeepSeek-V3 report, arXiv:2412.19437, table 1",
            "DeepSeek-R1, Nature 645 (2025), supplementary information, table 7"}},
          {"dollars_per_h800_hour", kDollarsPerGpuHour},
          {"stages", stages},
          {"v3_pretraining_tokens", kV3PretrainingTokens},
          {"v3_pretraining_flops", kV3PretrainingFlops},
          {"v3_pretraining_dollars_per_1e18_flop", kV3PerExaflop},
          {"v3_pretraining_dollars_per_million_tokens", kV3PerMillionTokens}};
}

}  // namespace

void Bill::add(StageBill stage) {
  const auto same = std::find_if(stages_.begin(), stages_.end(), [&](const StageBill& other) {
    return other.stage == stage.stage;
  });
  if (same == stages_.end()) {
    stages_.push_back(std::move(stage));
    return;
  }
  same->usage += stage.usage;
  same->money += stage.money;
}

Result<void> Bill::add(const Bill& other) {
  if (other.currency_ != currency_) {
    return invalid_argument("a bill in {} cannot be added to one in {}", printable(other.currency_),
                            printable(currency_));
  }
  for (const StageBill& stage : other.stages_) add(stage);
  return ok_result();
}

StageBill Bill::total() const {
  StageBill total{"total", {}, 0};
  for (const StageBill& stage : stages_) {
    total.usage += stage.usage;
    total.money += stage.money;
  }
  return total;
}

double Bill::money_per_exaflop() const {
  const StageBill all = total();
  return ratio(all.money, all.usage.flops / 1e18);
}

double Bill::money_per_million_tokens() const {
  const StageBill all = total();
  return ratio(all.money, all.usage.tokens / 1e6);
}

std::string Bill::comparison() const {
  const double own = money_per_exaflop();
  if (currency_ != "USD" || own <= 0) return "";
  const double smaller = ratio(published::kV3PretrainingFlops, total().usage.flops);
  const double dearer = own / kV3PerExaflop;
  const std::string size =
      fmt::format("DeepSeek-V3's pretraining took {} times as many FLOPs", times_text(smaller));
  if (dearer > 1) {
    return fmt::format(
        "This is cheap because it is small, not because its FLOPs are cheap: {}, and each of them "
        "cost DeepSeek {} times less.",
        size, times_text(dearer));
  }
  return fmt::format("{}, and each of them cost DeepSeek {} times as much.", size,
                     times_text(1 / dearer));
}

std::string Bill::text() const {
  const StageBill all = total();
  std::string text = "What it cost\n";
  for (const StageBill& stage : stages_) text += stage_text(stage, currency_);
  if (stages_.size() > 1) text += stage_text(all, currency_);
  const auto row = [&](std::string_view what, const std::string& money, const std::string& flop,
                       const std::string& tokens) {
    text += fmt::format("  {:<34} {:>12} {:>18} {:>20}\n", what, money, flop, tokens);
  };
  text += "Beside DeepSeek\n";
  row("", "total", "per 10^18 FLOP", "per million tokens");
  row("this", money_text(all.money, currency_), money_text(money_per_exaflop(), currency_),
      money_text(money_per_million_tokens(), currency_));
  using namespace published;
  row(kV3Pretraining.stage, money_text(kV3Pretraining.dollars, "USD"),
      money_text(kV3PerExaflop, "USD"), money_text(kV3PerMillionTokens, "USD"));
  for (const Cost& cost : {kV3Total, kR1Total, kR1Zero})
    row(cost.stage, money_text(cost.dollars, "USD"), "", "");
  text +=
      "  DeepSeek's are its own figures for final runs at $2 per H800 hour, without research, "
      "staff "
      "and\n  failed attempts; R1's $294,000 include R1-Zero's.\n";
  const std::string sentence = comparison();
  if (!sentence.empty()) text += sentence + "\n";
  return text;
}

Json Bill::to_json() const {
  Json stages = Json::array();
  for (const StageBill& stage : stages_) stages.push_back(stage_json(stage));
  Json total = stage_json(this->total());
  total["money_per_1e18_flop"] = money_per_exaflop();
  total["money_per_million_tokens"] = money_per_million_tokens();
  return {{"version", 1},   {"currency", currency_},        {"stages", stages},
          {"total", total}, {"deepseek", published_json()}, {"comparison", comparison()}};
}

Result<Bill> Bill::load(const std::filesystem::path& path) {
  SPUTNIK_TRY(const JsonDocument document, JsonDocument::read(path, kMaxBillBytes));
  const auto read = [&]() -> Result<Bill> {
    const JsonObject root = document.root();
    SPUTNIK_TRY(const std::int64_t version, root.get_i64("version", 1));
    if (version != 1) return unsupported("version {} is not supported", version);
    SPUTNIK_TRY(std::string currency, root.get_string("currency"));
    if (printable(currency, 8) != currency || currency.empty())
      return root.error("currency", "is no name of one");
    Bill bill(std::move(currency));
    const auto stages = root.raw().find("stages");
    if (stages == root.raw().end() || !stages->is_array())
      return corrupt("stages is missing or no list");
    for (const nlohmann::json& entry : *stages) {
      SPUTNIK_TRY(const JsonDocument stage, JsonDocument::parse(entry.dump(), "stages"));
      SPUTNIK_TRY(StageBill known, read_stage(stage.root()));
      bill.add(std::move(known));
    }
    return bill;
  };
  auto bill = read();
  if (!bill.ok()) return std::move(bill).error().in(path.string());
  return bill;
}

Result<void> Bill::write(const std::filesystem::path& folder) const {
  SPUTNIK_CHECK_OK(write_file_atomically(folder / "bill.json", json_text(to_json())));
  return write_file_atomically(folder / "bill.txt", text());
}

}  // namespace sputnik
