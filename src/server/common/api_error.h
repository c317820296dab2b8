// From an Error to what each protocol calls one.
#pragma once

#include <string>

#include "base/result.h"
#include "server/error_envelope.h"
#include "server/http.h"

namespace sputnik::server {

// The body of a failed reply; also what a broken stream ends with.
std::string error_envelope(Protocol protocol, const Error& error);

// retry_after_s: told to clients whose request found the queue full.
Reply error_reply(Protocol protocol, const Error& error, int retry_after_s = 1);

}  // namespace sputnik::server
