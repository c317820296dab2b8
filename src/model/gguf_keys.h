// From a published configuration to the metadata of a GGUF file: the way back from gguf_config.h.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "formats/gguf_writer.h"

namespace sputnik {

// general.architecture and all keys of the architecture, in the form that llama.cpp reads today.
// with_mtp: the prediction modules' layers are in the file. notes: what other programs make of such
// a model, if it may surprise. kUnsupported: a configuration that GGUF has no keys for.
Result<void> architecture_to_gguf(const nlohmann::json& config, bool with_mtp, GgufKeys& keys,
                                  std::vector<std::string>& notes);

}  // namespace sputnik
