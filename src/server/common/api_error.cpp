#include "server/common/api_error.h"

#include <algorithm>

namespace sputnik::server {

std::string error_envelope(Protocol protocol, const Error& error) {
  return error_body(protocol, http_status(error.code), error.message);
}

Reply error_reply(Protocol protocol, const Error& error, int retry_after_s) {
  Reply reply;
  reply.head.status = http_status(error.code);
  if (error.code == ErrorCode::kExhausted) {
    reply.head.headers.emplace_back("retry-after", std::to_string(std::max(retry_after_s, 1)));
  }
  reply.body = error_envelope(protocol, error);
  return reply;
}

}  // namespace sputnik::server
