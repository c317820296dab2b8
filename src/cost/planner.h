// What training a model would take: FLOPs, memory, time, energy and money.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cost/calibrate.h"
#include "cost/hardware.h"
#include "cost/training_cost.h"

namespace sputnik {

// What is to be trained.
struct TrainingJob {
  std::string name;
  nlohmann::json config;
  TrainerOptions trainer;
  std::int64_t context_length = 4096;
  double n_tokens = 0;
  double n_steps = 0;
  double n_checkpoints = 1;
  double mtp_share = 1;  // of the tokens, if there is a prediction module
};

// All steps of a recipe, or as many as n_tokens make. Its configuration is completed as `sputnik
// train` does it. kInvalidArgument, kNotFound.
Result<TrainingJob> job_of(const Recipe& recipe, std::string name, std::optional<double> n_tokens);

// Where, and how fast. Exactly one of share and measured says how fast.
struct TrainingPlace {
  Hardware hardware;
  double n_devices = 1;
  std::string currency = "USD";
  double mfu = 0;
  std::string mfu_source;
  std::optional<Calibration> measured;  // on this machine; mfu then follows from it
  int n_threads = 1;                    // of this machine
};

struct TrainingPlan {
  std::int64_t n_parameters = 0, n_active = 0;
  double n_tokens = 0;  // that are read
  TrainingFlops flops;
  std::map<std::string, TrainingFlops> by_operation;
  double mtp_flops = 0;    // of the prediction module, in flops.model()
  double plain_flops = 0;  // 6 x active parameters x tokens, the usual estimate
  TrainingMemory memory;
  double mfu = 0;
  double flops_per_s = 0;  // of the model, of one device
  double seconds = 0;
  double other_s = 0;  // in seconds: beginning and checkpoints
  double device_hours = 0;
  double energy_j = 0;
  double money = 0;
};

Result<TrainingPlan> plan_training(const TrainingJob& job, const TrainingPlace& place);

// "14.8T", "60M", "1.5e9": a number above 0 with K, M, B or T behind it.
Result<double> parse_amount(const std::string& text);

}  // namespace sputnik
