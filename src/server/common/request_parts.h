// What several protocols' requests have in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/common/json_reader.h"
#include "server/http.h"
#include "service/request.h"
#include "service/service.h"

namespace sputnik::server {

inline constexpr std::int64_t kMaxTokens = 1 << 24;  // more than any context
inline constexpr std::size_t kMaxTools = 128;
inline constexpr std::size_t kMaxStops = 16;

// Whose cache a request may use: the key's owner and, within it, the user that the client named.
std::string cache_owner(const HttpRequest& request, std::string_view user = {});

// A string, or an array of text parts (and bare strings), joined by line feeds. types: of the parts
// that are text, "text" for one. kUnsupported for parts of other types: images and the like.
Result<std::string> text_content(const JsonView& content,
                                 const std::vector<std::string_view>& types = {"text"});

// Neighbouring user messages, and neighbouring system messages, become one, with a blank line
// between: templates were not made for two in a row.
void merge_neighbours(std::vector<chat::Message>& messages);

// Letters, digits, '_' and '-', 1..64 of them; some clients also write '.' and ':'.
Result<std::string> tool_name(const JsonView& name);

// A tool in the form that templates print. parameters: nullptr for none.
service::Tool make_tool(std::string name, std::string description,
                        const chat::OrderedJson* parameters, bool strict);

// No two of one name, and the named one, or any at all, must be there if it is to be called.
Result<void> check_tools(const service::ChatInput& input);

// How long each word lets a model think, in tokens. "none": not at all; "max", "ultra": without
// limit. kInvalidArgument for other words.
Result<service::ThinkingRequest> thinking_of_effort(const JsonView& effort);

// "deepseek-chat" turns thinking off where the model can do that, "deepseek-reasoner" turns it on,
// unless the request says otherwise.
void apply_alias(service::GenerateRequest& request, const service::Service& service);

}  // namespace sputnik::server
