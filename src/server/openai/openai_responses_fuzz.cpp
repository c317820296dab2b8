// Whatever the body: an error that says where, or a request within its bounds.
#include <cstdint>

#include "server/openai/responses_request.h"
#include "server/protocol_fuzz_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::server;
  check_fuzzed(openai::read_responses_request(fuzzed_request(data, size)));
  return 0;
}
