// Whatever the body: an error that says where, or a request within its bounds.
#include <cstdint>

#include "server/ollama/ollama_request.h"
#include "server/protocol_fuzz_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::server;
  const HttpRequest http = fuzzed_request(data, size);
  const auto chat = ollama::read_chat_request(http);
  // Without a message nothing is generated.
  if (!chat.ok() || !chat.value().is_load) check_fuzzed(chat);
  check_fuzzed(ollama::read_generate_request(http));
  return 0;
}
