// Whatever the body: an error that says where, or a request within its bounds.
#include <cstdint>

#include "server/anthropic/anthropic_request.h"
#include "server/protocol_fuzz_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::server;
  check_fuzzed(anthropic::read_messages_request(fuzzed_request(data, size)));
  return 0;
}
