// Requests as JSON, for journals and receipts. Not a protocol: nobody sends it over a network.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "service/request.h"

namespace sputnik::service {

nlohmann::ordered_json request_to_json(const GenerateRequest& request);

// kCorrupt names the key. What request_to_json wrote comes back as it was.
Result<GenerateRequest> request_from_json(const nlohmann::ordered_json& json);

}  // namespace sputnik::service
