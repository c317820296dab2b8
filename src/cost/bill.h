// What a training cost, stage by stage, beside what DeepSeek's cost.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cost/usage.h"

namespace sputnik {

struct StageBill {
  std::string stage;  // a recipe's name
  Usage usage;
  double money = 0;
};

class Bill {
 public:
  explicit Bill(std::string currency) : currency_(std::move(currency)) {}

  void add(StageBill stage);  // to the stage of this name, or as a new one behind the others
  // The stages of a run that this one went on from, or of one more. kInvalidArgument: its prices
  // are in another currency.
  Result<void> add(const Bill& other);

  const std::vector<StageBill>& stages() const { return stages_; }
  const std::string& currency() const { return currency_; }
  StageBill total() const;
  double money_per_exaflop() const;  // per 10^18 FLOP; 0: nothing was computed
  double money_per_million_tokens() const;

  // How it compares with DeepSeek's pretraining, in a sentence; empty: it cannot be compared.
  std::string comparison() const;
  std::string text() const;  // for people, some lines
  nlohmann::ordered_json to_json() const;
  // bill.json of another run, for adding it. kNotFound, kCorrupt; messages begin with the path.
  static Result<Bill> load(const std::filesystem::path& path);

  // bill.json and bill.txt. kIo.
  Result<void> write(const std::filesystem::path& folder) const;

 private:
  std::string currency_;
  std::vector<StageBill> stages_;
};

}  // namespace sputnik
