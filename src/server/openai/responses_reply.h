// The answers of /responses: a response object, or its stream of typed events.
#pragma once

#include <memory>

#include "server/common/generation_source.h"
#include "server/openai/responses_request.h"

namespace sputnik::server::openai {

Reply responses_reply(std::shared_ptr<service::Generation> generation, ResponsesOptions options);

}  // namespace sputnik::server::openai
