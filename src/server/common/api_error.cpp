#include "server/common/api_error.h"

#include "server/common/json_out.h"

namespace sputnik::server {
namespace {

const char* openai_type(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kNotFound:
      return "invalid_request_error";
    case ErrorCode::kExhausted:
      return "rate_limit_error";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kIo:
      break;
  }
  return "server_error";
}

const char* openai_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kExhausted:
      return "queue_full";
    default:
      return openai_type(code);
  }
}

const char* anthropic_type(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
      return "invalid_request_error";
    case ErrorCode::kNotFound:
      return "not_found_error";
    case ErrorCode::kExhausted:
      return "rate_limit_error";
    case ErrorCode::kCancelled:
    case ErrorCode::kIo:
      break;
  }
  return "api_error";
}

const char* gemini_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
      return "INVALID_ARGUMENT";
    case ErrorCode::kNotFound:
      return "NOT_FOUND";
    case ErrorCode::kExhausted:
      return "RESOURCE_EXHAUSTED";
    case ErrorCode::kCancelled:
      return "CANCELLED";
    case ErrorCode::kIo:
      break;
  }
  return "INTERNAL";
}

}  // namespace

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kExhausted:
      return 429;
    case ErrorCode::kCancelled:
      return 499;
    case ErrorCode::kIo:
      break;
  }
  return 500;
}

std::string error_envelope(Protocol protocol, const Error& error) {
  switch (protocol) {
    case Protocol::kOpenai:
      return dump({{"error",
                    {{"message", error.message},
                     {"type", openai_type(error.code)},
                     {"param", nullptr},
                     {"code", openai_code(error.code)}}}});
    case Protocol::kAnthropic:
      return dump({{"type", "error"},
                   {"error", {{"type", anthropic_type(error.code)}, {"message", error.message}}}});
    case Protocol::kOllama:
      return dump({{"error", error.message}});
    case Protocol::kGemini:
      return dump({{"error",
                    {{"code", http_status(error.code)},
                     {"message", error.message},
                     {"status", gemini_status(error.code)}}}});
  }
  return {};
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
