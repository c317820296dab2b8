// generateContent and its relatives, as Google documents them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/common/json_reader.h"
#include "server/http.h"
#include "service/request.h"

namespace sputnik::server::gemini {

struct ContentCall {
  service::GenerateRequest request;
  bool include_thoughts = false;  // otherwise thoughts are counted, not shown
};

// Names of fields may be written as in JSON ("topP") or as in the interface's description
// ("top_p"). model: from the path, with or without "models/".
Result<ContentCall> read_content_request(const HttpRequest& http, std::string_view model);
// The body of countTokens: contents, or a whole request in generateContentRequest.
Result<ContentCall> read_count_request(const HttpRequest& http, std::string_view model);

// The texts of embedContent ({"content"}) and batchEmbedContents ({"requests"}).
Result<std::vector<std::string>> read_embed_request(const HttpRequest& http);

// Member `camel` of json, or what it is called with underscores. Returns the name to read it by.
std::string field(const JsonView& json, std::string_view camel);

std::string_view bare_model(std::string_view model);  // without "models/"

}  // namespace sputnik::server::gemini
