// POST /api/chat and /api/generate as Ollama documents them.
#pragma once

#include "server/common/json_reader.h"
#include "server/http.h"
#include "service/request.h"

namespace sputnik::server::ollama {

enum class Form { kChat, kGenerate };

struct OllamaCall {
  service::GenerateRequest request;
  bool stream = true;
  // Nothing is asked: clients load a model this way, or, with keep_alive 0, let it go.
  bool is_load = false;
  bool is_unload = false;
};

Result<OllamaCall> read_chat_request(const HttpRequest& http);
Result<OllamaCall> read_generate_request(const HttpRequest& http);

// "model", or "name" as it once was, without the tag ":latest".
Result<std::string> read_model(const JsonView& body);

}  // namespace sputnik::server::ollama
