// Whatever the body: an error that says where, or a request within its bounds.
#include <cstdint>
#include <string_view>

#include "server/openai/chat_request.h"
#include "server/openai/completion_request.h"
#include "server/protocol_fuzz_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::server;
  const HttpRequest http = fuzzed_request(data, size);
  check_fuzzed(openai::read_chat_request(http));
  check_fuzzed(openai::read_completion_request(http));
  return 0;
}
