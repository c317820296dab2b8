#include "server/anthropic/anthropic_request.h"

#include <limits>

#include "formats/printable.h"
#include "server/anthropic/anthropic_messages.h"
#include "server/common/json_reader.h"
#include "server/common/request_parts.h"

namespace sputnik::server::anthropic {
namespace {

using service::ResponseFormat;
using service::ToolChoice;

// {"type": "enabled", "budget_tokens": n}. Anthropic wants n of 1024 at least; here any will do,
// and it is kept exactly.
Result<void> read_thinking(const JsonView& body, service::GenerateRequest& request) {
  SPUTNIK_TRY(const auto output, body.get_object("output_config"));
  if (const auto effort = output ? output->find("effort") : std::nullopt) {
    SPUTNIK_TRY(request.thinking, thinking_of_effort(*effort));
  }
  SPUTNIK_TRY(const auto thinking, body.get_object("thinking"));
  if (!thinking) return ok_result();
  SPUTNIK_TRY(const std::string type, thinking->require_string("type"));
  if (type == "disabled") {
    request.thinking = {false, std::nullopt};
    return ok_result();
  }
  if (type != "enabled" && type != "adaptive") {
    return invalid_argument("thinking.type: \"{}\" is none of enabled, disabled, adaptive",
                            printable(type, 40));
  }
  if (type == "enabled") request.thinking.enabled = true;
  SPUTNIK_TRY(const auto budget, thinking->get_integer("budget_tokens", 1, kMaxTokens));
  if (budget && request.max_tokens != -1 && *budget >= request.max_tokens) {
    return invalid_argument("thinking.budget_tokens: {} is not less than max_tokens, {}", *budget,
                            request.max_tokens);
  }
  if (budget) request.thinking.budget = *budget;
  return ok_result();
}

Result<void> read_format(const JsonView& body, ResponseFormat& format) {
  SPUTNIK_TRY(auto holder, body.get_object("output_format"));
  SPUTNIK_TRY(const auto output, body.get_object("output_config"));
  if (output && output->has("format")) {
    SPUTNIK_TRY(holder, output->get_object("format"));
  }
  if (!holder) return ok_result();
  SPUTNIK_TRY(const std::string type, holder->require_string("type"));
  if (type != "json_schema") {
    return invalid_argument("{}: \"{}\" is not json_schema", holder->path_of("type"),
                            printable(type, 40));
  }
  SPUTNIK_TRY(const JsonView schema, holder->require("schema"));
  SPUTNIK_CHECK_OK(schema.as_object());
  format = {ResponseFormat::Kind::kJsonSchema, schema.text()};
  return ok_result();
}

Result<service::Tool> read_tool(const JsonView& json) {
  if (!json.is_object()) return json.wrong("an object");
  SPUTNIK_TRY(const auto type, json.get_string("type"));
  if (type && *type != "custom") {
    return unsupported("{}: \"{}\" runs on Anthropic's machines alone", json.path_of("type"),
                       printable(*type, 40));
  }
  SPUTNIK_TRY(const JsonView name_view, json.require("name"));
  SPUTNIK_TRY(std::string name, tool_name(name_view));
  SPUTNIK_TRY(const auto description, json.get_string("description"));
  SPUTNIK_TRY(const auto schema, json.get_object("input_schema"));
  SPUTNIK_TRY(const auto strict, json.get_bool("strict"));
  return make_tool(std::move(name), description.value_or(""), schema ? &schema->json() : nullptr,
                   strict.value_or(false));
}

Result<void> read_tool_choice(const JsonView& choice, service::ChatInput& input) {
  SPUTNIK_TRY(const std::string type, choice.require_string("type"));
  if (type == "any") {
    input.tool_choice.kind = ToolChoice::Kind::kRequired;
  } else if (type == "none") {
    input.tool_choice.kind = ToolChoice::Kind::kNone;
  } else if (type == "tool") {
    input.tool_choice.kind = ToolChoice::Kind::kNamed;
    SPUTNIK_TRY(input.tool_choice.name, choice.require_string("name"));
  } else if (type != "auto") {
    return invalid_argument("tool_choice.type: \"{}\" is none of auto, any, tool, none",
                            printable(type, 40));
  }
  SPUTNIK_TRY(const auto one_only, choice.get_bool("disable_parallel_tool_use"));
  input.parallel_tool_calls = !one_only.value_or(false);
  return ok_result();
}

Result<void> read_tools(const JsonView& body, service::ChatInput& input) {
  SPUTNIK_TRY(const auto tools, body.get_array("tools"));
  if (tools.size() > kMaxTools) {
    return invalid_argument("tools: {} of them, at most {} are possible", tools.size(), kMaxTools);
  }
  for (const JsonView& tool : tools) {
    SPUTNIK_TRY(service::Tool read, read_tool(tool));
    input.tools.push_back(std::move(read));
  }
  SPUTNIK_TRY(const auto choice, body.get_object("tool_choice"));
  if (choice) SPUTNIK_CHECK_OK(read_tool_choice(*choice, input));
  return check_tools(input);
}

Result<void> read_numbers(const JsonView& body, service::GenerateRequest& request) {
  SPUTNIK_TRY(const auto max_tokens, body.get_integer("max_tokens", 1, kMaxTokens));
  request.max_tokens = max_tokens.value_or(-1);
  SPUTNIK_TRY(request.sampling.temperature, body.get_float("temperature", 0, 2));
  SPUTNIK_TRY(request.sampling.top_p, body.get_float("top_p", 0, 1));
  SPUTNIK_TRY(const auto top_k, body.get_integer("top_k", 0, 1 << 20));
  if (top_k && *top_k > 0) request.sampling.top_k = static_cast<std::int32_t>(*top_k);
  SPUTNIK_TRY(const auto seed, body.get_integer("seed", std::numeric_limits<std::int64_t>::min(),
                                                std::numeric_limits<std::int64_t>::max()));
  if (seed) request.sampling.seed = static_cast<std::uint64_t>(*seed);
  SPUTNIK_TRY(const auto priority, body.get_integer("priority", -10, 10));
  request.priority = static_cast<int>(priority.value_or(0));
  return ok_result();
}

}  // namespace

Result<MessagesCall> read_messages_request(const HttpRequest& http) {
  SPUTNIK_TRY(const chat::OrderedJson json, parse_body(http.body));
  const JsonView body(json);
  MessagesCall call;
  service::GenerateRequest& request = call.request;
  SPUTNIK_TRY(const auto model, body.get_string("model"));
  request.model = model.value_or("");
  SPUTNIK_CHECK_OK(read_numbers(body, request));
  SPUTNIK_TRY(request.stop, body.get_strings("stop_sequences", kMaxStops));
  SPUTNIK_CHECK_OK(read_thinking(body, request));
  SPUTNIK_CHECK_OK(read_format(body, request.format));
  SPUTNIK_TRY(const auto metadata, body.get_object("metadata"));
  std::optional<std::string> user;
  if (metadata) {
    SPUTNIK_TRY(user, metadata->get_string("user_id"));
  }
  if (user && user->size() > 512) return invalid_argument("metadata.user_id: more than 512 bytes");
  request.user = cache_owner(http, user.value_or(""));
  request.key_id = http.principal.id;
  SPUTNIK_TRY(const auto servers, body.get_array("mcp_servers"));
  if (!servers.empty()) return unsupported("mcp_servers: tools are called by the client alone");

  service::ChatInput input;
  SPUTNIK_CHECK_OK(read_messages(body, input));
  SPUTNIK_CHECK_OK(read_tools(body, input));
  request.input = std::move(input);

  SPUTNIK_TRY(const auto stream, body.get_bool("stream"));
  call.stream = stream.value_or(false);
  SPUTNIK_TRY(const auto detached, body.get_bool("detached"));
  request.detached = detached.value_or(false);
  SPUTNIK_TRY(const auto receipt, body.get_bool("receipt"));
  call.receipt = receipt.value_or(false);
  return call;
}

}  // namespace sputnik::server::anthropic
