#include "server/error_envelope.h"

#include <nlohmann/json.hpp>

namespace sputnik::server {
namespace {

using Json = nlohmann::ordered_json;

// DeepSeek's words, which are OpenAI's where it has none.
const char* open_ai_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    case 503:
      return "service_unavailable_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

const char* anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    case 408:
    case 504:
      return "timeout_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

const char* gemini_status(int status) {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 409:
      return "ABORTED";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 499:
      return "CANCELLED";
    case 501:
      return "UNIMPLEMENTED";
    case 503:
      return "UNAVAILABLE";
    case 408:
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
  }
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

Protocol protocol_of(std::string_view path) {
  if (is_below(path, "/anthropic") || is_below(path, "/v1/messages")) return Protocol::kAnthropic;
  if (is_below(path, "/api/app")) return Protocol::kOpenAi;
  if (is_below(path, "/api")) return Protocol::kOllama;
  if (is_below(path, "/v1beta") || is_below(path, "/v1alpha")) return Protocol::kGemini;
  // "/v1/models/NAME:generateContent": a colon and a verb are Gemini's alone, but names of models
  // may hold a colon ("r1:7b").
  for (const std::string_view verb : {":generateContent", ":streamGenerateContent", ":countTokens",
                                      ":embedContent", ":batchEmbedContents"})
    if (path.ends_with(verb)) return Protocol::kGemini;
  return Protocol::kOpenAi;
}

std::string error_body(Protocol protocol, int status, std::string_view message,
                       std::string_view request_id) {
  Json json;
  switch (protocol) {
    case Protocol::kOpenAi:
      json["error"] = {{"message", message},
                       {"type", open_ai_type(status)},
                       {"param", nullptr},
                       {"code", open_ai_type(status)}};
      break;
    case Protocol::kAnthropic:
      json["type"] = "error";
      json["error"] = {{"type", anthropic_type(status)}, {"message", message}};
      json["request_id"] = request_id.empty() ? Json(nullptr) : Json(request_id);
      break;
    case Protocol::kOllama:
      json["error"] = message;
      break;
    case Protocol::kGemini:
      json["error"] = {{"code", status}, {"message", message}, {"status", gemini_status(status)}};
      break;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string error_body(std::string_view path, int status, std::string_view message,
                       std::string_view request_id) {
  return error_body(protocol_of(path), status, message, request_id);
}

Reply error_reply(const HttpRequest& request, int status, std::string_view message) {
  Reply reply;
  reply.head.status = status;
  reply.body = error_body(request.path, status, message, request.trace_id);
  return reply;
}

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
      return 500;
  }
  return 500;
}

}  // namespace sputnik::server
