// What can be asked for: GET /models, and the balance that clients of DeepSeek look at.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "service/service.h"

namespace sputnik::server::openai {

// The models, then the names that other programs use for one of them, each with "sputnik": what is
// really loaded.
std::string model_list_json(const service::Service& service);
Result<std::string> model_json(const service::Service& service, std::string_view id);

// Always available: nobody pays here.
std::string balance_json();

}  // namespace sputnik::server::openai
