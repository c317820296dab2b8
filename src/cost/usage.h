// What a training has taken so far, summed over all its starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace sputnik {

struct Usage {
  std::int64_t n_steps = 0;
  double tokens = 0;
  double flops = 0;           // of the model: what is computed twice counts once (training_cost.h)
  double seconds = 0;         // for which the machine was occupied
  double step_seconds = 0;    // in seconds: in steps, without reading and writing
  double peak_flops = 0;      // what the machine could have computed in the same time as
  double rated_flops = 0;     // these flops, all but those of starts that did not measure its peak
  double redone_seconds = 0;  // in seconds: steps that were made again, because the first was lost
  double energy_j = 0;
  double measured_energy_j = 0;  // in energy_j: counted by the processor, the rest is estimated

  double mfu() const { return peak_flops > 0 ? rated_flops / peak_flops : 0; }
  Usage& operator+=(const Usage& other);
};

// What lines of a log that were written without a meter are counted for.
struct UnmeteredLines {
  double flops_per_token = 0;
  double watts = 0;
};

// Sums a log.jsonl of training, which only ever grows: whatever ended a run, its lines remain. A
// start that says another recipe belongs to another training and does not count; nor does a line
// that is cut. A log that does not exist: nothing was used. kIo.
Result<Usage> usage_of_log(const std::filesystem::path& log, const std::string& recipe_hash,
                           const UnmeteredLines& unmetered = {});

}  // namespace sputnik
