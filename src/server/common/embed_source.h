// Embeddings are computed where they block nobody: a thread of their own, one text after another.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/common/api_error.h"
#include "server/http.h"
#include "service/service.h"

namespace sputnik::server {

// Computes for all protocols. Its destructor waits for the text that is being computed.
class EmbedWorker {
 public:
  explicit EmbedWorker(service::Service& service);
  ~EmbedWorker();
  EmbedWorker(const EmbedWorker&) = delete;
  EmbedWorker& operator=(const EmbedWorker&) = delete;

  using Render = std::function<std::string(const std::vector<service::Embedding>&)>;
  // The reply comes when all texts are done; a client that leaves ends the work. kExhausted, as a
  // reply, when too much is waiting already.
  Reply reply(std::vector<std::string> texts, std::string model, Render render, Protocol protocol);

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace sputnik::server
